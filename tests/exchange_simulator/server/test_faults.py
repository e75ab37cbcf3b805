"""Faults of answers, refusals, reads and candles do what their names say, over real HTTP."""

import json
import math
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exchange_simulator.server.faults.kinds import KINDS
from exchange_simulator.server.options import ExchangeOptions
from exchange_simulator.server.running import running_exchange

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
CUT = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError)


async def raw_answer(client: Any, **order: Any) -> tuple[int, str]:
    """Send an order with python's own eyes: status and text of whatever comes back."""
    url = client.server.rest_url + "/api/v3/order?" + client.signed(**ORDER, **order)
    headers = {"X-MBX-APIKEY": client.server.address.api_key}
    async with client.session.post(url, headers=headers) as response:
        return response.status, await response.text()


async def number_of_orders(client: Any) -> int:
    return len(await client.private("GET", "/api/v3/allOrders", symbol="BTCUSDT"))


def test_every_kind_of_fault_has_a_test():
    text = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*faults.py"))
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
