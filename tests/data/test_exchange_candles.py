"""Candles from an exchange over real HTTP: a small server speaks Binance's API, and misbehaves when asked to."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from aiohttp import web

from app.config.models import ExchangeConfig
from app.core.clock import SystemClock
from app.data.ccxt_source import CcxtSource
from app.data.handler import CryptoDataHandler
from app.domain.errors import ConfigError, DataError

MINUTE_MS = 60_000
CONFIG = ExchangeConfig(name="binance", sandbox_mode=False)
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01000000"},
    {"filterType": "LOT_SIZE", "minQty": "0.00002", "maxQty": "9000", "stepSize": "0.00001000"},
    {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
]
MARKET = {
    "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", "baseAssetPrecision": 8,
    "quotePrecision": 8, "orderTypes": ["LIMIT", "MARKET"], "isSpotTradingAllowed": True, "filters": FILTERS,
    "permissionSets": [["SPOT"]], "permissions": [],
}  # fmt: skip


class Exchange:
    """2500 minutes of candles; the newest is open. `faults` are answered to klines first, one by one."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self.faults: list[web.Response] = []
        self.asked: list[str] = []
        self.missing: set[int] = set()
        self.bids = [["100.01", "3"], ["100.00", "1"]]

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.ahead_ms

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/api/v3/")
        self.asked.append(path)
        if path == "time":
            return web.json_response({"serverTime": self.now_ms()})
        if path == "exchangeInfo":
            return web.json_response({"timezone": "UTC", "symbols": [MARKET]})
        if self.faults:
            fault = self.faults.pop(0)
            return web.Response(status=fault.status, body=fault.body, headers=fault.headers)
        if path == "depth":
            return web.json_response({"lastUpdateId": 1, "bids": self.bids, "asks": [["100.02", "1"], ["100.05", "2"]]})
        return web.json_response(self.klines(request))

    def klines(self, request: web.Request) -> list[list[object]]:
        newest = self.now_ms() // MINUTE_MS
        end = int(request.query.get("endTime", self.now_ms())) // MINUTE_MS
        minutes = [m for m in range(newest - 2_499, min(newest, end) + 1) if newest - m not in self.missing]
        return [
            [m * MINUTE_MS, "1.5", "2.0", "1.0", "1.75", "10", m * MINUTE_MS + 59_999, "1", 1, "1", "1", "0"]
            for m in minutes[-int(request.query["limit"]) :]
        ]


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    exchange, loop, ready = Exchange(), asyncio.new_event_loop(), threading.Event()

    async def begin() -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/api/v3/{name}", exchange.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        exchange.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        return runner

    def serve() -> None:
        runner = loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(10)
    yield exchange
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


@pytest.fixture
def handler(exchange) -> CryptoDataHandler:
    source = CcxtSource(CONFIG, rest_url=exchange.url, first_pause_ms=1, timeout_ms=2_000)
    return CryptoDataHandler(CONFIG, source=source)


@pytest.mark.parametrize("limit", [1, 40, 999, 1_000, 1_001, 2_100])
def test_the_newest_closed_candles_come_however_many_pages_they_need(exchange, handler, limit):
    frame = handler.get_historical_data("BTC/USDT", "1m", limit=limit)
    assert len(frame) == limit
    assert frame.index.is_monotonic_increasing
    assert frame.index[-1].timestamp() * 1_000 + MINUTE_MS <= exchange.now_ms()


def test_all_candles_since_a_date_come_and_none_before(handler):
    newest = handler.get_latest_bar("BTC/USDT", "1m").name
    frame = handler.get_historical_data("BTC/USDT", "1m", start_date=newest - timedelta(minutes=1_500))
    assert (len(frame), frame.index[0]) == (1_501, newest - timedelta(minutes=1_500))


@pytest.mark.parametrize("ahead_ms", [-3_600_000, 90_000, 86_400_000])
@pytest.mark.fault(19)
def test_candles_are_closed_by_the_exchanges_clock_not_by_this_machines(exchange, handler, ahead_ms):
    exchange.ahead_ms = ahead_ms
    newest = handler.get_latest_bar("BTC/USDT", "1m").name
    late_ms = exchange.now_ms() - newest.timestamp() * 1_000
    assert MINUTE_MS <= late_ms < 2 * MINUTE_MS + 5_000
    assert abs(handler.clock.offset_ms - ahead_ms) < 1_000
    assert handler.clock.now_ms() <= exchange.now_ms()


def test_a_hole_stays_a_hole(exchange, handler):
    exchange.missing = {5, 6, 7}
    assert len(handler.get_historical_data("BTC/USDT", "1m", limit=20)) == 20


def test_the_market_is_read_from_the_exchanges_own_texts(handler):
    market = handler.instrument("BTC/USDT")
    assert (market.price_tick, market.quantity_step) == (Decimal("0.01"), Decimal("0.00001"))
    assert (market.min_quantity, market.min_notional) == (Decimal("0.00002"), Decimal(5))


GARBAGE = [
    pytest.param(b"<html>busy</html>", id="HTML"),
    pytest.param(b"", id="nothing"),
    pytest.param(b"{}", id="an object"),
    pytest.param(b"null", id="null"),
    pytest.param(b'[[1, "2"', id="half JSON"),
    pytest.param(b'["a"]', id="texts"),
]


@pytest.mark.parametrize("body", GARBAGE)
def test_a_garbage_answer_is_asked_again_and_never_taken_for_no_candles(exchange, handler, body):
    exchange.faults = [web.Response(body=body)]
    assert len(handler.get_historical_data("BTC/USDT", "1m", limit=10)) == 10
    exchange.faults = [web.Response(body=body) for _ in range(3)]
    with pytest.raises(DataError, match="did not give BTC/USDT 1m candles in 3 attempts"):
        handler.get_historical_data("BTC/USDT", "1m", limit=10)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param([1, "NaN", "2", "1", "1.5", "1"], id="NaN"),
        pytest.param([1, "1.5", "1", "2", "1.5", "1"], id="high below low"),
        pytest.param([1, "1.5"], id="short"),
    ],
)
@pytest.mark.fault(18)
def test_rows_that_cannot_be_candles_are_refused(exchange, handler, row):
    exchange.faults = [web.Response(body=json.dumps([row]).encode())]
    with pytest.raises(DataError, match="binance answered BTC/USDT candles that"):
        handler.get_historical_data("BTC/USDT", "1m", limit=10)


def test_a_failing_server_is_asked_three_times(exchange, handler):
    handler.get_latest_bar("BTC/USDT", "1m")
    exchange.asked.clear()
    exchange.faults = [web.Response(status=500) for _ in range(3)]
    with pytest.raises(DataError, match="in 3 attempts"):
        handler.get_latest_bar("BTC/USDT", "1m")
    assert exchange.asked == ["klines"] * 3


@pytest.mark.parametrize("status", [418, 429])
def test_an_exchange_that_limits_us_is_left_alone(exchange, handler, status):
    handler.get_latest_bar("BTC/USDT", "1m")
    exchange.asked.clear()
    exchange.faults = [web.Response(status=status, body=b'{"code":-1003,"msg":"slow"}', headers={"Retry-After": "30"})]
    with pytest.raises(DataError, match="limits our requests"):
        handler.get_latest_bar("BTC/USDT", "1m")
    with pytest.raises(DataError, match=r"left alone for another (29|30) s"):
        handler.get_latest_bar("BTC/USDT", "1m")
    assert exchange.asked == ["klines"]


def test_names_that_do_not_exist_are_refused_with_those_that_do(handler):
    with pytest.raises(ConfigError, match="BTC/USDX is not traded on binance: did you mean BTC/USDT"):
        handler.get_latest_bar("BTC/USDX", "1m")
    with pytest.raises(ConfigError, match="'binanse' is not known: did you mean binance"):
        CryptoDataHandler(ExchangeConfig(name="binanse"))


def test_a_dead_server_gives_one_sentence():
    source = CcxtSource(CONFIG, rest_url="http://127.0.0.1:9", first_pause_ms=1)
    with pytest.raises(DataError, match="did not give its time in 3 attempts"):
        CryptoDataHandler(CONFIG, source=source).get_latest_bar("BTC/USDT", "1m")


def test_the_top_of_the_book_is_told(handler):
    assert handler.get_bid_ask("BTC/USDT") == (100.01, 100.02)


def test_a_book_without_bids_is_no_book(exchange, handler):
    exchange.bids = []
    with pytest.raises(DataError, match="without bids or asks"):
        handler.get_bid_ask("BTC/USDT")
