"""A symbol's filters, checked as Binance checks them: -1013 with the name of the first that fails (filters.md)."""

from collections.abc import Collection, Iterable

from exchange_simulator.engine.errors import ApiError, Filter, Rejection, filter_failure, rejected, type_not_supported
from exchange_simulator.engine.instrument import Instrument
from exchange_simulator.engine.numbers import SCALE, times
from exchange_simulator.engine.orders import PRICED, STOPS, Order, OrderRequest, OrderType, Side
from exchange_simulator.engine.triggers import fires_above

_QUANTITY_ONLY = (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)


def check_form(instrument: Instrument, request: OrderRequest) -> None:
    """Check that an order has what its type needs and that the symbol takes its type.

    Raises:
        ApiError: -1102 for what is missing, -2010 for what the symbol does not support.
    """
    kind = request.type
    if kind not in instrument.order_types:
        raise type_not_supported(kind)
    if kind in PRICED and request.price is None:
        raise _missing("price")
    if request.quantity is None and (kind is not OrderType.MARKET or request.quote_quantity is None):
        raise _missing("quantity")
    if kind in STOPS and request.stop_price is None and request.trailing_delta is None:
        raise _missing("stopPrice")
    if request.quote_quantity is not None and not instrument.quote_quantity_allowed:
        raise rejected(Rejection.QUOTE_QUANTITY)
    if request.trailing_delta is not None and not instrument.trailing_allowed:
        raise rejected(Rejection.TRAILING)
    if request.iceberg_quantity is not None and not instrument.iceberg_allowed:
        raise rejected(Rejection.ICEBERG)


def check_filters(instrument: Instrument, request: OrderRequest, last_price: int) -> None:
    """Check price, quantity and value of an order.

    Args:
        instrument: The symbol's rules.
        request: A well-formed order (`check_form`).
        last_price: The symbol's last price, 0 for none yet.

    Raises:
        ApiError: -1013 with the filter's name.
    """
    price = request.price
    if price is not None:
        _check_price(instrument, price)
        if last_price:
            _check_percent(instrument, request.side, price, last_price)
    if request.stop_price is not None:
        _check_price(instrument, request.stop_price)
    if request.trailing_delta is not None:
        _check_trailing(instrument, request)
    if request.quantity is not None:
        _check_quantity(instrument, request.quantity, is_market=request.type is OrderType.MARKET)
    _check_notional(instrument, request, last_price)


def check_counts(instrument: Instrument, open_orders: Collection[Order], *, new: int, new_stops: int) -> None:
    """Check how many orders an account may have open on a symbol.

    Raises:
        ApiError: -1013 MAX_NUM_ORDERS or MAX_NUM_ALGO_ORDERS.
    """
    if instrument.max_orders and len(open_orders) + new > instrument.max_orders:
        raise filter_failure(Filter.MAX_NUM_ORDERS)
    if new_stops and instrument.max_algo_orders:
        stops = sum(1 for order in open_orders if order.type in STOPS)
        if stops + new_stops > instrument.max_algo_orders:
            raise filter_failure(Filter.MAX_NUM_ALGO_ORDERS)


def check_position(instrument: Instrument, held: int, open_orders: Iterable[Order], quantity: int) -> None:
    """Check what an account would hold if all its buy orders filled; `held` is free and locked base.

    Raises:
        ApiError: -1013 MAX_POSITION.
    """
    buying = sum(order.remaining for order in open_orders if order.side is Side.BUY)
    if held + buying + quantity > instrument.max_position:
        raise filter_failure(Filter.MAX_POSITION)


def _check_price(instrument: Instrument, price: int) -> None:
    too_low = price < instrument.min_price or price <= 0
    if too_low or (instrument.max_price and price > instrument.max_price) or price % instrument.tick_size:
        raise filter_failure(Filter.PRICE_FILTER)


def _check_percent(instrument: Instrument, side: Side, price: int, reference: int) -> None:
    if side is Side.BUY:
        up, down = instrument.bid_multiplier_up, instrument.bid_multiplier_down
    else:
        up, down = instrument.ask_multiplier_up, instrument.ask_multiplier_down
    if (up and price * SCALE > reference * up) or price * SCALE < reference * down:
        raise filter_failure(Filter.PERCENT_PRICE_BY_SIDE)


def _check_trailing(instrument: Instrument, request: OrderRequest) -> None:
    delta = request.trailing_delta or 0
    if fires_above(request.type, request.side):
        low, high = instrument.min_trailing_above, instrument.max_trailing_above
    else:
        low, high = instrument.min_trailing_below, instrument.max_trailing_below
    if not low <= delta <= high:
        raise filter_failure(Filter.TRAILING_DELTA)


def _check_quantity(instrument: Instrument, quantity: int, *, is_market: bool) -> None:
    if not instrument.min_qty <= quantity <= instrument.max_qty or quantity % instrument.step_size or quantity <= 0:
        raise filter_failure(Filter.LOT_SIZE)
    if is_market:
        step, most = instrument.market_step_size, instrument.market_max_qty
        too_much = most and quantity > most
        if quantity < instrument.market_min_qty or too_much or (step and quantity % step):
            raise filter_failure(Filter.MARKET_LOT_SIZE)


def _check_notional(instrument: Instrument, request: OrderRequest, last_price: int) -> None:
    is_market = request.type in _QUANTITY_ONLY
    value = request.quote_quantity
    if value is None:
        price = request.price or (request.stop_price or last_price if request.type in STOPS else last_price)
        if not price:
            return
        value = times(price, request.quantity or 0)
    checks_min = instrument.min_notional_on_market or not is_market
    checks_max = instrument.max_notional and (instrument.max_notional_on_market or not is_market)
    if (checks_min and value < instrument.min_notional) or (checks_max and value > instrument.max_notional):
        raise filter_failure(Filter.NOTIONAL)


def _missing(name: str) -> ApiError:
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
