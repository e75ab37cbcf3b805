"""The rules of REST that are the server's: keys, signatures, timing, limits, parameters, response headers."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange_simulator.server.app import ServerSettings
from exchange_simulator.server.limits import Limits
from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import running_exchange

STEPPED = ExchangeOptions(speed=0, start="2026-01-15T12:00:00Z")
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "60000",
}


async def ask(client: Any, query: str, key: str, body: str = "", method: str = "GET") -> tuple[int, Any]:
    url = f"{client.server.rest_url}/api/v3/account?{query}"
    async with client.session.request(method, url, data=body or None, headers={"X-MBX-APIKEY": key}) as response:
        return response.status, await response.json()


async def test_a_signature_may_be_upper_case_and_must_be_right(client: Any):
    query, key = client.signed(), client.server.address.api_key
    payload, _, signature = query.rpartition("&signature=")
    assert (await ask(client, f"{payload}&signature={signature.upper()}", key))[0] == 200
    wrong = "0" * 64
    for broken in (f"{payload}&signature={wrong}", f"{payload}&x=1&signature={signature}"):
        status, answer = await ask(client, broken, key)
        assert (status, answer["code"]) == (400, -1022)


@pytest.mark.parametrize(
    ("query", "key", "status", "code"),
    [
        pytest.param("timestamp=1", "", 401, -2014, id="no key"),
        pytest.param("timestamp=1&signature=x", "unknown", 401, -2015, id="unknown key"),
        pytest.param("timestamp=1", "simulated-key", 400, -1102, id="no signature"),
        pytest.param("signature=x", "simulated-key", 400, -1102, id="no timestamp"),
    ],
)
async def test_a_request_needs_a_key_a_signature_and_a_timestamp(
    client: Any, query: str, key: str, status: int, code: int
):
    answered, answer = await ask(client, query, key)
    assert (answered, answer["code"]) == (status, code)


async def test_query_and_body_are_signed_one_after_the_other(client: Any):
    query = urlencode({name: ORDER[name] for name in ("symbol", "side", "type", "timeInForce")})
    now_ms = client.server.exchange.clock.now_us() // 1000
    price = (await client.get("/api/v3/depth", symbol="BTCUSDT"))["bids"][-1][0]
    body = urlencode({"quantity": "0.01", "price": price, "timestamp": now_ms})
    secret = client.server.address.secret.encode()
    signature = hmac.new(secret, (query + body).encode(), hashlib.sha256).hexdigest()
    url = f"{client.server.rest_url}/api/v3/order?{query}"
    headers = {"X-MBX-APIKEY": client.server.address.api_key, "Content-Type": "application/x-www-form-urlencoded"}
    async with client.session.post(url, data=f"{body}&signature={signature}", headers=headers) as response:
        assert (await response.json())["status"] == "NEW"


async def test_an_ed25519_key_signs_and_its_signature_is_case_sensitive(client: Any):
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    options = ExchangeOptions(speed=0, keys={"ed-key": pem})
    async with running_exchange(options) as server:
        query = f"timestamp={server.exchange.clock.now_us() // 1000}"
        signature = base64.b64encode(private.sign(query.encode())).decode()
        ours = type(client)(server, client.session)
        assert (await ask(ours, urlencode({"timestamp": query[10:], "signature": signature}), "ed-key"))[0] == 200
        swapped = urlencode({"timestamp": query[10:], "signature": signature.swapcase()})
        assert (await ask(ours, swapped, "ed-key"))[1]["code"] == -1022


@pytest.mark.parametrize(
    ("offset_ms", "window", "code"),
    [
        pytest.param(0, "5000", None, id="now"),
        pytest.param(-4_999, "5000", None, id="just young enough"),
        pytest.param(-5_001, "5000", -1021, id="too old"),
        pytest.param(-5_001, "60000", None, id="old, with a longer window"),
        pytest.param(999, "5000", None, id="a little ahead"),
        pytest.param(1_001, "5000", -1021, id="too far ahead"),
        pytest.param(0, "60001", -1131, id="window too long"),
        pytest.param(0, "x", -1100, id="window is no number"),
    ],
)
async def test_timing_is_checked_by_timestamp_and_window(client: Any, offset_ms: int, window: str, code: int | None):
    async with running_exchange(STEPPED, ServerSettings(checks_timing=True)) as server:
        ours = type(client)(server, client.session)
        now_ms = server.exchange.clock.now_us() // 1000
        _, answer, _ = await ours.send("GET", "/api/v3/account", timestamp=now_ms + offset_ms, recvWindow=window)
        assert answer.get("code") == code


async def test_timing_is_checked_again_after_a_wait_before_the_engine(client: Any):
    options = ExchangeOptions(speed=1)
    async with running_exchange(options) as server:
        ours = type(client)(server, client.session)
        server.faults.add("delay", method="POST", phase="before", seconds=0.3)
        price = (await ours.get("/api/v3/depth", symbol="BTCUSDT"))["bids"][-1][0]
        refused = await ours.refused("POST", "/api/v3/order", **ORDER | {"price": price}, recvWindow=200)
        assert refused[1] == -1021
        assert await ours.private("GET", "/api/v3/allOrders", symbol="BTCUSDT") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"symbol": "NOPE"}, -1121, id="symbol"),
        pytest.param({"side": "UP"}, -1117, id="side"),
        pytest.param({"type": "HOPE"}, -1116, id="type"),
        pytest.param({"timeInForce": "GTX"}, -1115, id="time in force"),
        pytest.param({"quantity": None}, -1102, id="no quantity"),
        pytest.param({"price": None}, -1102, id="no price"),
        pytest.param({"price": "a"}, -1100, id="price"),
        pytest.param({"price": "1.123456789"}, -1111, id="precision"),
        pytest.param({"stopPrice": "1"}, -1106, id="not required"),
        pytest.param({"bogus": "1"}, -1104, id="unread"),
        pytest.param({"newClientOrderId": "a b"}, -1100, id="client id"),
        pytest.param({"newOrderRespType": "ALL"}, -1130, id="response type"),
        pytest.param({"quantity": "0.000001"}, -1013, id="filter"),
        pytest.param({"quantity": "50"}, -2010, id="balance"),
        pytest.param({"type": "MARKET"}, -1106, id="market with a price"),
        pytest.param({"strategyType": "5"}, -1134, id="strategy"),
    ],
)
async def test_a_bad_order_has_binances_code(client: Any, changes: dict[str, str | None], code: int):
    price = (await client.get("/api/v3/depth", symbol="BTCUSDT"))["bids"][-1][0]
    order = {name: value for name, value in (ORDER | {"price": price} | changes).items() if value is not None}
    assert (await client.refused("POST", "/api/v3/order", **order))[1] == code


async def test_answers_carry_used_weight_and_order_counts(client: Any):
    price = (await client.get("/api/v3/depth", symbol="BTCUSDT"))["bids"][-1][0]
    _, _, first = await client.send("POST", "/api/v3/order", **ORDER | {"price": price})
    _, _, second = await client.send("GET", "/api/v3/account")
    _, _, refused = await client.send("POST", "/api/v3/order", **ORDER | {"symbol": "NOPE"})
    used = [int(headers["X-MBX-USED-WEIGHT-1M"]) for headers in (first, second, refused)]
    assert (used[1] - used[0], used[2] - used[1]) == (20, 1)
    assert (first["X-MBX-ORDER-COUNT-10S"], first["X-MBX-ORDER-COUNT-1D"]) == ("1", "1")


async def test_too_many_orders_are_refused_with_1015(client: Any):
    settings = ServerSettings(enforces_limits=True, limits=Limits(orders_per_10_seconds=2))
    async with running_exchange(STEPPED, settings) as server:
        ours = type(client)(server, client.session)
        price = (await ours.get("/api/v3/depth", symbol="BTCUSDT"))["bids"][-1][0]
        for _ in range(2):
            await ours.private("POST", "/api/v3/order", **ORDER | {"price": price})
        assert (await ours.refused("POST", "/api/v3/order", **ORDER | {"price": price}))[:2] == (429, -1015)
        usage = await ours.private("GET", "/api/v3/rateLimit/order")
        assert [row["count"] for row in usage] == [2, 2]


async def test_refused_orders_weigh_and_the_one_over_the_limit_still_says_why(client: Any):
    settings = ServerSettings(enforces_limits=True, limits=Limits(weight_per_minute=1))
    async with running_exchange(STEPPED, settings) as server:
        ours = type(client)(server, client.session)
        bad = ORDER | {"symbol": "NOPE"}
        assert [(await ours.refused("POST", "/api/v3/order", **bad))[1] for _ in range(3)] == [-1121, -1121, -1003]


async def test_a_refused_order_and_a_filled_one_do_not_count(client: Any):
    await client.refused("POST", "/api/v3/order", **ORDER | {"quantity": "50"})
    await client.market("BUY", "0.01")
    usage = await client.private("GET", "/api/v3/rateLimit/order")
    assert [row["count"] for row in usage] == [0, 0]


async def test_weight_over_the_limit_is_429_and_going_on_is_418(client: Any):
    limits = Limits(weight_per_minute=30, requests_over_the_limit_before_ban=1)
    async with running_exchange(STEPPED, ServerSettings(enforces_limits=True, limits=limits)) as server:
        ours = type(client)(server, client.session)
        seen = [(await ours.send("GET", "/api/v3/account"))[0::2] for _ in range(4)]
        assert [status for status, _ in seen] == [200, 429, 418, 418]
        assert [headers.get("Retry-After") for _, headers in seen] == [None, "60", "120", "120"]
        server.advance(121)
        await ours.private("GET", "/api/v3/account")


async def test_sapi_answers_or_is_unknown_as_configured(client: Any):
    path = "/sapi/v1/capital/config/getall"
    coins = await client.private("GET", path)
    assert {"BTC", "USDT"} <= {coin["coin"] for coin in coins}
    async with running_exchange(STEPPED, ServerSettings(answers_sapi=False)) as server:
        assert (await type(client)(server, client.session).refused("GET", path))[:2] == (404, -1020)


@pytest.mark.parametrize("may_withdraw", [False, True])
async def test_a_key_may_trade_and_withdraws_only_where_the_exchange_is_told_so(client: Any, may_withdraw: bool):
    async with running_exchange(STEPPED, ServerSettings(keys_may_withdraw=may_withdraw)) as server:
        rights = await type(client)(server, client.session).private("GET", "/sapi/v1/account/apiRestrictions")
    assert (rights["enableSpotAndMarginTrading"], rights["enableWithdrawals"]) == (True, may_withdraw)


@pytest.mark.parametrize(("order_type", "detail"), [("LIMIT", "fills"), ("MARKET", "fills"), ("LIMIT_MAKER", None)])
async def test_the_answer_is_full_for_limit_and_market_and_ack_for_the_rest(
    client: Any, order_type: str, detail: str | None
):
    price = (await client.get("/api/v3/depth", symbol="BTCUSDT"))["bids"][-1][0]
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": order_type, "quantity": "0.01"}
    order |= {"LIMIT": {"price": price, "timeInForce": "GTC"}, "MARKET": {}, "LIMIT_MAKER": {"price": price}}[
        order_type
    ]
    answer = await client.private("POST", "/api/v3/order", **order)
    assert ("fills" in answer) is (detail == "fills")
    assert "orderId" in answer


async def test_a_connection_can_be_kept_alive_for_many_requests(client: Any):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        for _ in range(20):
            async with session.get(client.server.rest_url + "/api/v3/ping") as response:
                assert await response.json() == {}
