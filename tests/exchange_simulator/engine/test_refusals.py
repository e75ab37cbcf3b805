"""Every refusal of the engine: code and text as Binance sends them."""

import pytest

from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.instrument import SymbolStatus
from exchange_simulator.engine.numbers import SCALE, parse
from exchange_simulator.engine.orders import OrderType

LIMIT = {"quantity": "1", "price": "100"}


def refusal(call):
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("rules", "side", "kind", "values", "name"),
    [
        pytest.param(
            {}, "BUY", "LIMIT", {"quantity": "1", "price": "100.001"}, "PRICE_FILTER", id="price off the tick"
        ),
        pytest.param(
            {"min_price": parse("50")},
            "BUY",
            "LIMIT",
            {"quantity": "1", "price": "49"},
            "PRICE_FILTER",
            id="price below the minimum",
        ),
        pytest.param(
            {"max_price": parse("150")},
            "SELL",
            "LIMIT",
            {"quantity": "1", "price": "151"},
            "PRICE_FILTER",
            id="price above the maximum",
        ),
        pytest.param(
            {},
            "SELL",
            "STOP_LOSS",
            {"quantity": "1", "stop_price": "90.001"},
            "PRICE_FILTER",
            id="stop price off the tick",
        ),
        pytest.param(
            {}, "BUY", "LIMIT", {"quantity": "1", "price": "501"}, "PERCENT_PRICE_BY_SIDE", id="bid too far up"
        ),
        pytest.param(
            {}, "SELL", "LIMIT", {"quantity": "1", "price": "19.99"}, "PERCENT_PRICE_BY_SIDE", id="ask too far down"
        ),
        pytest.param(
            {}, "BUY", "LIMIT", {"quantity": "0.000001", "price": "100"}, "LOT_SIZE", id="quantity off the step"
        ),
        pytest.param(
            {"min_qty": parse("0.5")},
            "BUY",
            "LIMIT",
            {"quantity": "0.4", "price": "100"},
            "LOT_SIZE",
            id="quantity below the minimum",
        ),
        pytest.param(
            {"max_qty": parse("5")},
            "BUY",
            "LIMIT",
            {"quantity": "6", "price": "100"},
            "LOT_SIZE",
            id="quantity above the maximum",
        ),
        pytest.param({}, "BUY", "LIMIT", {"quantity": "0", "price": "100"}, "LOT_SIZE", id="nothing"),
        pytest.param(
            {"market_max_qty": parse("2")},
            "SELL",
            "MARKET",
            {"quantity": "3"},
            "MARKET_LOT_SIZE",
            id="market quantity above its maximum",
        ),
        pytest.param(
            {"market_min_qty": parse("2")},
            "SELL",
            "MARKET",
            {"quantity": "1"},
            "MARKET_LOT_SIZE",
            id="market quantity below its minimum",
        ),
        pytest.param(
            {"market_step_size": parse("0.1")},
            "SELL",
            "MARKET",
            {"quantity": "0.15"},
            "MARKET_LOT_SIZE",
            id="market quantity off its step",
        ),
        pytest.param({}, "BUY", "LIMIT", {"quantity": "0.04", "price": "100"}, "NOTIONAL", id="worth too little"),
        pytest.param(
            {"max_notional": parse("500")},
            "BUY",
            "LIMIT",
            {"quantity": "6", "price": "100"},
            "NOTIONAL",
            id="worth too much",
        ),
        pytest.param({}, "SELL", "MARKET", {"quantity": "0.04"}, "NOTIONAL", id="market order worth too little"),
        pytest.param({}, "BUY", "MARKET", {"quote_quantity": "4"}, "NOTIONAL", id="quote amount too small"),
        pytest.param({"max_position": parse("10.5")}, "BUY", "LIMIT", LIMIT, "MAX_POSITION", id="would hold too much"),
        pytest.param({"max_orders": 1}, "BUY", "LIMIT", LIMIT, "MAX_NUM_ORDERS", id="too many orders"),
        pytest.param(
            {"max_algo_orders": 1},
            "SELL",
            "STOP_LOSS",
            {"quantity": "1", "stop_price": "90"},
            "MAX_NUM_ALGO_ORDERS",
            id="too many stops",
        ),
        pytest.param(
            {}, "SELL", "STOP_LOSS", {"quantity": "1", "trailing_delta": 9}, "TRAILING_DELTA", id="trails too closely"
        ),
        pytest.param(
            {},
            "BUY",
            "STOP_LOSS",
            {"quantity": "1", "trailing_delta": 2001},
            "TRAILING_DELTA",
            id="trails too far behind",
        ),
    ],
)
def test_a_filter_refuses_by_its_name(open_floor, rules, side, kind, values, name):
    floor = open_floor(**rules)
    floor.trade_at("100")
    if name == "MAX_NUM_ORDERS":
        floor.place(floor.ann, "BUY", **LIMIT)
    if name == "MAX_NUM_ALGO_ORDERS":
        floor.place(floor.ann, "SELL", "STOP_LOSS", quantity="1", stop_price="80")
    before = floor.exchange.save()
    assert refusal(lambda: floor.place(floor.ann, side, kind, **values)) == (-1013, f"Filter failure: {name}")
    assert floor.exchange.save() == before


@pytest.mark.parametrize(
    ("rules", "side", "kind", "values", "code", "message"),
    [
        pytest.param(
            {},
            "BUY",
            "LIMIT",
            {"quantity": "20000", "price": "500", "client_id": "x"},
            -1013,
            "Filter failure: LOT_SIZE",
            id="filters come before money",
        ),
        pytest.param(
            {},
            "BUY",
            "LIMIT",
            {"quantity": "5000", "price": "300"},
            -2010,
            "Account has insufficient balance for requested action.",
            id="not enough to buy",
        ),
        pytest.param(
            {},
            "SELL",
            "LIMIT",
            {"quantity": "10.1", "price": "100"},
            -2010,
            "Account has insufficient balance for requested action.",
            id="not enough to sell",
        ),
        pytest.param(
            {},
            "SELL",
            "MARKET",
            {"quantity": "10.1"},
            -2010,
            "Account has insufficient balance for requested action.",
            id="not enough for a market sale",
        ),
        pytest.param(
            {},
            "BUY",
            "LIMIT_MAKER",
            {"quantity": "1", "price": "101"},
            -2010,
            "Order would immediately match and take.",
            id="post only that takes",
        ),
        pytest.param(
            {},
            "SELL",
            "STOP_LOSS",
            {"quantity": "1", "stop_price": "100"},
            -2010,
            "Stop price would trigger immediately.",
            id="stop at the market",
        ),
        pytest.param(
            {},
            "SELL",
            "TAKE_PROFIT",
            {"quantity": "1", "stop_price": "99"},
            -2010,
            "Stop price would trigger immediately.",
            id="profit already there",
        ),
        pytest.param(
            {"order_types": frozenset({OrderType.LIMIT})},
            "BUY",
            "MARKET",
            {"quantity": "1"},
            -2010,
            "Market orders are not supported for this symbol.",
            id="type switched off",
        ),
        pytest.param(
            {"trailing_allowed": False},
            "SELL",
            "STOP_LOSS",
            {"quantity": "1", "trailing_delta": 100},
            -2010,
            "Trailing stop orders are not supported for this symbol.",
            id="trailing switched off",
        ),
        pytest.param(
            {"quote_quantity_allowed": False},
            "BUY",
            "MARKET",
            {"quote_quantity": "100"},
            -2010,
            "Quote order qty market orders are not support for this symbol.",
            id="quote amounts switched off",
        ),
        pytest.param(
            {},
            "BUY",
            "LIMIT",
            {**LIMIT, "iceberg_quantity": "0.1"},
            -2010,
            "Iceberg orders are not supported for this symbol.",
            id="icebergs",
        ),
        pytest.param(
            {},
            "BUY",
            "LIMIT",
            {"price": "100"},
            -1102,
            "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.",
            id="no quantity",
        ),
        pytest.param(
            {},
            "BUY",
            "LIMIT",
            {"quantity": "1"},
            -1102,
            "Mandatory parameter 'price' was not sent, was empty/null, or malformed.",
            id="no price",
        ),
        pytest.param(
            {},
            "BUY",
            "STOP_LOSS",
            {"quantity": "1"},
            -1102,
            "Mandatory parameter 'stopPrice' was not sent, was empty/null, or malformed.",
            id="no stop price",
        ),
        pytest.param({"status": SymbolStatus.HALT}, "BUY", "LIMIT", LIMIT, -1013, "Market is closed.", id="halted"),
        pytest.param(
            {"status": SymbolStatus.BREAK}, "BUY", "LIMIT", LIMIT, -1013, "Market is closed.", id="on a break"
        ),
        pytest.param(
            {"status": SymbolStatus.CANCEL_ONLY}, "BUY", "LIMIT", LIMIT, -1013, "Market is closed.", id="cancel only"
        ),
        pytest.param({}, "BUY", "LIMIT", {**LIMIT, "symbol": "NOPE"}, -1121, "Invalid symbol.", id="unknown symbol"),
    ],
)
def test_a_new_order_is_refused_in_binances_words(open_floor, rules, side, kind, values, code, message):
    floor = open_floor()
    floor.trade_at("100")
    floor.quote(("SELL", "101", "20"), ("BUY", "99", "20"))
    if rules:
        floor.exchange.set_filters("BTCUSDT", **rules)
    before = floor.exchange.save()
    assert refusal(lambda: floor.place(floor.ann, side, kind, **values)) == (code, message)
    assert refusal(lambda: floor.exchange.test(floor.ann, floor.request(side, kind, **values))) == (code, message)
    assert floor.exchange.save() == before


def test_a_client_id_is_refused_only_while_its_order_is_open(floor):
    first = floor.place(floor.ann, "BUY", client_id="mine", **LIMIT)
    assert refusal(lambda: floor.place(floor.ann, "BUY", client_id="mine", **LIMIT)) == (-2010, "Duplicate order sent.")
    floor.place(floor.bob, "BUY", client_id="mine", **LIMIT)
    floor.exchange.cancel(floor.ann, "BTCUSDT", order_id=first.order_id)
    second = floor.place(floor.ann, "BUY", client_id="mine", **LIMIT)
    assert floor.exchange.order(floor.ann, "BTCUSDT", client_id="mine") is second


def test_a_filled_order_frees_its_client_id_so_a_resent_market_order_fills_twice(floor):
    floor.quote(("SELL", "100", "5"))
    for _ in range(2):
        floor.place(floor.ann, "BUY", "MARKET", quantity="1", client_id="mine")
    assert len(floor.exchange.my_trades(floor.ann, "BTCUSDT")) == 2


@pytest.mark.parametrize(
    ("ask", "code", "message"),
    [
        pytest.param(
            lambda x, a, o: x.cancel(a, "BTCUSDT", order_id=99),
            -2011,
            "Unknown order sent.",
            id="cancel what never was",
        ),
        pytest.param(
            lambda x, a, o: x.cancel(a, "BTCUSDT", client_id="no"),
            -2011,
            "Unknown order sent.",
            id="cancel by a wrong client id",
        ),
        pytest.param(
            lambda x, a, o: x.cancel(a, "NOPE", order_id=1), -1121, "Invalid symbol.", id="cancel on an unknown symbol"
        ),
        pytest.param(
            lambda x, a, o: x.cancel_all(a, "BNBUSDT"), -2011, "Unknown order sent.", id="cancel all of nothing"
        ),
        pytest.param(
            lambda x, a, o: x.cancel_list(a, "BTCUSDT", list_id=5),
            -2011,
            "Unknown order sent.",
            id="cancel a list that never was",
        ),
        pytest.param(
            lambda x, a, o: x.order(a, "BTCUSDT", order_id=99),
            -2013,
            "Order does not exist.",
            id="ask for what never was",
        ),
        pytest.param(
            lambda x, a, o: x.order(x.account("bob"), "BTCUSDT", order_id=o.order_id),
            -2013,
            "Order does not exist.",
            id="ask for another's order",
        ),
        pytest.param(
            lambda x, a, o: x.order(a, "BTCUSDT", order_id=o.order_id, client_id="no"),
            -2039,
            "Client order ID is not correct for this order ID.",
            id="ids that do not match",
        ),
        pytest.param(
            lambda x, a, o: x.order_list(a, list_id=5),
            -2013,
            "Order list does not exist.",
            id="ask for a list that never was",
        ),
        pytest.param(
            lambda x, a, o: x.key_of("no"), -2015, "Invalid API-key, IP, or permissions for action.", id="unknown key"
        ),
        pytest.param(
            lambda x, a, o: x.withdraw(a, "USDT", 2_000_000 * SCALE),
            -2010,
            "Account has insufficient balance for requested action.",
            id="withdraw too much",
        ),
        pytest.param(
            lambda x, a, o: x.lock_external(a, "USDT", -1),
            -2010,
            "Account has insufficient balance for requested action.",
            id="free what is not locked outside",
        ),
    ],
)
def test_cancels_and_queries_are_refused_in_binances_words(floor, ask, code, message):
    order = floor.place(floor.ann, "BUY", **LIMIT)
    assert refusal(lambda: ask(floor.exchange, floor.ann, order)) == (code, message)


def test_an_order_that_is_gone_cannot_be_canceled_again(floor):
    order = floor.place(floor.ann, "BUY", **LIMIT)
    floor.exchange.cancel(floor.ann, "BTCUSDT", order_id=order.order_id)
    assert refusal(lambda: floor.exchange.cancel(floor.ann, "BTCUSDT", order_id=order.order_id))[0] == -2011


def test_an_account_that_may_not_trade_is_told_so(floor):
    floor.ann.can_trade = False
    assert refusal(lambda: floor.place(floor.ann, "BUY", **LIMIT)) == (
        -2010,
        "This account may not place or cancel orders.",
    )
