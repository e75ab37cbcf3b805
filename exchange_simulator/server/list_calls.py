"""Operations on order lists: OCO in its present and its old form (rest-api.md, "Order lists")."""

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.orders import OcoRequest, OrderRequest, OrderType, Side, StpMode, TimeInForce
from exchange_simulator.server.operation import Answer, Call, Operation, Security, names
from exchange_simulator.server.order_request import read_strategy_type
from exchange_simulator.server.params import Params, either_missing
from exchange_simulator.server.trade_calls import ResponseType, engine_operation
from exchange_simulator.server.wire import orders as wire

LEG_FIELDS = (
    "Type",
    "ClientOrderId",
    "IcebergQty",
    "Price",
    "StopPrice",
    "TrailingDelta",
    "TimeInForce",
    "StrategyId",
    "StrategyType",
)


def place_oco(call: Call) -> Answer:
    """Place one order above and one below the market; the one that trades or triggers cancels the other."""
    params = call.params
    symbol, side, quantity = params.need_symbol(), params.need_choice("side", Side), params.need_amount("quantity")
    legs = [_leg(params, prefix, symbol, side, quantity) for prefix in ("above", "below")]
    request = OcoRequest(symbol, side, legs[0], legs[1], params.client_id("listClientOrderId"))
    detail = params.choice("newOrderRespType", ResponseType) or ResponseType.RESULT
    return wire.placed_list(call.exchange.place_oco(call.account, request), detail.value)


def place_old_oco(call: Call) -> Answer:
    """Place an OCO of the deprecated form: a limit maker and a stop."""
    params = call.params
    symbol, side, quantity = params.need_symbol(), params.need_choice("side", Side), params.need_amount("quantity")
    stp_mode = params.choice("selfTradePreventionMode", StpMode)
    limit = OrderRequest(
        symbol=symbol,
        side=side,
        type=OrderType.LIMIT_MAKER,
        quantity=quantity,
        price=params.need_amount("price"),
        client_id=params.client_id("limitClientOrderId"),
        iceberg_quantity=params.amount("limitIcebergQty"),
        stp_mode=stp_mode,
    )
    stop_limit = params.amount("stopLimitPrice")
    stop = OrderRequest(
        symbol=symbol,
        side=side,
        type=OrderType.STOP_LOSS if stop_limit is None else OrderType.STOP_LOSS_LIMIT,
        quantity=quantity,
        price=stop_limit,
        stop_price=params.need_amount("stopPrice"),
        time_in_force=params.choice("stopLimitTimeInForce", TimeInForce) or TimeInForce.GTC,
        client_id=params.client_id("stopClientOrderId"),
        stp_mode=stp_mode,
    )
    above, below = (limit, stop) if side is Side.SELL else (stop, limit)
    request = OcoRequest(symbol, side, above, below, params.client_id("listClientOrderId"))
    detail = params.choice("newOrderRespType", ResponseType) or ResponseType.RESULT
    return wire.placed_list(call.exchange.place_oco(call.account, request), detail.value)


def cancel_list(call: Call) -> Answer:
    """Cancel every order of a list."""
    list_id, client_id = _list_named(call.params, "listClientOrderId")
    symbol = call.params.need_symbol()
    new_client_id = call.params.client_id("newClientOrderId")
    done = call.exchange.cancel_list(
        call.account, symbol, list_id=list_id, client_id=client_id, new_client_id=new_client_id
    )
    return wire.canceled_list(done)


def get_list(call: Call) -> Answer:
    """Answer one order list."""
    list_id, client_id = _list_named(call.params, "origClientOrderId")
    return wire.order_list(call.exchange.order_list(call.account, list_id=list_id, client_id=client_id))


def all_lists(call: Call) -> Answer:
    """Answer all order lists, oldest first."""
    params = call.params
    from_id, start, end = params.integer("fromId"), params.integer("startTime"), params.integer("endTime")
    if from_id is not None and (start is not None or end is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    lists = call.exchange.order_lists(
        call.account, from_id=from_id, start_ms=start, end_ms=end, limit=params.limit(500, 1_000)
    )
    return [wire.order_list(one) for one in lists]


def open_lists(call: Call) -> Answer:
    """Answer the order lists that are still being carried out."""
    return [wire.order_list(one) for one in call.exchange.open_order_lists(call.account)]


def _leg(params: Params, prefix: str, symbol: str, side: Side, quantity: int) -> OrderRequest:
    kind = params.need_choice(f"{prefix}Type", OrderType)
    return OrderRequest(
        symbol=symbol,
        side=side,
        type=kind,
        quantity=quantity,
        time_in_force=params.choice(f"{prefix}TimeInForce", TimeInForce) or TimeInForce.GTC,
        price=params.amount(f"{prefix}Price"),
        stop_price=params.amount(f"{prefix}StopPrice"),
        trailing_delta=params.integer(f"{prefix}TrailingDelta"),
        iceberg_quantity=params.amount(f"{prefix}IcebergQty"),
        client_id=params.client_id(f"{prefix}ClientOrderId"),
        stp_mode=params.choice("selfTradePreventionMode", StpMode),
        strategy_id=params.integer(f"{prefix}StrategyId"),
        strategy_type=read_strategy_type(params, f"{prefix}StrategyType"),
    )


def _list_named(params: Params, client_id_name: str) -> tuple[int | None, str | None]:
    list_id, client_id = params.integer("orderListId"), params.text(client_id_name)
    if list_id is None and client_id is None:
        raise either_missing("orderListId", client_id_name)
    return list_id, client_id


_COMMON = ("symbol", "side", "quantity", "listClientOrderId", "newOrderRespType", "selfTradePreventionMode")
_OLD = (
    "limitClientOrderId",
    "price",
    "limitIcebergQty",
    "stopClientOrderId",
    "stopPrice",
    "stopLimitPrice",
    "stopIcebergQty",
    "stopLimitTimeInForce",
)
_LEGS = [prefix + field for prefix in ("above", "below") for field in LEG_FIELDS]

PLACE_OCO = engine_operation(place_oco, names(*_COMMON, *_LEGS), 2)
PLACE_OLD_OCO = engine_operation(place_old_oco, names(*_COMMON, *_OLD), 2)
CANCEL_LIST = engine_operation(cancel_list, names("symbol", "orderListId", "listClientOrderId", "newClientOrderId"))
GET_LIST = Operation(get_list, names("orderListId", "origClientOrderId"), 4, Security.USER_DATA)
ALL_LISTS = Operation(all_lists, names("fromId", "startTime", "endTime", "limit"), 20, Security.USER_DATA)
OPEN_LISTS = Operation(open_lists, names(), 6, Security.USER_DATA)
