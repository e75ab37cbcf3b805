"""Market data operations (rest-api.md, "General endpoints" and "Market data endpoints")."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypedDict

from exchange_simulator.engine.instrument import Instrument
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.intervals import Interval
from exchange_simulator.server.operation import Answer, Call, Operation, names
from exchange_simulator.server.params import Params, invalid
from exchange_simulator.server.wire import market as wire

MAX_DEPTH = 5_000
_WEIGHTS_OF_DEPTH = ((100, 5), (500, 25), (1_000, 50), (MAX_DEPTH, 250))


class _Bounds(TypedDict):
    start_ms: int | None
    end_ms: int | None
    limit: int


def ping(_: Call) -> Answer:
    """Answer that the exchange is there."""
    return {}


def server_time(call: Call) -> Answer:
    """Answer the exchange's clock, with the skew that a fault may have given it."""
    return {"serverTime": call.shown_ms}


def exchange_info(call: Call) -> Answer:
    """Answer the trading rules of all symbols, or of those asked for."""
    listed = call.exchange.instruments()
    chosen = _chosen(call)
    return {
        "timezone": "UTC",
        "serverTime": call.shown_ms,
        "rateLimits": call.limits.limits.as_json(),
        "exchangeFilters": [],
        "symbols": [wire.instrument(one) for one in (listed.values() if chosen is None else chosen)],
    }


def depth(call: Call) -> Answer:
    """Answer the best price levels of the book."""
    symbol = _listed(call).symbol
    return wire.depth(call.exchange.depth(symbol, call.params.limit(100, MAX_DEPTH)))


def recent_trades(call: Call) -> Answer:
    """Answer the newest public trades."""
    symbol = _listed(call).symbol
    return [wire.trade(print_) for print_ in call.exchange.trades(symbol, limit=call.params.limit(500, 1_000))]


def historical_trades(call: Call) -> Answer:
    """Answer public trades from an id on."""
    symbol, limit = _listed(call).symbol, call.params.limit(500, 1_000)
    return [wire.trade(t) for t in call.exchange.trades(symbol, limit=limit, from_id=call.params.integer("fromId"))]


def aggregate_trades(call: Call) -> Answer:
    """Answer trades of one taker at one price as one."""
    params, symbol = call.params, _listed(call).symbol
    start, end = params.integer("startTime"), params.integer("endTime")
    rows = call.exchange.agg_trades(
        symbol, from_id=params.integer("fromId"), start_ms=start, end_ms=end, limit=params.limit(500, 1_000)
    )
    return [wire.agg_trade(row) for row in rows]


def klines(call: Call) -> Answer:
    """Answer candles; the last one of an open-ended question is still open."""
    symbol, interval, bounds = _candles(call.exchange, call.params)
    return [wire.kline(row) for row in call.exchange.klines(symbol, interval, **bounds)]


def _prepare_klines(exchange: Exchange, params: Params) -> Iterator[None]:
    symbol, interval, bounds = _candles(exchange, params)
    return exchange.market.prepare_klines(symbol, interval, **bounds)


def _candles(exchange: Exchange, params: Params) -> tuple[str, Interval, "_Bounds"]:
    """Return symbol, interval and bounds of a question for candles."""
    symbol = exchange.instrument(params.need_symbol()).symbol
    interval = params.need_choice("interval", Interval)
    offset = params.utc_offset_us("timeZone")
    if offset and (interval is Interval.MONTH or offset % interval.length_us):
        raise invalid("timeZone")  # candles begin by UTC here; shifted ones are other candles
    start, end = params.integer("startTime"), params.integer("endTime")
    return symbol, interval, {"start_ms": start, "end_ms": end, "limit": params.limit(500, 1_000)}


def average_price(call: Call) -> Answer:
    """Answer the average price of the last five minutes."""
    return wire.average_price(call.exchange.avg_price(_listed(call).symbol))


def ticker_24hr(call: Call) -> Answer:
    """Answer the statistics of the last 24 hours."""
    mini = call.params.text("type") == "MINI"
    return _per_symbol(call, lambda one: wire.ticker(call.exchange.ticker(one.symbol), mini=mini))


def ticker_price(call: Call) -> Answer:
    """Answer the last price."""
    return _per_symbol(call, lambda one: wire.last_price(call.exchange.ticker(one.symbol)))


def book_ticker(call: Call) -> Answer:
    """Answer the best bid and ask."""
    return _per_symbol(call, lambda one: wire.book_ticker(call.exchange.book_ticker(one.symbol)))


def _listed(call: Call) -> Instrument:
    """Return the symbol asked for. -1121 when it is not listed."""
    return call.exchange.instrument(call.params.need_symbol())


def _chosen(call: Call) -> list[Instrument] | None:
    """Return the symbols asked for by `symbol` or `symbols`; None when all are meant."""
    several, one = call.params.symbols(), call.params.symbol()
    if several is not None:
        return [call.exchange.instrument(name) for name in several]
    return None if one is None else [call.exchange.instrument(one)]


def _per_symbol(call: Call, make: Callable[[Instrument], Answer]) -> Answer:
    """Answer one object for `symbol`, a list for `symbols` or for all."""
    chosen = _chosen(call)
    listed: Sequence[Instrument] = list(call.exchange.instruments().values()) if chosen is None else chosen
    made = [make(one) for one in listed]
    return made[0] if call.params.symbol() is not None else made


def _depth_weight(params: Params) -> int:
    limit = params.limit(100, MAX_DEPTH)
    return next(weight for most, weight in _WEIGHTS_OF_DEPTH if limit <= most)


def _by_symbols(single: int, for_all: int) -> Callable[[Params], int]:
    return lambda params: single if "symbol" in params else for_all


_TICKER = names("symbol", "symbols", "type", "symbolStatus")
_EXCHANGE_INFO = names("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus")
_KLINES = names("symbol", "interval", "startTime", "endTime", "timeZone", "limit")

PING = Operation(ping)
TIME = Operation(server_time)
EXCHANGE_INFO = Operation(exchange_info, _EXCHANGE_INFO, 20)
DEPTH = Operation(depth, names("symbol", "limit", "symbolStatus"), _depth_weight)
TRADES = Operation(recent_trades, names("symbol", "limit"), 25)
HISTORICAL_TRADES = Operation(historical_trades, names("symbol", "limit", "fromId"), 25)
AGG_TRADES = Operation(aggregate_trades, names("symbol", "fromId", "startTime", "endTime", "limit"), 4)
KLINES = Operation(klines, _KLINES, 2, prepare=_prepare_klines)
AVG_PRICE = Operation(average_price, names("symbol"), 2)
TICKER_24HR = Operation(ticker_24hr, _TICKER, _by_symbols(2, 80))
TICKER_PRICE = Operation(ticker_price, _TICKER, _by_symbols(2, 4))
BOOK_TICKER = Operation(book_ticker, _TICKER, _by_symbols(2, 4))
