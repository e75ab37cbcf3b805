"""Sockets: subscriptions, what streams tell and when, the WebSocket API's session and user data."""

import asyncio
import base64
import json
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import RunningExchange, running_exchange


async def frame(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return json.loads((await asyncio.wait_for(socket.receive(), 5)).data)


async def ask(socket: aiohttp.ClientWebSocketResponse, **request: Any) -> Any:
    await socket.send_json(request)
    return await frame(socket)


async def test_streams_are_subscribed_listed_and_dropped(client: Any):
    socket = await client.socket("/ws")
    names = ["btcusdt@trade", "ethusdt@kline_1m"]
    assert await ask(socket, method="SUBSCRIBE", params=["btcusdt@trade", "btcusdt@bookTicker"], id=1) == {
        "result": None,
        "id": 1,
    }
    await ask(socket, method="UNSUBSCRIBE", params=["btcusdt@bookTicker"], id="two")
    await ask(socket, method="SUBSCRIBE", params=names[:1], id=3)
    assert (await ask(socket, method="LIST_SUBSCRIPTIONS", id=4))["result"] == names[:1]


async def test_a_combined_stream_wraps_its_events_and_a_raw_one_can_be_told_to(client: Any):
    raw, combined = await client.socket("/ws/btcusdt@trade"), await client.socket("/stream?streams=btcusdt@trade")
    await client.market("BUY", "0.001")
    plain, wrapped = await frame(raw), await frame(combined)
    assert wrapped == {"stream": "btcusdt@trade", "data": plain}
    assert (await ask(raw, method="GET_PROPERTY", params=["combined"], id=1))["result"] is False
    await ask(raw, method="SET_PROPERTY", params=["combined", True], id=2)
    await client.market("BUY", "0.001")
    assert (await frame(raw))["stream"] == "btcusdt@trade"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param({"method": "SUBSCRIBE", "params": [5], "id": 1}, 2, id="stream is no text"),
        pytest.param({"method": "HOPE", "id": 1}, 2, id="method"),
        pytest.param({"id": 1}, 2, id="no method"),
        pytest.param({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}, 1, id="no boolean"),
        pytest.param({"method": "GET_PROPERTY", "params": ["speed"], "id": 1}, 0, id="property"),
        pytest.param({"method": "LIST_SUBSCRIPTIONS", "id": [1]}, 2, id="id"),
    ],
)
async def test_a_bad_stream_request_gets_the_stream_servers_error(client: Any, request_: dict[str, Any], code: int):
    socket = await client.socket("/ws")
    assert (await ask(socket, **request_))["error"]["code"] == code


async def test_more_than_1024_streams_are_refused(client: Any):
    socket = await client.socket("/ws")
    names = [f"s{number}usdt@trade" for number in range(1_025)]
    assert (await ask(socket, method="SUBSCRIBE", params=names, id=1))["error"]["code"] == 2


async def test_every_candle_closes_exactly_once_however_far_the_clock_steps(client: Any):
    socket = await client.socket("/ws/btcusdt@kline_1m")
    opened = (await frame(socket))["k"]["t"]
    client.server.advance(150)
    client.server.advance(20)
    closed: list[int] = []
    while len(closed) < 2:
        candle = (await frame(socket))["k"]
        closed += [candle["t"]] if candle["x"] else []
    assert closed == [opened, opened + 60_000]
    rows = await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=opened, limit=1)
    assert rows[0][0] == opened


async def test_depth_changes_follow_on_each_other_and_build_the_book(client: Any):
    socket = await client.socket("/ws/btcusdt@depth@100ms")
    snapshot = await client.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)
    sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    client.server.advance(1)
    client.server.advance(1)
    last = snapshot["lastUpdateId"]
    final = await client.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)
    while last < final["lastUpdateId"]:
        event = await frame(socket)
        assert event["U"] <= last + 1 <= event["u"]
        last = event["u"]
        for side, book in sides.items():
            for price, quantity in event[side]:
                if float(quantity):
                    book[price] = quantity
                else:
                    book.pop(price, None)
    assert sides == {"b": dict(final["bids"]), "a": dict(final["asks"])}


@pytest.mark.parametrize("stream", ["!miniTicker@arr", "!ticker@arr"])
async def test_the_tickers_of_all_symbols_come_as_one_list(client: Any, stream: str):
    socket = await client.socket(f"/ws/{stream}")
    assert {row["s"] for row in await frame(socket)} == {"BTCUSDT", "ETHUSDT"}


async def test_the_websocket_api_answers_as_rest_does(client: Any):
    socket = await client.socket("/ws-api/v3")
    for method, path, params in (
        ("time", "/api/v3/time", {}),
        ("klines", "/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 3}),
        ("ticker.price", "/api/v3/ticker/price", {"symbol": "BTCUSDT"}),
        ("ticker.book", "/api/v3/ticker/bookTicker", {"symbol": "BTCUSDT"}),
        ("depth", "/api/v3/depth", {"symbol": "BTCUSDT", "limit": 5}),
    ):
        answer = await ask(socket, id="x", method=method, params=params)
        assert (answer["id"], answer["status"]) == ("x", 200)
        assert answer["result"] == await client.get(path, **params)
        assert answer["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
    quiet = await ask(socket, id=1, method="ping", params={"returnRateLimits": False})
    assert quiet == {"id": 1, "status": 200, "result": {}}


async def test_the_websocket_api_trades(client: Any):
    socket = await client.socket("/ws-api/v3")

    async def call(method: str, **params: Any) -> Any:
        return await ask(socket, **client.api_request(method, **params))

    price = (await client.get("/api/v3/depth", symbol="BTCUSDT"))["bids"][-1][0]
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    placed = (await call("order.place", **order, price=price))["result"]
    named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    assert (await call("order.status", **named))["result"]["status"] == "NEW"
    assert len((await call("openOrders.status", symbol="BTCUSDT"))["result"]) == 1
    assert (await call("order.cancel", **named))["result"]["status"] == "CANCELED"
    gone = await call("order.cancel", **named)
    assert (gone["status"], gone["error"]["code"]) == (400, -2011)
    assert (await call("order.test", **order, price=price))["result"] == {}
    assert (await call("account.status"))["result"]["accountType"] == "SPOT"


async def test_user_data_comes_once_per_subscription_and_ends_with_it(client: Any):
    socket = await client.socket("/ws-api/v3")
    subscribed = await ask(socket, **client.api_request("userDataStream.subscribe.signature"))
    assert subscribed["result"] == {"subscriptionId": 0}
    again = await ask(socket, **client.api_request("userDataStream.subscribe.signature"))
    assert again["status"] == 400
    assert (await ask(socket, id=1, method="session.subscriptions"))["result"] == [{"subscriptionId": 0}]
    await client.market("BUY", "0.001")
    first = await frame(socket)
    assert (first["subscriptionId"], first["event"]["x"]) == (0, "NEW")
    while (await frame(socket))["event"]["e"] != "outboundAccountPosition":
        pass
    await socket.send_json({"id": 2, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}})
    while (answer := await frame(socket)).get("id") != 2:
        pass
    assert answer["result"] == {}
    assert client.server.server.users.subscriptions == 0


async def test_a_cancel_reports_both_client_ids(client: Any):
    price = (await client.get("/api/v3/depth", symbol="BTCUSDT"))["bids"][-1][0]
    await client.limit("BUY", "0.01", price, newClientOrderId="mine")
    socket = await client.user_socket()
    named = {"symbol": "BTCUSDT", "origClientOrderId": "mine", "newClientOrderId": "gone"}
    await client.private("DELETE", "/api/v3/order", **named)
    event = (await frame(socket))["event"]
    assert (event["x"], event["c"], event["C"]) == ("CANCELED", "gone", "mine")


async def test_a_session_logs_on_with_ed25519_only(client: Any):
    socket = await client.socket("/ws-api/v3")
    hmac_key = await ask(socket, **client.api_request("session.logon"))
    assert hmac_key["error"]["code"] == -4056
    assert (await ask(socket, id=1, method="userDataStream.subscribe"))["status"] == 401

    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    async with running_exchange(ExchangeOptions(speed=0, keys={"ed": pem})) as server:
        await logon_and_trade(server, client.session, private)


async def logon_and_trade(server: RunningExchange, session: aiohttp.ClientSession, private: Ed25519PrivateKey) -> None:
    socket = await session.ws_connect(server.ws_api_url)
    now_ms = server.exchange.clock.now_us() // 1000
    signature = base64.b64encode(private.sign(f"apiKey=ed&timestamp={now_ms}".encode())).decode()
    params = {"apiKey": "ed", "timestamp": now_ms, "signature": signature}
    status = (await ask(socket, id=1, method="session.logon", params=params))["result"]
    assert (status["apiKey"], status["authorizedSince"]) == ("ed", now_ms)
    assert (await ask(socket, id=2, method="userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "timestamp": now_ms}
    await socket.send_json({"id": 3, "method": "order.place", "params": order})
    events = []
    while (answer := await frame(socket)).get("id") != 3:
        events.append(answer["event"]["e"])
    assert answer["result"]["status"] == "FILLED"
    assert {"executionReport", "outboundAccountPosition"} <= set(events)
    assert (await ask(socket, id=4, method="session.logout"))["result"]["apiKey"] is None


async def test_a_client_that_floods_a_stream_socket_is_dropped():
    async with running_exchange(ExchangeOptions(speed=1)) as server, aiohttp.ClientSession() as session:
        socket = await session.ws_connect(server.ws_url + "/ws")
        for number in range(20):
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
        kinds = [(await asyncio.wait_for(socket.receive(), 5)).type for _ in range(6)]
        assert aiohttp.WSMsgType.CLOSE in kinds


async def test_a_socket_that_is_a_day_old_is_closed(client: Any):
    socket = await client.socket("/ws/nothing@trade")
    clock = client.server.exchange.clock
    with clock.at(clock.now_us() + 86_400_000_000):
        client.server.server.sockets.look_after_all()
    assert (await asyncio.wait_for(socket.receive(), 5)).type is aiohttp.WSMsgType.CLOSE
