"""Junk of every kind gets Binance's error JSON or a proper answer: never a 500, never a hang, never a broken server."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange_simulator.server.operation import SIGNED, Security
from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.routes import REST, SAPI, WS_API
from exchange_simulator.server.running import RunningExchange, running_exchange

ENDPOINTS = sorted({**REST, **SAPI})
PARAMETERS = sorted(set().union(*(operation.accepts for operation in REST.values())) | SIGNED)
PLAUSIBLE = (
    "BTCUSDT",
    "ETHUSDT",
    "BUY",
    "SELL",
    "LIMIT",
    "MARKET",
    "GTC",
    "0.01",
    "60000",
    "1m",
    "1",
    "0",
    "true",
    "5",
)
VALUES = st.one_of(
    st.sampled_from(PLAUSIBLE), st.text(max_size=12), st.integers().map(str), st.floats().map(str), st.just("9" * 30)
)
REQUESTS = st.tuples(
    st.sampled_from(ENDPOINTS),
    st.dictionaries(st.sampled_from(PARAMETERS), VALUES, max_size=9),
    st.sampled_from(["signed", "query", "body", "json"]),
)
GOOD = {
    "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "70000",
    "interval": "1m", "limit": "5", "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": "1", "orderId": "1",
    "orderListId": "0", "aboveType": "LIMIT_MAKER", "abovePrice": "70000", "belowType": "STOP_LOSS",
    "belowStopPrice": "50000",
}  # fmt: skip
EDGES = st.sampled_from([
    "", "0", "-1", "1e5", "nan", "-inf", "0.00000001", "0.000000001", "9" * 26, str(2**63), str(-(2**63)), "null", "[]",
    "{}", '["BTCUSDT","BTCUSDT"]', " ", "\x00", "\u6f22" * 20, "a" * 400, "\u0661", "1_000", "0x10", "1s", "1M", "BUY",
    "MARKET", "STOP_LOSS", "TAKE_PROFIT_LIMIT", "LIMIT_MAKER", "FOK", "ACK", "NONE", "MINI", "1768478400000000", "true",
])  # fmt: skip
NEARLY_GOOD = st.tuples(
    st.sampled_from(ENDPOINTS), st.dictionaries(st.sampled_from(PARAMETERS), EDGES, max_size=2), st.integers(0, 30)
)
FRAMES = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=20),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
        max_leaves=6,
    ).map(json.dumps),
    st.builds(
        lambda method, params, key: json.dumps({"id": key, "method": method, "params": params}),
        st.sampled_from([*WS_API, "session.status", "session.logon", "SUBSCRIBE", "SET_PROPERTY", "nonsense"]),
        st.one_of(
            st.dictionaries(st.sampled_from(PARAMETERS), st.one_of(VALUES, st.integers(), st.none()), max_size=6),
            st.lists(st.one_of(st.text(max_size=12), st.booleans()), max_size=3),
        ),
        st.one_of(st.none(), st.integers(), st.text(max_size=40)),
    ),
)


async def ask(client: Any, endpoint: tuple[str, str], params: dict[str, str], how: str) -> tuple[int, Any]:
    method, path = endpoint
    url, body = client.server.rest_url + path, None
    if how == "signed":
        sent = {name: value for name, value in params.items() if name not in SIGNED}
        url += "?" + client.signed(**sent)
    elif how == "query":
        url += "?" + urlencode(params, errors="replace")
    else:
        body = json.dumps(params) if how == "json" else urlencode(params, errors="replace")
    headers = {"X-MBX-APIKEY": client.server.address.api_key}
    async with client.session.request(method, url, data=body, headers=headers) as response:
        return response.status, await response.json()


async def run_all(make: Any, examples: list[Any]) -> None:
    for example in examples:
        await make(example)


def fuzzed(strategy: Any, number: int) -> list[Any]:
    """Draw examples, the same ones in every run."""
    drawn: list[Any] = []

    def keep(example: Any) -> None:
        drawn.append(example)

    collect = given(strategy)(keep)
    settings(
        max_examples=number, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )(collect)()
    return drawn


async def test_every_rest_endpoint_refuses_junk_in_binances_words(client: Any):
    async def check(example: Any) -> None:
        status, answer = await asyncio.wait_for(ask(client, *example), 5)
        assert status < 500, (example, answer)
        if status >= 400:
            assert answer.keys() - {"data"} == {"code", "msg"}, example
            assert answer["code"] < 0
            assert answer["msg"]

    await run_all(check, fuzzed(REQUESTS, 1_000))
    assert await client.get("/api/v3/ping") == {}


async def test_a_request_that_is_nearly_good_is_carried_out_or_refused_and_every_balance_stays_right(client: Any):
    accepted = set()
    for endpoint, changes, seconds in fuzzed(NEARLY_GOOD, 800):
        operation = {**REST, **SAPI}[endpoint]
        good = {name: value for name, value in GOOD.items() if name in operation.accepts - SIGNED}
        kept = {name: value for name, value in changes.items() if name in operation.accepts - SIGNED}
        how = "query" if operation.security is Security.NONE else "signed"
        status, answer = await asyncio.wait_for(ask(client, endpoint, good | kept, how), 5)
        assert status < 500, (endpoint, kept, answer)
        if status < 400:
            accepted.add(endpoint)
        else:
            assert answer.keys() - {"data"} == {"code", "msg"}, (endpoint, kept, answer)
        if not seconds:
            client.server.advance(10)
            assert client.server.exchange.oracle.check() == []
    assert len(accepted) > 25, "hardly anything came through: the good values are none"


@pytest.mark.parametrize("path", ["/ws", "/stream", "/ws-api/v3"])
async def test_every_socket_survives_junk_frames(client: Any, path: str):
    socket = await client.socket(path)
    for frame in fuzzed(FRAMES, 300):
        await (
            socket.send_bytes(frame)
            if isinstance(frame, bytes)
            else socket.send_str(frame.encode("utf-8", "replace").decode())
        )
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type is aiohttp.WSMsgType.TEXT, frame
        answer = json.loads(message.data)
        assert answer.keys() & {"result", "error"}, (frame, answer)
        if path == "/ws-api/v3":
            assert answer["status"] < 500, (frame, answer)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"GET /api/v3/ping?\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", id="bytes in the path"),
        pytest.param(b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd", id="no text"),
        pytest.param(b"BREW /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n", id="method"),
        pytest.param(b"GET /api/v3/nothing HTTP/1.1\r\nHost: x\r\n\r\n", id="path"),
        pytest.param(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", id="half shake"
        ),
        pytest.param(b"nonsense\r\n\r\n", id="no HTTP"),
    ],
)
async def test_a_raw_connection_gets_an_answer_below_500(server: RunningExchange, lines: bytes):
    port = int(server.rest_url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(lines)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    status = int(head.split()[1])
    assert 200 <= status < 500
    assert status == 200 or b"application/json" in head
    writer.close()
    await writer.wait_closed()


async def test_a_body_without_end_is_refused(client: Any):
    async with client.session.post(client.server.rest_url + "/api/v3/order", data=b"a" * 1_000_000) as response:
        assert response.status == 413
        assert (await response.json())["code"] == -1101


async def test_limits_hold_under_junk_too():
    async with running_exchange(ExchangeOptions(seed=3)) as server, aiohttp.ClientSession() as session:
        statuses = set()
        for _ in range(90):
            async with session.get(server.rest_url + "/api/v3/openOrders") as response:
                statuses.add(response.status)
        assert 429 in statuses
        assert statuses <= {401, 429, 418}
