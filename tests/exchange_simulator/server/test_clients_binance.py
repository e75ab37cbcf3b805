"""Unmodified python-binance and Binance's own SDK trade on the exchange."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_spot.spot import Spot

from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import Address, RunningExchange, running_exchange

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports names that its own dependency has deprecated
    from binance import AsyncClient, BinanceSocketManager
    from binance.client import Client

SYMBOL = "BTCUSDT"


@pytest.fixture
async def live() -> AsyncIterator[RunningExchange]:
    """An exchange at real time in this process."""
    async with running_exchange(ExchangeOptions(symbols=("BTC/USDT",), seed=6)) as running:
        yield running


def rest_of(best_ask: list[str]) -> str:
    """More than the best ask offers."""
    return str(Decimal(best_ask[1]) + Decimal("0.1"))


async def until_subscribed(live: RunningExchange) -> None:
    """Wait for the client's user data subscription."""
    while live.server.users.subscriptions == 0:  # noqa: ASYNC110 - the subscription is the client's own affair
        await asyncio.sleep(0.01)


def passive(best_bid: list[str]) -> str:
    """A price that rests below the market."""
    return str((Decimal(best_bid[0]) * Decimal("0.95")).quantize(Decimal("0.01")))


@pytest.fixture
def current_loop() -> Iterator[None]:
    """An event loop for a client that takes the thread's current one, and never closes it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def test_python_binance_does_market_data_orders_and_balances(process: Address, current_loop: None):
    client = Client(process.api_key, process.secret, ping=False)
    client.API_URL = process.rest_url + "/api"
    assert client.get_symbol_info(SYMBOL)["status"] == "TRADING"
    assert len(client.get_klines(symbol=SYMBOL, interval="1m", limit=30)) == 30
    book = client.get_order_book(symbol=SYMBOL)
    resting = client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=passive(book["bids"][0]))
    assert resting["status"] == "NEW"
    assert client.cancel_order(symbol=SYMBOL, orderId=resting["orderId"])["status"] == "CANCELED"
    ask = client.get_order_book(symbol=SYMBOL)["asks"][0]
    partial = client.order_limit_buy(symbol=SYMBOL, quantity=rest_of(ask), price=ask[0])
    assert partial["status"] == "PARTIALLY_FILLED"
    client.cancel_order(symbol=SYMBOL, orderId=partial["orderId"])
    assert client.order_market_sell(symbol=SYMBOL, quantity="0.01")["status"] == "FILLED"
    assert Decimal(client.get_asset_balance("USDT")["free"]) > 0
    assert client.get_my_trades(symbol=SYMBOL)[-1]["isBuyer"] is False
    client.close_connection()


async def test_python_binance_streams_candles_and_its_own_orders(live: RunningExchange):
    client = AsyncClient(live.address.api_key, live.address.secret)
    client.API_URL = live.rest_url + "/api"
    client.ws_api._url = live.ws_api_url
    client.ws_api.TIMEOUT = 1  # closing waits for its next look at the socket
    manager = BinanceSocketManager(client)
    manager.STREAM_URL = live.ws_url + "/"
    try:
        async with manager.kline_socket(SYMBOL, "1m") as candles:
            assert (await candles.recv())["k"]["s"] == SYMBOL
        async with manager.user_socket() as events:
            await until_subscribed(live)
            await client.order_market_buy(symbol=SYMBOL, quantity="0.01")
            seen = [await events.recv() for _ in range(3)]
            assert {"executionReport", "outboundAccountPosition"} <= {event["e"] for event in seen}
    finally:
        await client.close_connection()


def test_the_sdk_does_market_data_orders_and_balances(process: Address):
    settings = ConfigurationRestAPI(process.api_key, process.secret, base_path=process.rest_url, timeout=5000)
    rest = Spot(config_rest_api=settings).rest_api
    assert len(rest.klines(symbol=SYMBOL, interval="1m", limit=20).data()) == 20
    assert rest.exchange_info(symbol=SYMBOL).data().symbols[0].symbol == SYMBOL
    book = rest.depth(symbol=SYMBOL).data()
    common = {"symbol": SYMBOL, "side": "BUY"}
    resting = rest.new_order(
        **common, type="LIMIT", time_in_force="GTC", quantity=0.01, price=float(passive(book.bids[0]))
    ).data()
    assert rest.delete_order(SYMBOL, order_id=resting.order_id).data().status == "CANCELED"
    ask = rest.depth(symbol=SYMBOL).data().asks[0]
    partial = rest.new_order(
        **common, type="LIMIT", time_in_force="GTC", quantity=float(rest_of(ask)), price=float(ask[0])
    ).data()
    assert partial.status == "PARTIALLY_FILLED"
    rest.delete_order(SYMBOL, order_id=partial.order_id)
    assert rest.new_order(**common, type="MARKET", quantity=0.01).data().status == "FILLED"
    assert any(balance.asset == "USDT" for balance in rest.get_account().data().balances)
    assert rest.my_trades(SYMBOL).data()[-1].is_buyer is True
    rest._session.close()


@pytest.mark.filterwarnings("ignore:parameter 'timeout':DeprecationWarning")  # the SDK's own call of aiohttp
async def test_the_sdk_trades_by_websocket_and_streams(live: RunningExchange):
    api_settings = ConfigurationWebSocketAPI(live.address.api_key, live.address.secret, stream_url=live.ws_api_url)
    stream_settings = ConfigurationWebSocketStreams(stream_url=live.ws_url + "/stream")
    spot = Spot(config_ws_api=api_settings, config_ws_streams=stream_settings)
    api = await spot.websocket_api.create_connection()
    streams = await spot.websocket_streams.create_connection()
    try:
        placed = await api.order_place(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01)
        assert placed.data().result.status == "FILLED"
        candles: asyncio.Queue[Any] = asyncio.Queue()
        stream = await streams.kline(symbol=SYMBOL.lower(), interval="1m")
        stream.on("message", candles.put_nowait)
        assert (await asyncio.wait_for(candles.get(), 10)).k.s == SYMBOL
    finally:
        await spot.websocket_streams.close_connection()
        await spot.websocket_api.close_connection()
