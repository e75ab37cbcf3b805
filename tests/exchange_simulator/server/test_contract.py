"""Every answer and every event has the fields, and the kinds of values, that Binance's documentation shows.

The shapes under `contract/` are written from the documentation's examples: a name with `?` may be absent, a list holds
the shape of its items, `row` begins a list of fixed positions.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from exchange_simulator.server.routes import REST as ROUTES
from exchange_simulator.server.routes import WS_API

HERE = Path(__file__).parent / "contract"
REST: dict[str, Any] = json.loads((HERE / "rest.json").read_text())
EVENTS: dict[str, Any] = json.loads((HERE / "events.json").read_text())
FILTERS: dict[str, Any] = json.loads((HERE / "filters.json").read_text())
DECIMAL = re.compile(r"-?\d+(\.\d+)?")
BTC = {"symbol": "BTCUSDT"}
TWINS = {  # endpoints that answer as another one does
    "GET /api/v3/uiKlines": "GET /api/v3/klines",
    "GET /api/v3/historicalTrades": "GET /api/v3/trades",
    "POST /api/v3/order/oco": "POST /api/v3/orderList/oco",
}
RATE_LIMITS = [{"rateLimitType": "text", "interval": "text", "intervalNum": "int", "limit": "int", "count": "int"}]


def differences(value: Any, shape: Any, where: str = "$") -> list[str]:
    """Say where a value is not of its shape."""
    if isinstance(shape, dict):
        return _object_differences(value, shape, where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where}: a list was expected, not {value!r}"]
        if shape and shape[0] == "row":
            if len(value) != len(shape) - 1:
                return [f"{where}: {len(shape) - 1} positions were expected, not {len(value)}"]
            pairs = zip(value, shape[1:], strict=True)
            return [d for n, (item, kind) in enumerate(pairs) for d in differences(item, kind, f"{where}[{n}]")]
        return [d for n, item in enumerate(value) for d in differences(item, shape[0], f"{where}[{n}]")]
    return [] if _is_kind(value, shape) else [f"{where}: {shape} was expected, not {value!r}"]


def _object_differences(value: Any, shape: dict[str, Any], where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: an object was expected, not {value!r}"]
    known = {name.rstrip("?"): inner for name, inner in shape.items()}
    found = [f"{where}.{name}: missing" for name in shape if not name.endswith("?") and name not in value]
    found += [f"{where}.{name}: not documented" for name in value if name not in known]
    return found + [
        d for name, item in value.items() if name in known for d in differences(item, known[name], f"{where}.{name}")
    ]


def _is_kind(value: Any, kind: str) -> bool:
    match kind:
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "decimal":
            return isinstance(value, str) and DECIMAL.fullmatch(value) is not None
        case "text":
            return isinstance(value, str)
        case "text or null":
            return value is None or isinstance(value, str)
        case "filter":
            return not differences(value, FILTERS[value["filterType"]])
    raise ValueError(f"no kind is called {kind!r}")


async def price_below(client: Any, part: float = 0.97) -> str:
    book = await client.get("/api/v3/depth", **BTC)
    return f"{float(book['bids'][0][0]) * part:.2f}"


async def resting(client: Any, **more: Any) -> dict[str, Any]:
    return await client.limit("BUY", "0.01", await price_below(client), **more)


async def oco(client: Any, **more: Any) -> dict[str, Any]:
    price = float((await client.get("/api/v3/ticker/price", **BTC))["price"])
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": f"{price * 1.03:.2f}"}
    legs |= {"belowType": "STOP_LOSS", "belowStopPrice": f"{price * 0.97:.2f}"}
    return await client.private("POST", "/api/v3/orderList/oco", **BTC, side="SELL", quantity="0.01", **legs, **more)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        pytest.param("GET /api/v3/ping", {}, id="ping"),
        pytest.param("GET /api/v3/time", {}, id="time"),
        pytest.param("GET /api/v3/exchangeInfo", {}, id="exchangeInfo"),
        pytest.param("GET /api/v3/depth", BTC, id="depth"),
        pytest.param("GET /api/v3/trades", BTC, id="trades"),
        pytest.param("GET /api/v3/historicalTrades", BTC, id="historicalTrades"),
        pytest.param("GET /api/v3/uiKlines", BTC | {"interval": "1m"}, id="uiKlines"),
        pytest.param("GET /api/v3/aggTrades", BTC, id="aggTrades"),
        pytest.param("GET /api/v3/klines", BTC | {"interval": "1m"}, id="klines"),
        pytest.param("GET /api/v3/avgPrice", BTC, id="avgPrice"),
        pytest.param("GET /api/v3/ticker/24hr", BTC, id="ticker/24hr"),
        pytest.param("GET /api/v3/ticker/24hr type=MINI", BTC | {"type": "MINI"}, id="ticker/24hr MINI"),
        pytest.param("GET /api/v3/ticker/price", BTC, id="ticker/price"),
        pytest.param("GET /api/v3/ticker/bookTicker", BTC, id="ticker/bookTicker"),
    ],
)
async def test_market_data_has_the_documented_shape(client: Any, name: str, params: dict[str, str]):
    client.server.advance(5)
    answer = await client.get(name.split()[1], **params)
    assert answer or name == "GET /api/v3/ping"
    assert differences(answer, REST[TWINS.get(name, name)]) == []


def test_every_endpoint_has_a_documented_shape():
    shaped = {" ".join(name.split()[:2]) for name in REST}
    assert {f"{method} {path}" for method, path in ROUTES} == shaped | set(TWINS)


async def test_a_wrong_shape_is_found():
    shape = REST["GET /api/v3/aggTrades"]
    right = {"a": 1, "p": "1.0", "q": "1.0", "f": 1, "l": 1, "T": 1, "m": True, "M": True}
    assert differences([right], shape) == []
    for wrong in ({"a": "1"}, {"p": 1.0}, {"m": 1}, {"more": 1}):
        assert differences([right | wrong], shape)
    assert differences([{name: value for name, value in right.items() if name != "T"}], shape) == ["$[0].T: missing"]


@pytest.mark.parametrize("detail", ["ACK", "RESULT", "FULL"])
@pytest.mark.parametrize("kind", ["LIMIT", "MARKET"])
async def test_a_new_order_answers_in_the_documented_shape(client: Any, detail: str, kind: str):
    if kind == "LIMIT":
        answer = await resting(client, newOrderRespType=detail)
    else:
        answer = await client.market("BUY", "0.01", newOrderRespType=detail)
    assert differences(answer, REST[f"POST /api/v3/order {detail}"]) == []


async def test_orders_have_the_documented_shape(client: Any):
    order = await resting(client)
    await client.market("BUY", "0.01")
    named = BTC | {"orderId": order["orderId"]}
    for path, params in (("order", named), ("openOrders", BTC), ("allOrders", BTC), ("myTrades", BTC)):
        answer = await client.private("GET", f"/api/v3/{path}", **params)
        assert answer
        assert differences(answer, REST[f"GET /api/v3/{path}"]) == []
    answer = await client.private("DELETE", "/api/v3/order", **named)
    assert differences(answer, REST["DELETE /api/v3/order"]) == []
    await resting(client)
    answer = await client.private("DELETE", "/api/v3/openOrders", **BTC)
    assert differences(answer, REST["DELETE /api/v3/openOrders"]) == []


async def test_a_test_order_has_the_documented_shape(client: Any):
    order = BTC | {"side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert await client.private("POST", "/api/v3/order/test", **order) == {}
    rates = await client.private("POST", "/api/v3/order/test", **order, computeCommissionRates="true")
    assert differences(rates, REST["POST /api/v3/order/test rates"]) == []


async def test_cancel_and_replace_has_the_documented_shape(client: Any):
    order, price = await resting(client), await price_below(client, 0.96)
    new = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": price}
    wanted = BTC | new | {"cancelReplaceMode": "STOP_ON_FAILURE"}
    path = "/api/v3/order/cancelReplace"
    answer = await client.private("POST", path, **wanted, cancelOrderId=order["orderId"])
    assert differences(answer, REST["POST /api/v3/order/cancelReplace"]) == []
    status, failed, _ = await client.send("POST", path, **wanted, cancelOrderId=order["orderId"])
    assert (status, failed["code"]) == (400, -2022)
    assert failed["data"] == {
        "cancelResult": "FAILURE",
        "newOrderResult": "NOT_ATTEMPTED",
        "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
        "newOrderResponse": None,
    }


@pytest.mark.parametrize(
    ("more", "present"),
    [
        pytest.param({"type": "STOP_LOSS", "stopPrice": 0.97}, {"stopPrice"}, id="stop"),
        pytest.param({"type": "STOP_LOSS", "trailingDelta": "100"}, {"trailingDelta", "trailingTime"}, id="trailing"),
        pytest.param({"type": "MARKET", "strategyId": "7"}, {"strategyId"}, id="strategy"),
        pytest.param({"type": "MARKET", "strategyType": "1000000"}, {"strategyType"}, id="type of strategy"),
    ],
)
async def test_fields_that_only_some_orders_have_are_there_when_they_should(
    client: Any, more: dict[str, Any], present: set[str]
):
    if "stopPrice" in more:
        more = more | {"stopPrice": await price_below(client, more["stopPrice"])}
    order = BTC | {"side": "SELL", "quantity": "0.01", "newOrderRespType": "RESULT"} | more
    placed = await client.private("POST", "/api/v3/order", **order)
    assert differences(placed, REST["POST /api/v3/order RESULT"]) == []
    read = await client.private("GET", "/api/v3/order", **BTC, orderId=placed["orderId"])
    assert differences(read, REST["GET /api/v3/order"]) == []
    assert present <= placed.keys() & read.keys()


async def test_order_lists_have_the_documented_shape(client: Any):
    placed = await oco(client)
    assert differences(placed, REST["POST /api/v3/orderList/oco"]) == []
    named = {"orderListId": placed["orderListId"]}
    for path, params in (("orderList", named), ("allOrderList", {}), ("openOrderList", {})):
        answer = await client.private("GET", f"/api/v3/{path}", **params)
        assert answer
        assert differences(answer, REST[f"GET /api/v3/{path}"]) == []
    answer = await client.private("DELETE", "/api/v3/orderList", **BTC, **named)
    assert differences(answer, REST["DELETE /api/v3/orderList"]) == []


@pytest.mark.parametrize(
    ("path", "params"),
    [("account", {}), ("account/commission", BTC), ("rateLimit/order", {}), ("myFilters", BTC)],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_account_has_the_documented_shape(client: Any, path: str, params: dict[str, str]):
    answer = await client.private("GET", f"/api/v3/{path}", **params)
    assert differences(answer, REST[f"GET /api/v3/{path}"]) == []


@pytest.mark.parametrize("detail", ["ACK", "RESULT", "FULL"])
async def test_the_reports_of_an_order_list_have_the_detail_asked_for(client: Any, detail: str):
    placed = await oco(client, newOrderRespType=detail)
    assert differences(placed["orderReports"], [REST[f"POST /api/v3/order {detail}"]]) == []


async def test_the_old_form_of_an_oco_answers_as_the_new_one(client: Any):
    price = float((await client.get("/api/v3/ticker/price", **BTC))["price"])
    legs = {"price": f"{price * 1.03:.2f}", "stopPrice": f"{price * 0.97:.2f}"}
    answer = await client.private("POST", "/api/v3/order/oco", **BTC, side="SELL", quantity="0.01", **legs)
    assert differences(answer, REST["POST /api/v3/orderList/oco"]) == []


NEW_ORDER = BTC | {"side": "BUY", "type": "MARKET", "quantity": "0.01"}
KLINES = BTC | {"interval": "1m", "limit": 3}
WS_MARKET: dict[str, dict[str, Any]] = {
    "ping": {}, "time": {}, "exchangeInfo": {}, "depth": BTC, "trades.recent": BTC, "trades.historical": BTC,
    "trades.aggregate": BTC, "klines": KLINES, "uiKlines": KLINES, "avgPrice": BTC, "ticker.24hr": BTC,
    "ticker.price": BTC, "ticker.book": BTC,
}  # fmt: skip
WS_PRIVATE: dict[str, dict[str, Any]] = {
    "account.status": {}, "account.commission": BTC, "account.rateLimits.orders": {}, "order.place": NEW_ORDER,
    "order.test": NEW_ORDER | {"computeCommissionRates": "true"}, "order.status": BTC, "allOrders": BTC, "myTrades": BTC,
    "openOrders.status": BTC, "myFilters": BTC, "order.cancelReplace": NEW_ORDER, "order.cancel": BTC,
    "openOrders.cancelAll": BTC, "orderList.place.oco": {}, "orderList.status": {}, "allOrderLists": {},
    "openOrderLists.status": {}, "orderList.cancel": BTC,
}  # fmt: skip
OF_AN_ORDER = ("order.status", "order.cancel")
OF_A_LIST = ("orderList.status", "orderList.cancel", "allOrderLists", "openOrderLists.status")
SUFFIX = {"order.place": " FULL", "order.test": " rates"}


def test_every_method_of_the_websocket_api_is_compared():
    assert WS_API.keys() == WS_MARKET.keys() | WS_PRIVATE.keys()


async def params_for(client: Any, method: str) -> dict[str, Any]:
    """What a private method needs, with the order or the list that it is about."""
    params = WS_PRIVATE[method]
    if method in OF_AN_ORDER or method.startswith("openOrders."):
        placed = await resting(client)
        return params | {"orderId": placed["orderId"]} if method in OF_AN_ORDER else params
    if method == "order.cancelReplace":
        return params | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": (await resting(client))["orderId"]}
    if method == "orderList.place.oco":
        price = float((await client.get("/api/v3/ticker/price", **BTC))["price"])
        above = {"aboveType": "LIMIT_MAKER", "abovePrice": f"{price * 1.03:.2f}"}
        below = {"belowType": "STOP_LOSS", "belowStopPrice": f"{price * 0.97:.2f}"}
        return BTC | {"side": "SELL", "quantity": "0.01"} | above | below
    if method in OF_A_LIST:
        list_id = (await oco(client))["orderListId"]
        return params | {"orderListId": list_id} if method.startswith("orderList.") else params
    await client.market("BUY", "0.01")
    return params


@pytest.mark.parametrize("method", [*WS_MARKET, *WS_PRIVATE])
async def test_the_websocket_api_answers_in_the_documented_shape(client: Any, method: str):
    client.server.advance(5)
    if method in WS_MARKET:
        request = {"id": "a", "method": method, "params": WS_MARKET[method]}
    else:
        request = client.api_request(method, **await params_for(client, method))
    socket = await client.socket("/ws-api/v3")
    await socket.send_json(request)
    answer = await next_frame(socket)
    assert answer.keys() == {"id", "status", "result", "rateLimits"}, answer
    assert (answer["id"], answer["status"]) == (request["id"], 200)
    assert differences(answer["rateLimits"], RATE_LIMITS) == []
    endpoint = next(" ".join(route) for route, operation in ROUTES.items() if operation is WS_API[method])
    name = endpoint + SUFFIX.get(method, "")
    assert answer["result"] or method == "ping"
    assert differences(answer["result"], REST[TWINS.get(name, name)]) == []


async def next_frame(socket: Any) -> Any:
    return json.loads((await asyncio.wait_for(socket.receive(), 5)).data)


@pytest.mark.parametrize(
    "stream",
    [
        name
        for name in EVENTS
        if (name[0].islower() and "@" in name)
        or name in {"trade", "aggTrade", "kline_1m", "miniTicker", "ticker", "bookTicker", "depth5", "avgPrice"}
    ],
)
async def test_a_market_event_has_the_documented_shape(client: Any, stream: str):
    socket = await client.socket(f"/ws/btcusdt@{stream}")
    client.server.advance(3)
    assert differences(await next_frame(socket), EVENTS[stream]) == []


async def test_user_events_have_the_documented_shape(client: Any):
    socket = await client.user_socket()
    await resting(client)
    await client.market("BUY", "0.01")
    await oco(client)
    await client.private("DELETE", "/api/v3/openOrders", **BTC)
    client.server.faults.add("deposit", asset="USDT", amount="5")
    client.server.faults.add("external_lock", asset="USDT", amount="5")
    seen: set[str] = set()
    wanted = {"executionReport", "outboundAccountPosition", "balanceUpdate", "externalLockUpdate", "listStatus"}
    while seen != wanted:
        frame = await next_frame(socket)
        assert frame.keys() == {"subscriptionId", "event"}
        assert differences(frame["event"], EVENTS[frame["event"]["e"]]) == []
        seen.add(frame["event"]["e"])
