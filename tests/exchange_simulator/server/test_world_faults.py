"""World faults do what their names say to orders, accounts and symbols."""

from typing import Any

import pytest

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}


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
