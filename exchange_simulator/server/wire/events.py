"""Events of market streams and user data (web-socket-streams.md, user-data-stream.md)."""

from exchange_simulator.engine.events import BalanceChanged, BalanceDelta, ListUpdate, OrderUpdate
from exchange_simulator.engine.market_data import AggTrade, Average, BookTicker, Kline, Ticker
from exchange_simulator.engine.numbers import to_text
from exchange_simulator.engine.orders import Trade

Json = dict[str, object]
UNKNOWN_ID = -1
"""Trade id where the exchange keeps none: candles are put together from prints without ids."""
UserEvent = OrderUpdate | BalanceChanged | BalanceDelta | ListUpdate


def trade(print_: Trade, now_ms: int) -> Json:
    """`<symbol>@trade`."""
    return {
        "e": "trade",
        "E": now_ms,
        "s": print_.symbol,
        "t": print_.trade_id,
        "p": to_text(print_.price),
        "q": to_text(print_.quantity),
        "T": print_.time_us // 1_000,
        "m": print_.is_buyer_maker,
        "M": True,
    }


def agg_trade(row: AggTrade, symbol: str, now_ms: int) -> Json:
    """`<symbol>@aggTrade`."""
    return {
        "e": "aggTrade",
        "E": now_ms,
        "s": symbol,
        "a": row.agg_id,
        "p": to_text(row.price),
        "q": to_text(row.quantity),
        "f": UNKNOWN_ID,
        "l": row.last_id,
        "T": row.time_us // 1_000,
        "m": row.is_buyer_maker,
        "M": True,
    }


def kline(row: Kline, symbol: str, interval: str, now_ms: int, *, is_closed: bool) -> Json:
    """`<symbol>@kline_<interval>`."""
    candle: Json = {
        "t": row.open_ms,
        "T": row.close_ms,
        "s": symbol,
        "i": interval,
        "f": UNKNOWN_ID,
        "L": UNKNOWN_ID,
        "o": to_text(row.open),
        "c": to_text(row.close),
        "h": to_text(row.high),
        "l": to_text(row.low),
        "v": to_text(row.volume),
        "n": row.trades,
        "x": is_closed,
        "q": to_text(row.quote_volume),
        "V": to_text(row.taker_base),
        "Q": to_text(row.taker_quote),
        "B": "0",
    }
    return {"e": "kline", "E": now_ms, "s": symbol, "k": candle}


def mini_ticker(one: Ticker, now_ms: int) -> Json:
    """`<symbol>@miniTicker`."""
    return {
        "e": "24hrMiniTicker",
        "E": now_ms,
        "s": one.symbol,
        "c": to_text(one.last),
        "o": to_text(one.open),
        "h": to_text(one.high),
        "l": to_text(one.low),
        "v": to_text(one.volume),
        "q": to_text(one.quote_volume),
    }


def ticker(one: Ticker, now_ms: int) -> Json:
    """`<symbol>@ticker`."""
    return {
        "e": "24hrTicker",
        "E": now_ms,
        "s": one.symbol,
        "p": to_text(one.change),
        "P": one.change_percent,
        "w": to_text(one.weighted),
        "x": to_text(one.prev_close),
        "c": to_text(one.last),
        "Q": to_text(one.last_qty),
        "b": to_text(one.bid),
        "B": to_text(one.bid_qty),
        "a": to_text(one.ask),
        "A": to_text(one.ask_qty),
        "o": to_text(one.open),
        "h": to_text(one.high),
        "l": to_text(one.low),
        "v": to_text(one.volume),
        "q": to_text(one.quote_volume),
        "O": one.open_ms,
        "C": one.close_ms,
        "F": one.first_id,
        "L": one.last_id,
        "n": one.count,
    }


def book_ticker(quote: BookTicker, update_id: int) -> Json:
    """`<symbol>@bookTicker`."""
    return {
        "u": update_id,
        "s": quote.symbol,
        "b": to_text(quote.bid),
        "B": to_text(quote.bid_qty),
        "a": to_text(quote.ask),
        "A": to_text(quote.ask_qty),
    }


def average_price(average: Average, symbol: str, now_ms: int) -> Json:
    """`<symbol>@avgPrice`."""
    price, mins = to_text(average.price), average.mins
    return {"e": "avgPrice", "E": now_ms, "s": symbol, "i": f"{mins}m", "w": price, "T": average.close_ms}


def user(event: UserEvent) -> Json:
    """An event of a user data stream."""
    match event:
        case OrderUpdate():
            return execution_report(event)
        case BalanceChanged():
            return _account_position(event)
        case BalanceDelta():
            return _amount_from_outside(event)
        case ListUpdate():
            return _list_status(event)


def execution_report(event: OrderUpdate) -> Json:
    """`executionReport`. On a cancel `C` is the order's own client id and `c` the cancel's."""
    order, fill, now_ms = event.order, event.fill, event.time_us // 1_000
    report: Json = {
        "e": "executionReport",
        "E": now_ms,
        "s": order.symbol,
        "c": event.client_id,
        "S": order.side.value,
        "o": order.type.value,
        "f": order.time_in_force.value,
        "q": to_text(order.quantity),
        "p": to_text(order.price),
        "P": to_text(order.stop_price),
        "F": to_text(order.iceberg_quantity),
        "g": order.list_id,
        "C": event.original_client_id,
        "x": event.execution.value,
        "X": order.status.value,
        "r": event.reject,
        "i": order.order_id,
        "l": to_text(fill.quantity if fill else 0),
        "z": to_text(order.executed),
        "L": to_text(fill.price if fill else 0),
        "n": to_text(fill.commission if fill else 0),
        "N": fill.commission_asset if fill else None,
        "T": now_ms,
        "t": fill.trade_id if fill else -1,
        "I": order.order_id * 2,
        "w": order.is_working and order.status.is_open,
        "m": fill.is_maker if fill else False,
        "M": fill is not None,
        "O": order.time_us // 1_000,
        "Z": to_text(order.executed_quote),
        "Y": to_text(fill.quote if fill else 0),
        "Q": to_text(order.quote_quantity),
        "V": order.stp_mode.value,
    }
    return report | _conditional(event)


def _conditional(event: OrderUpdate) -> Json:
    """Fields of `executionReport` that appear only on orders that have them."""
    order, report = event.order, Json()
    if order.is_working:
        report["W"] = order.working_us // 1_000
    if order.trailing_delta:
        report["d"] = order.trailing_delta
    if order.trail_since_us >= 0:
        report["D"] = order.trail_since_us // 1_000
    if event.prevented:
        report["A"], report["B"] = to_text(order.prevented), to_text(event.prevented)
    if order.strategy_id is not None:
        report["j"] = order.strategy_id
    if order.strategy_type is not None:
        report["J"] = order.strategy_type
    return report


def _account_position(event: BalanceChanged) -> Json:
    now_ms = event.time_us // 1_000
    balances = [
        {"a": asset, "f": to_text(held.free), "l": to_text(held.locked)} for asset, held in event.balances.items()
    ]
    return {"e": "outboundAccountPosition", "E": now_ms, "u": now_ms, "B": balances}


def _amount_from_outside(event: BalanceDelta) -> Json:
    now_ms = event.time_us // 1_000
    name = "externalLockUpdate" if event.is_lock else "balanceUpdate"
    return {"e": name, "E": now_ms, "a": event.asset, "d": to_text(event.delta), "T": now_ms}


def _list_status(event: ListUpdate) -> Json:
    one, now_ms = event.order_list, event.time_us // 1_000
    return {
        "e": "listStatus",
        "E": now_ms,
        "s": one.symbol,
        "g": one.list_id,
        "c": one.contingency.value,
        "l": one.status_type.value,
        "L": one.order_status.value,
        "r": event.reason,
        "C": one.client_id,
        "T": now_ms,
        "O": [{"s": leg.symbol, "i": leg.order_id, "c": leg.client_id} for leg in one.orders],
    }
