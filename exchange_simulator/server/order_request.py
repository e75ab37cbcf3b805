"""From parameters to an order request: which parameters an order type needs, and which it must not have."""

from collections.abc import Mapping
from dataclasses import dataclass

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.orders import OrderRequest, OrderType, Side, StpMode, TimeInForce
from exchange_simulator.server.params import Params, either_missing, missing, not_required

MIN_STRATEGY_TYPE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Needs:
    """Mandatory and possible parameters of an order type (rest-api.md, "New order")."""

    mandatory: tuple[str, ...]
    possible: tuple[str, ...] = ()
    stop: bool = False


_LIMIT = ("timeInForce", "quantity", "price")
_NEEDS: Mapping[OrderType, _Needs] = {
    OrderType.LIMIT: _Needs(_LIMIT, ("icebergQty",)),
    OrderType.MARKET: _Needs((), ("quantity", "quoteOrderQty")),
    OrderType.LIMIT_MAKER: _Needs(("quantity", "price"), ("icebergQty",)),
    OrderType.STOP_LOSS: _Needs(("quantity",), stop=True),
    OrderType.TAKE_PROFIT: _Needs(("quantity",), stop=True),
    OrderType.STOP_LOSS_LIMIT: _Needs(_LIMIT, ("icebergQty",), stop=True),
    OrderType.TAKE_PROFIT_LIMIT: _Needs(_LIMIT, ("icebergQty",), stop=True),
}
_STOP = ("stopPrice", "trailingDelta")
_TYPE_SPECIFIC = (*_LIMIT, "quoteOrderQty", "icebergQty", *_STOP)

NEW_ORDER = frozenset(
    {
        "symbol",
        "side",
        "type",
        "newClientOrderId",
        "newOrderRespType",
        "selfTradePreventionMode",
        "strategyId",
        "strategyType",
        *_TYPE_SPECIFIC,
    }
)
"""Every parameter of a new order."""


def read_order(params: Params) -> OrderRequest:
    """Read a new order.

    Raises:
        ApiError: -1102 for what is missing, -1106 for what the type does not take, and the codes of each value.
    """
    symbol = params.need_symbol()
    side = params.need_choice("side", Side)
    kind = params.need_choice("type", OrderType)
    _check_fit(params, kind)
    return OrderRequest(
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=params.choice("timeInForce", TimeInForce) or TimeInForce.GTC,
        quantity=params.amount("quantity"),
        quote_quantity=params.amount("quoteOrderQty"),
        price=params.amount("price"),
        stop_price=params.amount("stopPrice"),
        trailing_delta=params.integer("trailingDelta"),
        iceberg_quantity=params.amount("icebergQty"),
        client_id=params.client_id("newClientOrderId"),
        stp_mode=params.choice("selfTradePreventionMode", StpMode),
        strategy_id=params.integer("strategyId"),
        strategy_type=read_strategy_type(params),
    )


def read_strategy_type(params: Params, name: str = "strategyType") -> int | None:
    """Read the strategy type of an order or of a leg. -1134 below 1,000,000."""
    value = params.integer(name)
    if value is not None and value < MIN_STRATEGY_TYPE:
        raise ApiError(-1134, "Strategy type was less than 1000000.")
    return value


def _check_fit(params: Params, kind: OrderType) -> None:
    needs = _NEEDS[kind]
    for name in needs.mandatory:
        if name not in params:
            raise missing(name)
    if kind is OrderType.MARKET and "quantity" not in params and "quoteOrderQty" not in params:
        raise either_missing("quantity", "quoteOrderQty")
    if needs.stop and not any(name in params for name in _STOP):
        raise either_missing(*_STOP)
    allowed = {*needs.mandatory, *needs.possible, *(_STOP if needs.stop else ())}
    for name in _TYPE_SPECIFIC:
        if name in params and name not in allowed:
            raise not_required(name)
    if kind is OrderType.MARKET and "quantity" in params and "quoteOrderQty" in params:
        raise not_required("quoteOrderQty")
