"""Names of market streams: `btcusdt@kline_1m`, `!miniTicker@arr`, `btcusdt@depth20@100ms` (web-socket-streams.md)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class StreamKind(StrEnum):
    """What a stream tells."""

    TRADE = "trade"
    AGG_TRADE = "aggTrade"
    KLINE = "kline"
    BOOK_TICKER = "bookTicker"
    MINI_TICKER = "miniTicker"
    TICKER = "ticker"
    DEPTH_DIFF = "depth"
    DEPTH_TOP = "depthTop"
    AVG_PRICE = "avgPrice"


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream asked for. `symbol` is upper case, empty for all symbols; `period_us` is 0 for real-time streams."""

    name: str
    kind: StreamKind
    symbol: str
    period_us: int = 0
    interval: str = ""
    levels: int = 0


SECOND_US = 1_000_000
_INTERVAL = r"1s|1m|3m|5m|15m|30m|1h|2h|4h|6h|8h|12h|1d|3d|1w|1M"
_FORM = re.compile(
    r"(?P<symbol>[a-z0-9._-]{1,20})@"
    rf"(?:(?P<plain>trade|aggTrade|bookTicker|miniTicker|ticker|avgPrice)|kline_(?P<interval>{_INTERVAL})"
    r"|depth(?P<levels>5|10|20)?(?:@(?P<speed>100ms|1000ms))?)"
)
_ALL_SYMBOLS = {"!miniTicker@arr": StreamKind.MINI_TICKER, "!ticker@arr": StreamKind.TICKER}
_PERIODS = {StreamKind.MINI_TICKER: SECOND_US, StreamKind.TICKER: SECOND_US, StreamKind.AVG_PRICE: SECOND_US}


@lru_cache(maxsize=4096)
def parse_stream(name: str) -> Stream | None:
    """Read a stream's name; None when no stream is called so."""
    if name in _ALL_SYMBOLS:
        return Stream(name, _ALL_SYMBOLS[name], "", SECOND_US)
    form = _FORM.fullmatch(name)
    if form is None:
        return None
    symbol = form["symbol"].upper()
    if form["plain"]:
        kind = StreamKind(form["plain"])
        return Stream(name, kind, symbol, _PERIODS.get(kind, 0))
    if form["interval"]:
        period = SECOND_US if form["interval"] == "1s" else 2 * SECOND_US
        return Stream(name, StreamKind.KLINE, symbol, period, interval=form["interval"])
    period = SECOND_US // 10 if form["speed"] == "100ms" else SECOND_US
    if form["levels"]:
        return Stream(name, StreamKind.DEPTH_TOP, symbol, period, levels=int(form["levels"]))
    return Stream(name, StreamKind.DEPTH_DIFF, symbol, period)
