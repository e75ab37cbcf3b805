"""Operations that place and cancel orders (rest-api.md, "Trading endpoints")."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.orders import CancelReplaceMode, OrderStatus, OrderType
from exchange_simulator.server.operation import Answer, Call, Operation, Security, names
from exchange_simulator.server.order_request import NEW_ORDER, read_order
from exchange_simulator.server.params import Params, either_missing
from exchange_simulator.server.wire import orders as wire
from exchange_simulator.server.wire.account import commission_for_order


class ResponseType(StrEnum):
    """How much a new order's answer tells."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


class CancelRestriction(StrEnum):
    """In which state alone an order may be canceled."""

    ONLY_NEW = "ONLY_NEW"
    ONLY_PARTIALLY_FILLED = "ONLY_PARTIALLY_FILLED"


_STATE_OF_RESTRICTION = {
    CancelRestriction.ONLY_NEW: OrderStatus.NEW,
    CancelRestriction.ONLY_PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
}
_FULL_BY_DEFAULT = (OrderType.MARKET, OrderType.LIMIT)


def place(call: Call) -> Answer:
    """Place an order; answers ACK, RESULT or FULL."""
    request = read_order(call.params)
    detail = _detail(call.params, request.type)
    result = call.exchange.place(call.account, request)
    return wire.placed(result, detail)


def test(call: Call) -> Answer:
    """Check an order as if it were placed; with `computeCommissionRates`, answer what it would pay."""
    request = read_order(call.params)
    _detail(call.params, request.type)
    call.exchange.test(call.account, request)
    if call.params.flag("computeCommissionRates"):
        return commission_for_order(call.account)
    return {}


def cancel(call: Call) -> Answer:
    """Cancel an order by its id or its client id."""
    params = call.params
    symbol, order_id, client_id = order_named(params)
    new_client_id = params.client_id("newClientOrderId")
    _check_restriction(call, symbol, order_id, client_id)
    order = call.exchange.cancel(
        call.account, symbol, order_id=order_id, client_id=client_id, new_client_id=new_client_id
    )
    return wire.canceled(order)


def cancel_all(call: Call) -> Answer:
    """Cancel every open order and order list of a symbol."""
    return [wire.canceled_or_list(one) for one in call.exchange.cancel_all(call.account, call.params.need_symbol())]


def cancel_replace(call: Call) -> Answer:
    """Cancel an order and place another one in one step."""
    params = call.params
    mode = params.need_choice("cancelReplaceMode", CancelReplaceMode)
    order_id, client_id = params.integer("cancelOrderId"), params.client_id("cancelOrigClientOrderId")
    if order_id is None and client_id is None:
        raise either_missing("cancelOrigClientOrderId", "cancelOrderId")
    request = read_order(params)
    detail = _detail(params, request.type)
    _check_restriction(call, request.symbol, order_id, client_id)
    done = call.exchange.cancel_replace(
        call.account,
        request,
        mode=mode,
        order_id=order_id,
        client_id=client_id,
        new_client_id=params.client_id("cancelNewClientOrderId"),
    )
    return wire.replaced(done, detail)


def order_named(params: Params) -> tuple[str, int | None, str | None]:
    """Read which order is meant: symbol, and order id or client id. -1102 when neither is sent."""
    symbol = params.need_symbol()
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise either_missing("origClientOrderId", "orderId")
    return symbol, order_id, client_id


def _check_restriction(call: Call, symbol: str, order_id: int | None, client_id: str | None) -> None:
    restriction = call.params.choice("cancelRestrictions", CancelRestriction)
    if restriction is None:
        return
    order = call.exchange.order(call.account, symbol, order_id=order_id, client_id=client_id)
    if order.status is not _STATE_OF_RESTRICTION[restriction]:
        raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")


def _detail(params: Params, kind: OrderType) -> str:
    chosen = params.choice("newOrderRespType", ResponseType)
    if chosen is None:
        chosen = ResponseType.FULL if kind in _FULL_BY_DEFAULT else ResponseType.ACK
    return chosen.value


def _test_weight(params: Params) -> int:
    return 20 if params.raw().get("computeCommissionRates") == "true" else 1


_CANCEL = ("symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions")
_REPLACE: Sequence[str] = (
    "cancelReplaceMode",
    "cancelNewClientOrderId",
    "cancelOrigClientOrderId",
    "cancelOrderId",
    "cancelRestrictions",
    "orderRateLimitExceededMode",
)


def engine_operation(run: Callable[[Call], Answer], accepts: frozenset[str], orders: int = 0) -> Operation:
    """Return an operation that goes to the matching engine: free when it is accepted, weight 1 when refused."""
    return Operation(run, accepts, 0, Security.TRADE, orders, weight_when_refused=1)


PLACE = engine_operation(place, NEW_ORDER, 1)
TEST = Operation(test, NEW_ORDER | {"computeCommissionRates"}, _test_weight, Security.TRADE)
CANCEL = engine_operation(cancel, names(*_CANCEL))
CANCEL_ALL = engine_operation(cancel_all, names("symbol"))
CANCEL_REPLACE = engine_operation(cancel_replace, NEW_ORDER | frozenset(_REPLACE), 1)
