"""Faults of sockets do what their names say, over real WebSockets."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest


async def frames(socket: aiohttp.ClientWebSocketResponse, number: int) -> list[dict[str, Any]]:
    return [json.loads((await asyncio.wait_for(socket.receive(), 5)).data) for _ in range(number)]


async def is_cut(socket: aiohttp.ClientWebSocketResponse) -> bool:
    message = await asyncio.wait_for(socket.receive(), 5)
    return message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}


async def nothing_comes(socket: aiohttp.ClientWebSocketResponse) -> bool:
    try:
        await asyncio.wait_for(socket.receive(), 0.3)
    except TimeoutError:
        return True
    return False


async def trade_ids(client: Any, socket: aiohttp.ClientWebSocketResponse, number: int) -> list[int]:
    """Make three small trades and return the ids of the next `number` trade events."""
    for _ in range(3):
        await client.market("BUY", "0.001")
    return [frame["t"] for frame in await frames(socket, number)]


async def test_a_refused_socket_gets_an_http_status(client: Any):
    client.server.faults.add("ws_refuse", path="/ws*", status=503)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.socket("/ws/btcusdt@trade")
    assert refused.value.status == 503
    assert not (await client.socket("/ws/btcusdt@trade")).closed


async def test_a_dropped_socket_ends_without_a_word(client: Any):
    socket = await client.socket("/ws/btcusdt@trade")
    client.server.faults.add("ws_drop", path="btcusdt@trade", nth=2)
    await client.market("BUY", "0.001")
    assert len(await frames(socket, 1)) == 1
    await client.market("BUY", "0.001")
    assert await is_cut(socket)


async def test_a_frozen_socket_stays_open_and_answers_no_ping(client: Any):
    socket = await client.socket("/ws/btcusdt@trade")
    client.server.faults.add("ws_freeze", path="btcusdt@trade")
    await client.market("BUY", "0.001")
    await socket.ping(b"there?")
    await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    assert await nothing_comes(socket)
    assert not socket.closed


async def test_a_silent_socket_answers_requests_but_sends_no_data(client: Any):
    socket = await client.socket("/ws/btcusdt@trade")
    client.server.faults.add("ws_silence", path="btcusdt@trade")
    await client.market("BUY", "0.001")
    await client.market("BUY", "0.001")
    assert await nothing_comes(socket)
    await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    assert (await frames(socket, 1))[0]["id"] == 1


@pytest.mark.parametrize(("kind", "answered"), [("ws_no_pong", False), ("ws_lose", True)])
async def test_a_ping_without_pong(client: Any, kind: str, answered: bool):
    socket = await client.session.ws_connect(client.server.ws_url + "/ws/btcusdt@trade", autoping=False)
    client.server.faults.add(kind, method="PING" if kind == "ws_no_pong" else "EVENT")
    await socket.ping(b"there?")
    assert await nothing_comes(socket) is not answered


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        pytest.param("ws_duplicate", [0, 1, 1, 2], id="twice"),
        pytest.param("ws_reorder", [0, 2, 1], id="out of order"),
        pytest.param("ws_lose", [0, 2], id="lost"),
    ],
)
async def test_events_come_twice_late_or_never(client: Any, kind: str, order: list[int]):
    socket = await client.socket("/ws/btcusdt@trade")
    client.server.faults.add(kind, path="btcusdt@trade", nth=2)
    seen = await trade_ids(client, socket, len(order))
    assert [one - seen[0] for one in seen] == order


async def test_a_subscription_is_refused(client: Any):
    socket = await client.socket("/ws")
    client.server.faults.add("ws_subscribe_error", method="SUBSCRIBE", code=2, msg="Invalid request: no")
    await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
    await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 2})
    refused, accepted = await frames(socket, 2)
    assert refused == {"error": {"code": 2, "msg": "Invalid request: no"}, "id": 1}
    assert accepted == {"result": None, "id": 2}


async def test_a_candle_that_never_closes(client: Any):
    socket = await client.socket("/ws/btcusdt@kline_1m")
    await frames(socket, 1)
    client.server.faults.add("kline_never_closed", path="*@kline_*", count=None)
    client.server.advance(180)
    assert [frame["k"]["x"] for frame in await frames(socket, 3)] == [False] * 3


async def test_a_server_shutdown_is_announced_everywhere_and_then_closes(client: Any):
    raw, combined, api = [await client.socket(path) for path in ("/ws/x@trade", "/stream", "/ws-api/v3")]
    client.server.faults.add("ws_server_shutdown", seconds=0.05)
    assert (await frames(raw, 1))[0]["e"] == "serverShutdown"
    assert (await frames(combined, 1))[0]["stream"] == "!serverShutdown"
    assert (await frames(api, 1))[0]["event"]["e"] == "serverShutdown"
    assert [await is_cut(socket) for socket in (raw, combined, api)] == [True] * 3


async def test_every_socket_closes_after_a_day(client: Any):
    socket = await client.socket("/ws/btcusdt@trade")
    client.server.faults.add("ws_day_close")
    assert await is_cut(socket)


async def test_user_streams_can_be_terminated(client: Any):
    socket = await client.user_socket()
    client.server.faults.add("ws_stream_terminated")
    assert (await frames(socket, 1))[0]["event"]["e"] == "eventStreamTerminated"


async def test_a_terminated_user_stream_can_be_subscribed_again(client: Any):
    socket = await client.user_socket()
    client.server.faults.add("ws_stream_terminated")
    await frames(socket, 1)
    await socket.send_json(client.api_request("userDataStream.subscribe.signature"))
    assert (await frames(socket, 1))[0]["result"] == {"subscriptionId": 1}
