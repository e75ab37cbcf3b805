"""Every fault does what its name says, over real HTTP and real sockets."""

import asyncio
import json
import math
import time
from typing import Any

import aiohttp
import pytest

from exchange_simulator.server.faults.kinds import KINDS
from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import running_exchange

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
CUT = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError)


@pytest.fixture
async def resting_price(client: Any) -> str:
    """A price at which a buy rests and is allowed."""
    book = await client.get("/api/v3/depth", symbol="BTCUSDT")
    return f"{float(book['bids'][0][0]) * 0.97:.2f}"


async def raw_answer(client: Any, **order: Any) -> tuple[int, str]:
    """Send an order with python's own eyes: status and text of whatever comes back."""
    url = client.server.rest_url + "/api/v3/order?" + client.signed(**ORDER, **order)
    headers = {"X-MBX-APIKEY": client.server.address.api_key}
    async with client.session.post(url, headers=headers) as response:
        return response.status, await response.text()


async def number_of_orders(client: Any) -> int:
    return len(await client.private("GET", "/api/v3/allOrders", symbol="BTCUSDT"))


def test_every_kind_of_fault_has_a_test_here():
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123
        text = file.read()
    assert [name for name in KINDS if f'"{name}"' not in text] == []


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "close", "truncate"])
async def test_a_cut_answer_leaves_the_order_executed_or_not(client: Any, resting_price: str, kind: str, phase: str):
    client.server.faults.add(kind, method="POST", path="/api/v3/order", phase=phase)
    with pytest.raises(CUT):
        await raw_answer(client, price=resting_price)
    assert await number_of_orders(client) == (1 if phase == "after" else 0)


async def test_no_answer_comes_and_the_order_is_there(client: Any, resting_price: str):
    client.server.faults.add("no_answer", path="/api/v3/order", seconds=0.3)
    with pytest.raises(CUT):
        await raw_answer(client, price=resting_price)
    assert await number_of_orders(client) == 1


async def test_a_delay_answers_late(client: Any, resting_price: str):
    client.server.faults.add("delay", path="/api/v3/order", seconds=0.3)
    began = time.monotonic()
    await client.limit("BUY", "0.01", resting_price)
    assert time.monotonic() - began >= 0.3


async def test_a_slow_drip_arrives_whole(client: Any, resting_price: str):
    client.server.faults.add("slow_drip", path="/api/v3/order", pieces=5, seconds=0.3)
    began = time.monotonic()
    assert (await client.limit("BUY", "0.01", resting_price))["status"] == "NEW"
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("kind", "status", "begin"),
    [
        pytest.param("html", 200, "<!DOCTYPE html>", id="html"),
        pytest.param("empty", 200, "", id="empty"),
        pytest.param("empty_object", 200, "{}", id="empty object"),
        pytest.param("empty_list", 200, "[]", id="empty list"),
        pytest.param("null", 200, "null", id="null"),
        pytest.param("half_json", 200, '{"symbol":"BTCUSDT"', id="half JSON"),
        pytest.param("wrong_shape", 200, '["BTCUSDT",', id="wrong shape"),
        pytest.param("duplicate_fields", 200, '{"symbol":"BTCUSDT","symbol":null', id="fields twice"),
        pytest.param("null_fields", 200, '{"symbol":null', id="null fields"),
        pytest.param("nan_numbers", 200, '{"symbol": "BTCUSDT", "orderId": NaN', id="NaN"),
    ],
)
async def test_garbage_instead_of_an_answer_and_the_order_is_there(
    client: Any, resting_price: str, kind: str, status: int, begin: str
):
    client.server.faults.add(kind, method="POST")
    answered, text = await raw_answer(client, price=resting_price)
    assert answered == status
    assert text.startswith(begin)
    assert bool(text) == bool(begin)
    assert await number_of_orders(client) == 1


@pytest.mark.parametrize(
    ("kind", "rule", "status", "code"),
    [
        pytest.param("error", {"status": 503, "code": -1008, "msg": "busy"}, 503, -1008, id="error"),
        pytest.param("too_many_requests", {"retry_after": 7}, 429, -1003, id="too many requests"),
        pytest.param("status_unknown", {"phase": "before"}, 408, -1007, id="unknown, not executed"),
        pytest.param("outside_recv_window", {}, 400, -1021, id="outside recvWindow"),
        pytest.param("key_revoked", {}, 401, -2015, id="key revoked"),
        pytest.param("reject_order", {}, 400, -2010, id="rejected"),
        pytest.param("maintenance", {}, 503, -1016, id="maintenance"),
    ],
)
async def test_a_refusal_before_execution_leaves_nothing(
    client: Any, resting_price: str, kind: str, rule: dict[str, Any], status: int, code: int
):
    client.server.faults.add(kind, method="POST", **rule)
    answered, answer, headers = await client.send("POST", "/api/v3/order", **ORDER, price=resting_price)
    assert (answered, answer["code"]) == (status, code)
    assert headers.get("Retry-After") == ("7" if kind == "too_many_requests" else None)
    assert await number_of_orders(client) == 0


async def test_an_unknown_status_after_execution_hides_an_order_that_is_there(client: Any, resting_price: str):
    client.server.faults.add("status_unknown", method="POST")
    assert (await client.refused("POST", "/api/v3/order", **ORDER, price=resting_price))[:2] == (408, -1007)
    assert await number_of_orders(client) == 1


async def test_a_ban_holds_for_every_call_until_it_is_over(client: Any):
    client.server.faults.add("ban", path="/api/v3/account", seconds=60)
    assert (await client.refused("GET", "/api/v3/account"))[:2] == (418, -1003)
    status, _, headers = await client.send("GET", "/api/v3/openOrders", symbol="BTCUSDT")
    assert (status, headers["Retry-After"]) == (418, "60")
    client.server.advance(61)
    await client.private("GET", "/api/v3/account")


async def test_the_firewall_answers_403_with_a_page(client: Any, resting_price: str):
    client.server.faults.add("firewall", method="POST")
    status, text = await raw_answer(client, price=resting_price)
    assert status == 403
    assert "<html>" in text
    assert await number_of_orders(client) == 0


async def test_read_lag_shows_the_account_as_it_was(client: Any, resting_price: str):
    client.server.faults.add("read_lag", method="POST", lag=5, seconds=60)
    order = await client.limit("BUY", "0.01", resting_price)
    named = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert await client.private("GET", "/api/v3/openOrders", symbol="BTCUSDT") == []
    assert (await client.refused("GET", "/api/v3/order", **named))[1] == -2013
    balances = (await client.private("GET", "/api/v3/account"))["balances"]
    assert {b["locked"] for b in balances} == {"0.00000000"}
    client.server.advance(6)
    assert (await client.private("GET", "/api/v3/order", **named))["status"] == "NEW"
    await client.private("DELETE", "/api/v3/order", **named)
    assert (await client.private("GET", "/api/v3/order", **named))["status"] == "NEW"
    client.server.advance(6)
    assert (await client.private("GET", "/api/v3/order", **named))["status"] == "CANCELED"


async def test_a_not_found_window_hides_young_orders(client: Any, resting_price: str):
    client.server.faults.add("not_found_window", method="POST", age=3, seconds=60)
    order = await client.limit("BUY", "0.01", resting_price)
    named = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert (await client.refused("GET", "/api/v3/order", **named))[1] == -2013
    client.server.advance(4)
    assert (await client.private("GET", "/api/v3/order", **named))["orderId"] == order["orderId"]


async def test_stale_open_orders_still_show_a_canceled_order(client: Any, resting_price: str):
    order = await client.limit("BUY", "0.01", resting_price)
    client.server.faults.add("stale_open_orders", method="DELETE", seconds=10)
    await client.private("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order["orderId"])
    assert len(await client.private("GET", "/api/v3/openOrders", symbol="BTCUSDT")) == 1
    client.server.advance(11)
    assert await client.private("GET", "/api/v3/openOrders", symbol="BTCUSDT") == []


async def test_a_constant_read_lag_hides_an_order_until_it_has_passed(client: Any, resting_price: str):
    options = ExchangeOptions(speed=0, start="2026-01-15T12:00:00Z", seed=11, read_lag_ms=2_000)
    async with running_exchange(options) as server:
        lagging = type(client)(server, client.session)
        await lagging.limit("BUY", "0.01", resting_price)
        assert await lagging.private("GET", "/api/v3/openOrders", symbol="BTCUSDT") == []
        server.advance(3)
        assert len(await lagging.private("GET", "/api/v3/openOrders", symbol="BTCUSDT")) == 1


async def test_a_fault_that_has_become_impossible_is_a_line_of_the_journal_and_hurts_nobody(client: Any):
    client.server.faults.add("expire_order", path="/api/v3/account", phase="before")
    await client.private("GET", "/api/v3/account")
    kinds = [json.loads(line)["kind"] for line in client.server.exchange.journal.since(0)]
    assert kinds.count("fault_impossible") == 1


async def candles(client: Any) -> list[list[Any]]:
    async with client.session.get(
        client.server.rest_url + "/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1m", "limit": 20}
    ) as response:
        return json.loads(await response.text())


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        pytest.param("kline_late", lambda good, bad: bad == good[:-2], id="late"),
        pytest.param("kline_missing", lambda good, bad: bad == good[:-2] + good[-1:], id="missing"),
        pytest.param("kline_duplicate", lambda good, bad: bad == good[:-1] + good[-2:], id="twice"),
        pytest.param("kline_revised", lambda good, bad: float(bad[-2][4]) > float(good[-2][4]), id="revised"),
        pytest.param("kline_zero_volume", lambda _, bad: bad[-2][5] == "0.00000000" and bad[-2][8] == 0, id="empty"),
        pytest.param("kline_spike", lambda good, bad: float(bad[-2][2]) > 9 * float(good[-2][2]), id="spike"),
        pytest.param("kline_nan", lambda _, bad: math.isnan(float(bad[-2][4])), id="NaN"),
    ],
)
async def test_candles_are_hurt_once(client: Any, kind: str, check: Any):
    good = await candles(client)
    client.server.faults.add(kind, path="/api/v3/klines")
    bad = await candles(client)
    assert check(good, bad)
    assert await candles(client) == good


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


async def test_a_partial_fill_from_another_trader(client: Any, resting_price: str):
    order = await client.limit("BUY", "0.01", resting_price)
    client.server.faults.add("partial_fill", percent=40)
    seen = await client.private("GET", "/api/v3/order", symbol="BTCUSDT", orderId=order["orderId"])
    assert (seen["status"], seen["executedQty"]) == ("PARTIALLY_FILLED", "0.00400000")


async def test_an_order_fills_during_its_cancel(client: Any, resting_price: str):
    order = await client.limit("BUY", "0.01", resting_price)
    named = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    client.server.faults.add("fill_during_cancel", method="DELETE", phase="before")
    assert (await client.refused("DELETE", "/api/v3/order", **named))[1:] == (-2011, "Unknown order sent.")
    assert (await client.private("GET", "/api/v3/order", **named))["status"] == "FILLED"


@pytest.mark.parametrize(
    ("kind", "status"), [("expire_order", "EXPIRED"), ("exchange_cancel", "CANCELED"), ("manual_cancel", "CANCELED")]
)
async def test_an_order_ends_without_the_client(client: Any, resting_price: str, kind: str, status: str):
    order = await client.limit("BUY", "0.01", resting_price)
    client.server.faults.add(kind)
    seen = await client.private("GET", "/api/v3/order", symbol="BTCUSDT", orderId=order["orderId"])
    assert seen["status"] == status


async def test_a_manual_order_appears_in_the_account(client: Any):
    client.server.faults.add("manual_order", symbol="BTCUSDT", side="BUY", quantity="0.01")
    (order,) = await client.private("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert (order["type"], order["status"]) == ("MARKET", "FILLED")


async def balance(client: Any, asset: str) -> tuple[float, float]:
    held = (await client.private("GET", "/api/v3/account"))["balances"]
    return next(((float(b["free"]), float(b["locked"])) for b in held if b["asset"] == asset), (0.0, 0.0))


async def test_deposits_withdrawals_and_locks_move_the_balance(client: Any):
    before, _ = await balance(client, "USDT")
    client.server.faults.add("deposit", asset="USDT", amount="50")
    client.server.faults.add("withdraw", asset="USDT", amount="20")
    client.server.faults.add("external_lock", asset="USDT", amount="5")
    assert await balance(client, "USDT") == (before + 25, 5)
    client.server.faults.add("external_lock", asset="USDT", amount="-5")
    assert await balance(client, "USDT") == (before + 30, 0)
    client.server.faults.add("bnb_drained")
    assert await balance(client, "BNB") == (0, 0)


async def test_the_fee_asset_switches_to_bnb_and_falls_back_when_it_runs_out(client: Any):
    async def fee_asset() -> str:
        return (await client.market("BUY", "0.01"))["fills"][0]["commissionAsset"]

    assert await fee_asset() == "BTC"
    client.server.faults.add("fee_asset_switch", pay_in_bnb=True)
    assert await fee_asset() == "BNB"
    client.server.faults.add("bnb_drained")
    assert await fee_asset() == "BTC"


@pytest.mark.parametrize(
    ("kind", "status"), [("halt", "HALT"), ("break", "BREAK"), ("cancel_only", "CANCEL_ONLY"), ("trading", "TRADING")]
)
async def test_a_symbol_changes_its_status(client: Any, resting_price: str, kind: str, status: str):
    client.server.faults.add(kind, symbol="BTCUSDT")
    info = await client.get("/api/v3/exchangeInfo", symbol="BTCUSDT")
    assert info["symbols"][0]["status"] == status
    answered, answer, _ = await client.send("POST", "/api/v3/order", **ORDER, price=resting_price)
    assert (answered == 200) is (kind == "trading")
    assert kind == "trading" or answer["msg"]


async def test_a_removed_symbol_is_unknown_everywhere(client: Any):
    client.server.faults.add("remove_symbol", symbol="BTCUSDT")
    assert [s["symbol"] for s in (await client.get("/api/v3/exchangeInfo"))["symbols"]] == ["ETHUSDT"]
    assert (await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1m"))["code"] == -1121


async def test_a_filter_change_refuses_what_was_allowed(client: Any, resting_price: str):
    client.server.faults.add("filter_change", symbol="BTCUSDT", filters={"stepSize": "0.1", "minQty": "0.1"})
    refused = await client.refused("POST", "/api/v3/order", **ORDER, price=resting_price)
    assert refused[1:] == (-1013, "Filter failure: LOT_SIZE")


async def test_a_spike_moves_the_price(client: Any):
    before = float((await client.get("/api/v3/ticker/price", symbol="BTCUSDT"))["price"])
    client.server.faults.add("spike", symbol="BTCUSDT", percent=5)
    client.server.advance(20)
    candle = (await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=1))[0]
    assert float(candle[2]) > before * 1.03


async def test_clock_skew_shows_in_the_server_time(client: Any):
    before = (await client.get("/api/v3/time"))["serverTime"]
    client.server.faults.add("clock_skew", offset_ms=90_000)
    assert (await client.get("/api/v3/time"))["serverTime"] - before == 90_000
