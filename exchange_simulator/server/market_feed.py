"""Market streams: trades and quotes as they happen, all else on its beat (web-socket-streams.md)."""

from collections import defaultdict
from collections.abc import Callable, Mapping

import orjson

from exchange_simulator.engine.events import BookChanged, Event, TradePrinted
from exchange_simulator.exchange import Exchange
from exchange_simulator.market.intervals import Interval
from exchange_simulator.server.depth_changes import DepthChanges
from exchange_simulator.server.stream_names import Stream, StreamKind
from exchange_simulator.server.stream_session import StreamSession
from exchange_simulator.server.wire import events as wire
from exchange_simulator.server.wire import market as wire_market

Json = dict[str, object]
CANDLES_BEHIND = 1_000
"""How many closed candles one beat sends at most, after a long step of the clock."""


class MarketFeed:
    """Builds every event once and hands it to all sessions that want its stream."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._wanted: dict[Stream, set[StreamSession]] = {}
        self._by_kind: dict[tuple[StreamKind, str], list[Stream]] = defaultdict(list)
        self._due_us: dict[Stream, int] = {}
        self._last: dict[Stream, object] = {}
        self._depth: dict[Stream, DepthChanges] = {}
        self._quoted: set[str] = set()
        self._traded: set[str] = set()
        self._last_agg_id: dict[str, int] = {}

    def change(self, session: StreamSession, stream: Stream, wanted: bool) -> None:  # noqa: FBT001 - a callback's fact
        """A session begins or ends to want a stream."""
        if wanted:
            if stream not in self._wanted:
                self._begin(stream)
            self._wanted.setdefault(stream, set()).add(session)
            return
        sessions = self._wanted.get(stream, set())
        sessions.discard(session)
        if not sessions:
            self._end(stream)

    def on_event(self, event: Event) -> None:
        """Take an event of the engine."""
        if not self._wanted:
            return
        if isinstance(event, TradePrinted):
            self._traded.add(event.trade.symbol)
            for stream in self._by_kind.get((StreamKind.TRADE, event.trade.symbol), ()):
                self._send(stream, event.trade.symbol, wire.trade(event.trade, self._now_ms()))
        elif isinstance(event, BookChanged):
            self._quoted.add(event.symbol)
            for stream in self._by_kind.get((StreamKind.DEPTH_DIFF, event.symbol), ()):
                self._depth[stream].add(event)

    def flush(self) -> None:
        """Send what follows from the events so far: quotes and aggregate trades, and every stream whose beat is due."""
        if not self._wanted:
            return
        for symbol in self._quoted:
            self._send_quotes(symbol)
        for symbol in self._traded:
            self._send_aggregates(symbol)
        self._quoted.clear()
        self._traded.clear()
        now_us = self._exchange.clock.now_us()
        for stream in [stream for stream, due_us in self._due_us.items() if due_us <= now_us]:
            if stream in self._due_us:
                self._due_us[stream] = now_us - now_us % stream.period_us + stream.period_us
                self._beats[stream.kind](self, stream)

    def _begin(self, stream: Stream) -> None:
        self._by_kind[stream.kind, stream.symbol].append(stream)
        if stream.period_us:
            self._due_us[stream] = 0 if stream.kind is not StreamKind.DEPTH_DIFF else self._now_ms() * 1_000
        if stream.kind is StreamKind.DEPTH_DIFF:
            self._depth[stream] = DepthChanges(stream.symbol)
        if stream.kind is StreamKind.AGG_TRADE and self._is_listed(stream.symbol):
            newest = self._exchange.agg_trades(stream.symbol, limit=1)
            self._last_agg_id[stream.symbol] = newest[-1].agg_id if newest else -1

    def _end(self, stream: Stream) -> None:
        self._wanted.pop(stream, None)
        if stream in self._by_kind[stream.kind, stream.symbol]:
            self._by_kind[stream.kind, stream.symbol].remove(stream)
        for kept in (self._due_us, self._last, self._depth):
            kept.pop(stream, None)

    def _send(self, stream: Stream, symbol: str, data: Json | list[Json]) -> None:
        body = orjson.dumps(data)
        for session in tuple(self._wanted.get(stream, ())):
            session.send(stream, symbol, body)

    def _send_if_new(self, stream: Stream, symbol: str, data: Json, key: object) -> None:
        """Send unless the event would say again what the last one said."""
        if self._last.get(stream) != key:
            self._last[stream] = key
            self._send(stream, symbol, data)

    def _send_quotes(self, symbol: str) -> None:
        streams = self._by_kind.get((StreamKind.BOOK_TICKER, symbol), ())
        if streams and self._is_listed(symbol):
            quote = wire.book_ticker(self._exchange.book_ticker(symbol), self._exchange.last_update_id(symbol))
            for stream in streams:
                self._send_if_new(stream, symbol, quote, tuple(v for k, v in quote.items() if k != "u"))

    def _send_aggregates(self, symbol: str) -> None:
        streams = self._by_kind.get((StreamKind.AGG_TRADE, symbol), ())
        if not streams or not self._is_listed(symbol):
            return
        for row in self._exchange.agg_trades(symbol, from_id=self._last_agg_id[symbol] + 1, limit=1_000):
            self._last_agg_id[symbol] = row.agg_id
            for stream in streams:
                self._send(stream, symbol, wire.agg_trade(row, symbol, self._now_ms()))

    def _beat_kline(self, stream: Stream) -> None:
        if not self._is_listed(stream.symbol):
            return
        interval, seen = Interval(stream.interval), self._last.get(stream)
        since_ms = seen[0] if isinstance(seen, tuple) else None
        limit = 1 if since_ms is None else CANDLES_BEHIND
        rows = self._exchange.klines(stream.symbol, interval, start_ms=since_ms, limit=limit)
        now_ms = self._now_ms()
        for row in rows:
            is_closed = row.close_ms < now_ms
            key = (row.open_ms, row.trades, row.close, is_closed)
            event = wire.kline(row, stream.symbol, stream.interval, now_ms, is_closed=is_closed)
            self._send_if_new(stream, stream.symbol, event, key)

    def _beat_ticker(self, stream: Stream) -> None:
        make = wire.mini_ticker if stream.kind is StreamKind.MINI_TICKER else wire.ticker
        now_ms = self._now_ms()
        if stream.symbol:
            if self._is_listed(stream.symbol):
                self._send(stream, stream.symbol, make(self._exchange.ticker(stream.symbol), now_ms))
            return
        known = self._last.setdefault(stream, {})
        changed = self._changed_tickers(known if isinstance(known, dict) else {})
        if changed:
            self._send(stream, "", [make(self._exchange.ticker(symbol), now_ms) for symbol in changed])

    def _changed_tickers(self, known: dict[str, object]) -> list[str]:
        changed = []
        for symbol in self._exchange.instruments():
            last_id = self._exchange.ticker(symbol).last_id
            if known.get(symbol) != last_id:
                known[symbol] = last_id
                changed.append(symbol)
        return changed

    def _beat_depth_top(self, stream: Stream) -> None:
        if self._is_listed(stream.symbol):
            book = wire_market.depth(self._exchange.depth(stream.symbol, stream.levels))
            self._send_if_new(stream, stream.symbol, book, book["lastUpdateId"])

    def _beat_depth_diff(self, stream: Stream) -> None:
        event = self._depth[stream].take(self._now_ms())
        if event is not None:
            self._send(stream, stream.symbol, event)

    def _beat_average(self, stream: Stream) -> None:
        if self._is_listed(stream.symbol):
            average = self._exchange.avg_price(stream.symbol)
            self._send(stream, stream.symbol, wire.average_price(average, stream.symbol, self._now_ms()))

    def _is_listed(self, symbol: str) -> bool:
        return symbol in self._exchange.instruments()

    def _now_ms(self) -> int:
        return self._exchange.clock.now_us() // 1_000

    _beats: Mapping[StreamKind, Callable[["MarketFeed", Stream], None]] = {
        StreamKind.KLINE: _beat_kline,
        StreamKind.MINI_TICKER: _beat_ticker,
        StreamKind.TICKER: _beat_ticker,
        StreamKind.DEPTH_TOP: _beat_depth_top,
        StreamKind.DEPTH_DIFF: _beat_depth_diff,
        StreamKind.AVG_PRICE: _beat_average,
    }
