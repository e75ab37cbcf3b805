"""Unmodified ccxt (sync, async, pro) trades on the exchange: only its URLs are pointed at it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import Address, RunningExchange, running_exchange

SYMBOL = "BTC/USDT"


def configured(kind: Any, server: Address) -> Any:
    """A ccxt client that asks for nothing but spot markets, at the exchange's address."""
    client = kind(
        {
            "apiKey": server.api_key,
            "secret": server.secret,
            "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
        }
    )
    for name in ("public", "private"):
        client.urls["api"][name] = server.rest_url + "/api/v3"
    client.urls["api"]["sapi"] = server.rest_url + "/sapi/v1"
    if "ws" in client.urls["api"]:
        client.urls["api"]["ws"]["spot"] = server.ws_url + "/stream/ws"
        client.urls["api"]["ws"]["ws-api"]["spot"] = server.ws_api_url
    return client


@pytest.fixture
async def live() -> AsyncIterator[RunningExchange]:
    """An exchange at real time in this process, for clients that do not block."""
    async with running_exchange(ExchangeOptions(seed=5)) as running:
        yield running


@pytest.fixture
async def undisturbed(quiet: ExchangeOptions) -> AsyncIterator[RunningExchange]:
    """An exchange like `live`, whose BTC book only the test moves."""
    async with running_exchange(quiet) as running:
        yield running


async def until_subscribed(live: RunningExchange) -> None:
    """Wait for the client's user data subscription."""
    while live.server.users.subscriptions == 0:  # noqa: ASYNC110 - the subscription is the client's own affair
        await asyncio.sleep(0.01)


def passive_price(book: dict[str, Any]) -> float:
    """A price far enough below the market to rest, near enough to be allowed."""
    return round(book["bids"][0][0] * 0.95, 2)


def crossing_limit(book: dict[str, Any]) -> tuple[float, float]:
    """Quantity and price of a buy that takes the best ask and leaves a rest."""
    price, quantity = book["asks"][0][:2]
    return float(Decimal(str(quantity)) + Decimal("0.1")), price


def test_ccxt_sync_does_market_data_orders_and_balances(process: Address):
    exchange = configured(ccxt.binance, process)
    assert exchange.load_markets()[SYMBOL]["precision"]["price"] > 0
    assert len(exchange.fetch_ohlcv(SYMBOL, "1m", limit=100)) == 100
    assert exchange.fetch_ticker(SYMBOL)["last"] > 0
    book = exchange.fetch_order_book(SYMBOL)
    before = exchange.fetch_balance()

    resting = exchange.create_order(SYMBOL, "limit", "buy", 0.01, passive_price(book), {"clientOrderId": "sync-1"})
    assert resting["status"] == "open"
    assert [order["id"] for order in exchange.fetch_open_orders(SYMBOL)] == [resting["id"]]
    assert exchange.fetch_balance()["USDT"]["used"] > 0
    assert exchange.cancel_order(resting["id"], SYMBOL)["status"] == "canceled"

    amount, price = crossing_limit(exchange.fetch_order_book(SYMBOL))
    partial = exchange.create_order(SYMBOL, "limit", "buy", amount, price)
    assert 0 < partial["filled"] < amount
    exchange.cancel_order(partial["id"], SYMBOL)
    assert exchange.fetch_order(partial["id"], SYMBOL)["status"] == "canceled"

    bought = exchange.create_order(SYMBOL, "market", "buy", 0.02)
    assert (bought["status"], bought["filled"]) == ("closed", 0.02)
    assert exchange.fetch_trades(SYMBOL, limit=5)[-1]["price"] > 0
    fills = exchange.fetch_my_trades(SYMBOL, params={"orderId": bought["id"]})
    assert sum(fill["amount"] for fill in fills) == pytest.approx(0.02)
    assert fills[0]["fee"]["currency"] == "BTC"
    after = exchange.fetch_balance()
    assert after["BTC"]["free"] > before["BTC"]["free"]
    exchange.session.close()


async def test_ccxt_async_does_market_data_orders_and_balances(undisturbed: RunningExchange):
    exchange = configured(ccxt.async_support.binance, undisturbed.address)
    try:
        assert len(await exchange.fetch_ohlcv(SYMBOL, "5m", limit=50)) == 50
        book = await exchange.fetch_order_book(SYMBOL)
        resting = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, passive_price(book))
        assert (await exchange.cancel_order(resting["id"], SYMBOL))["status"] == "canceled"
        amount, price = crossing_limit(await exchange.fetch_order_book(SYMBOL))
        partial = await exchange.create_order(SYMBOL, "limit", "buy", amount, price)
        assert 0 < partial["filled"] < amount
        await exchange.cancel_order(partial["id"], SYMBOL)
        sold = await exchange.create_order(SYMBOL, "market", "sell", 0.01)
        assert sold["status"] == "closed"
        assert (await exchange.fetch_balance())["USDT"]["free"] > 0
        assert (await exchange.fetch_tickers([SYMBOL]))[SYMBOL]["last"] > 0
    finally:
        await exchange.close()


async def test_ccxt_signs_with_an_ed25519_key():
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with running_exchange(ExchangeOptions(seed=5, keys={"ed": public})) as server:
        exchange = configured(ccxt.async_support.binance, replace(server.address, secret=secret))
        try:
            assert (await exchange.create_order(SYMBOL, "market", "buy", 0.01))["status"] == "closed"
        finally:
            await exchange.close()


async def test_ccxt_pro_watches_the_market_and_its_own_orders(live: RunningExchange):
    exchange = configured(ccxt.pro.binance, live.address)
    try:
        assert (await exchange.watch_order_book(SYMBOL, 10))["bids"]
        assert (await exchange.watch_ohlcv(SYMBOL, "1m"))[-1][4] > 0
        assert (await exchange.watch_ticker(SYMBOL))["last"] > 0
        assert (await exchange.watch_trades(SYMBOL))[-1]["price"] > 0

        order = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, passive_price(exchange.orderbooks[SYMBOL]))
        assert order["status"] == "open"
        first = asyncio.create_task(exchange.watch_orders(SYMBOL))
        balance = asyncio.create_task(exchange.watch_balance())
        await until_subscribed(live)
        assert (await exchange.cancel_order_ws(order["id"], SYMBOL))["status"] == "canceled"
        assert (await first)[-1]["status"] == "canceled"
        assert "USDT" in await balance
        filled = asyncio.create_task(exchange.watch_my_trades(SYMBOL))
        bought = await exchange.create_order(SYMBOL, "market", "buy", 0.01)
        assert (await filled)[-1]["order"] == bought["id"]
    finally:
        await exchange.close()
