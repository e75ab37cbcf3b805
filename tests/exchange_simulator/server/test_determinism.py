"""The same seed and the same script write the same journal, to the byte, over real HTTP."""

import hashlib
from typing import Any

import aiohttp
import pytest

from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import RunningExchange, running_exchange


async def script(client: Any) -> None:
    """Trade for two minutes, with faults by chance."""
    client.server.faults.add("half_json", path="/api/v3/account", probability=0.5, count=None)
    client.server.faults.add("halt", symbol="ETHUSDT", at_ms=client.server.exchange.clock.now_us() // 1000 + 30_000)
    for step in range(12):
        book = await client.get("/api/v3/depth", symbol="BTCUSDT", limit=5)
        bid, ask = book["bids"][0][0], book["asks"][0][0]
        order = await client.limit("BUY", "0.02", bid)
        await client.limit("SELL", "0.02", ask)
        await client.market("BUY" if step % 2 else "SELL", "0.01")
        await client.session.get(
            client.server.rest_url + "/api/v3/account?" + client.signed(),
            headers={"X-MBX-APIKEY": client.server.address.api_key},
        )
        await client.send("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order["orderId"])
        client.server.advance(10)


async def journal_of(make_client: Any, seed: int) -> bytes:
    options = ExchangeOptions(speed=0, seed=seed, start="2026-01-15T12:00:00Z")
    async with running_exchange(options) as server, aiohttp.ClientSession() as session:
        await script(make_client(server, session))
        assert server.exchange.oracle.check() == []
        return b"\n".join(server.exchange.journal.since(0))


@pytest.fixture
def make_client(client: Any) -> Any:
    """The raw client's class, for servers of the test's own."""

    def make(server: RunningExchange, session: aiohttp.ClientSession) -> Any:
        return type(client)(server, session)

    return make


async def test_the_same_seed_and_script_write_the_same_journal(make_client: Any):
    first, second = [await journal_of(make_client, 7) for _ in range(2)]
    assert len(first) > 10_000
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    assert first == second


async def test_another_seed_writes_another_journal(make_client: Any):
    assert await journal_of(make_client, 7) != await journal_of(make_client, 8)
