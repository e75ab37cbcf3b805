"""A running exchange for tests, in this process and in one of its own, and a raw client that signs by hand."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import Address, RunningExchange, exchange_process, running_exchange

NOON = "2026-01-15T12:00:00Z"


class RawClient:
    """Speaks HTTP and WebSocket to an exchange, and nothing of Binance but the signature."""

    def __init__(self, server: RunningExchange, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session

    async def get(self, path: str, **params: Any) -> Any:
        async with self.session.get(self.server.rest_url + path, params=params) as response:
            return await response.json()

    async def send(self, method: str, path: str, **params: Any) -> tuple[int, Any, Mapping[str, str]]:
        """Send a signed request and return status, JSON and headers."""
        url = self.server.rest_url + path + "?" + self.signed(**params)
        async with self.session.request(method, url, headers={"X-MBX-APIKEY": self.server.address.api_key}) as response:
            return response.status, await response.json(), response.headers

    async def private(self, method: str, path: str, **params: Any) -> Any:
        """Send a signed request that must succeed."""
        status, answer, _ = await self.send(method, path, **params)
        assert status == 200, answer
        return answer

    async def refused(self, method: str, path: str, **params: Any) -> tuple[int, int, str]:
        """Send a signed request that must fail and return status, code and message."""
        status, answer, _ = await self.send(method, path, **params)
        assert status >= 400, answer
        return status, answer["code"], answer["msg"]

    def signed(self, **params: Any) -> str:
        query = urlencode({"timestamp": self.server.exchange.clock.now_us() // 1000, **params})
        signature = hmac.new(self.server.address.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return f"{query}&signature={signature}"

    async def limit(self, side: str, quantity: str, price: str, **more: Any) -> Any:
        """Place a limit order for BTC."""
        order = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC"}
        return await self.private("POST", "/api/v3/order", **order, quantity=quantity, price=price, **more)

    async def market(self, side: str, quantity: str, **more: Any) -> Any:
        """Place a market order for BTC."""
        order = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": quantity}
        return await self.private("POST", "/api/v3/order", **order, **more)

    async def socket(self, path: str) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket; it closes with the test's session."""
        return await self.session.ws_connect(self.server.ws_url + path, autoping=True)

    async def user_socket(self) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket API connection that has the account's user data."""
        socket = await self.socket("/ws-api/v3")
        await socket.send_json(self.api_request("userDataStream.subscribe.signature"))
        assert (await socket.receive_json())["status"] == 200
        return socket

    def api_request(self, method: str, **params: Any) -> dict[str, Any]:
        """Return a signed WebSocket API request."""
        now_ms = self.server.exchange.clock.now_us() // 1000
        signed = {"apiKey": self.server.address.api_key, "timestamp": now_ms, **params}
        query = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
        signature = hmac.new(self.server.address.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return {"id": 1, "method": method, "params": {**signed, "signature": signature}}


@pytest.fixture
async def server() -> AsyncIterator[RunningExchange]:
    """An exchange in this process, on a clock that the test steps by hand."""
    async with running_exchange(ExchangeOptions(speed=0, start=NOON, seed=11)) as running:
        yield running


@pytest.fixture
async def client(server: RunningExchange) -> AsyncIterator[RawClient]:
    """A raw client of `server`."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield RawClient(server, session)


@pytest.fixture
async def resting_price(client: RawClient) -> str:
    """A price at which a buy rests and is allowed."""
    book = await client.get("/api/v3/depth", symbol="BTCUSDT")
    return f"{float(book['bids'][0][0]) * 0.97:.2f}"


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> ExchangeOptions:
    """An exchange at real time whose BTC market has six hours of past and a book that only its clients move.

    It replays trades of which the next comes tomorrow. The best levels hold some hundredths of a coin each, so that
    a client can pay for more than one of them.
    """
    now = datetime.now(UTC)  # noqa: TID251 - clients that are not told the time take the machine's
    past = [now - timedelta(seconds=20 * ago) for ago in range(1080, 0, -1)]
    rows = [f"{_ms(at)},{50_000 + place % 7 * 0.01:.2f},0.00200,buy" for place, at in enumerate(past)]
    rows.append(f"{_ms(now + timedelta(days=1))},50000.01,0.00201,sell")
    path = tmp_path_factory.mktemp("quiet") / "BTCUSDT-trades.csv"
    path.write_text("\n".join(("time,price,quantity,side", *rows)))
    return ExchangeOptions(seed=11, start="now", replay=(path,))


@pytest.fixture(scope="session")
def process(quiet: ExchangeOptions) -> Iterator[Address]:
    """The quiet exchange in a process of its own, for clients that block."""
    options = ("--seed", str(quiet.seed), "--start", quiet.start, "--replay", *map(str, quiet.replay))
    with exchange_process(*options) as address:
        yield address


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
