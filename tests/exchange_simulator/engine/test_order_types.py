"""What each order type does against a known book."""

import pytest

from exchange_simulator.engine.numbers import parse, to_text
from exchange_simulator.engine.orders import OrderStatus

BOOK = (("SELL", "101", "1"), ("SELL", "102", "1"), ("BUY", "99", "1"), ("BUY", "98", "1"))


@pytest.mark.parametrize(
    ("side", "kind", "values", "status", "executed", "quote"),
    [
        pytest.param(
            "BUY", "LIMIT", {"quantity": "1", "price": "100"}, "NEW", "0", "0", id="limit below the market rests"
        ),
        pytest.param(
            "BUY", "LIMIT", {"quantity": "1", "price": "101"}, "FILLED", "1", "101", id="limit at the best price fills"
        ),
        pytest.param(
            "BUY",
            "LIMIT",
            {"quantity": "2", "price": "105"},
            "FILLED",
            "2",
            "203",
            id="limit takes the best prices first",
        ),
        pytest.param(
            "BUY",
            "LIMIT",
            {"quantity": "2", "price": "101"},
            "PARTIALLY_FILLED",
            "1",
            "101",
            id="limit rests with what is left",
        ),
        pytest.param(
            "SELL", "LIMIT", {"quantity": "1.5", "price": "98"}, "FILLED", "1.5", "148", id="sell limit walks down"
        ),
        pytest.param(
            "BUY",
            "LIMIT",
            {"quantity": "2", "price": "101", "time_in_force": "IOC"},
            "EXPIRED",
            "1",
            "101",
            id="IOC expires with what is left",
        ),
        pytest.param(
            "BUY",
            "LIMIT",
            {"quantity": "2", "price": "101", "time_in_force": "FOK"},
            "EXPIRED",
            "0",
            "0",
            id="FOK does all or nothing: nothing",
        ),
        pytest.param(
            "BUY",
            "LIMIT",
            {"quantity": "2", "price": "102", "time_in_force": "FOK"},
            "FILLED",
            "2",
            "203",
            id="FOK does all or nothing: all",
        ),
        pytest.param(
            "SELL",
            "LIMIT",
            {"quantity": "2", "price": "98.01", "time_in_force": "FOK"},
            "EXPIRED",
            "0",
            "0",
            id="FOK sell stops at its price",
        ),
        pytest.param(
            "BUY", "LIMIT_MAKER", {"quantity": "1", "price": "100.99"}, "NEW", "0", "0", id="limit maker rests"
        ),
        pytest.param("BUY", "MARKET", {"quantity": "1.5"}, "FILLED", "1.5", "152", id="market buys through levels"),
        pytest.param("SELL", "MARKET", {"quantity": "1.5"}, "FILLED", "1.5", "148", id="market sells through levels"),
        pytest.param(
            "BUY", "MARKET", {"quantity": "3"}, "EXPIRED", "2", "203", id="market on a thin book expires with fills"
        ),
        pytest.param("BUY", "MARKET", {"quote_quantity": "152"}, "FILLED", "1.5", "152", id="market by quote amount"),
        pytest.param(
            "SELL", "MARKET", {"quote_quantity": "99"}, "FILLED", "1", "99", id="market sells for a quote amount"
        ),
        pytest.param(
            "BUY",
            "MARKET",
            {"quote_quantity": "1000"},
            "EXPIRED",
            "2",
            "203",
            id="market by quote amount on a thin book",
        ),
    ],
)
def test_an_order_against_a_book_of_two_levels(floor, side, kind, values, status, executed, quote):
    floor.quote(*BOOK)
    order = floor.place(floor.ann, side, kind, **values)
    assert (order.status, to_text(order.executed), to_text(order.executed_quote)) == (
        status,
        to_text(parse(executed)),
        to_text(parse(quote)),
    )


def test_the_first_at_a_price_is_served_first(floor):
    first = floor.place(floor.ann, "BUY", quantity="1", price="100")
    second = floor.place(floor.bob, "BUY", quantity="1", price="100")
    floor.place(floor.exchange.house, "SELL", quantity="1.5", price="100")
    assert (first.status, to_text(second.executed)) == (OrderStatus.FILLED, "0.50000000")


def test_a_buyer_pays_the_makers_price_and_gets_back_the_difference(floor):
    floor.quote(("SELL", "101", "1"))
    floor.exchange.set_fees(floor.ann, taker_bp=0)
    floor.place(floor.ann, "BUY", quantity="1", price="105")
    assert floor.held(floor.ann, "USDT") == (parse("999899"), 0)


def test_an_open_order_locks_what_it_may_cost_and_a_cancel_frees_it(floor):
    order = floor.place(floor.ann, "BUY", quantity="2", price="100")
    assert floor.held(floor.ann, "USDT") == (parse("999800"), parse("200"))
    floor.exchange.cancel(floor.ann, "BTCUSDT", order_id=order.order_id)
    assert floor.held(floor.ann, "USDT") == (parse("1000000"), 0)


@pytest.mark.parametrize(
    ("side", "kind", "stop", "quiet", "moves_to"),
    [
        pytest.param("SELL", "STOP_LOSS", "95", "95.01", "95", id="stop loss sells when the price has fallen"),
        pytest.param("BUY", "STOP_LOSS", "105", "104.99", "106", id="stop loss buys when the price has risen"),
        pytest.param("SELL", "TAKE_PROFIT", "105", "104.99", "105", id="take profit sells when the price has risen"),
        pytest.param("BUY", "TAKE_PROFIT", "95", "95.01", "94", id="take profit buys when the price has fallen"),
    ],
)
def test_a_stop_waits_for_its_price_and_then_trades_at_the_market(floor, side, kind, stop, quiet, moves_to):
    floor.trade_at("100")
    order = floor.place(floor.ann, side, kind, quantity="0.1", stop_price=stop)
    floor.trade_at(quiet)
    assert (order.status, order.is_working) == (OrderStatus.NEW, False)
    floor.quote(("SELL", "110", "1"), ("BUY", "90", "1"))
    floor.trade_at(moves_to)
    assert (order.status, order.is_working) == (OrderStatus.FILLED, True)


def test_a_stop_limit_rests_at_its_limit_when_it_fires(floor):
    floor.trade_at("100")
    order = floor.place(floor.ann, "SELL", "STOP_LOSS_LIMIT", quantity="1", price="97", stop_price="95")
    floor.trade_at("95")
    book = floor.exchange.depth("BTCUSDT")
    assert order.status is OrderStatus.NEW
    assert book.asks == [(parse("97"), parse("1"))]


def test_one_stop_can_set_off_the_next(floor):
    floor.trade_at("100")
    floor.quote(("BUY", "95", "1"), ("BUY", "90", "1"), ("BUY", "80", "2"))
    orders = [floor.place(floor.ann, "SELL", "STOP_LOSS", quantity="1", stop_price=stop) for stop in ("94", "89")]
    floor.place(floor.bob, "SELL", quantity="2", price="90", time_in_force="IOC")
    assert [order.status for order in orders] == [OrderStatus.FILLED, OrderStatus.FILLED]


@pytest.mark.parametrize(
    ("side", "kind", "values", "path", "fires_at"),
    [
        pytest.param(
            "SELL", "STOP_LOSS", {"trailing_delta": 100}, ["105", "104", "103.95"], 2, id="sells 1% below the highest"
        ),
        pytest.param(
            "BUY", "STOP_LOSS", {"trailing_delta": 100}, ["95", "95.9", "95.95"], 2, id="buys 1% above the lowest"
        ),
        pytest.param(
            "SELL",
            "STOP_LOSS",
            {"trailing_delta": 100, "stop_price": "98"},
            ["98.5", "98", "97.5", "97.02"],
            3,
            id="trails from its stop price on",
        ),
        pytest.param(
            "SELL",
            "TAKE_PROFIT",
            {"trailing_delta": 200},
            ["99", "100.9", "100.98"],
            2,
            id="takes profit 2% above the lowest",
        ),
    ],
)
def test_a_trailing_order_fires_when_the_price_turns_far_enough(floor, side, kind, values, path, fires_at):
    floor.trade_at("100")
    order = floor.place(floor.ann, side, kind, quantity="0.1", **values)
    waiting = []
    for price in path:
        floor.trade_at(price)
        waiting.append(not order.is_working)
    assert waiting == [step < fires_at for step in range(len(path))]


def test_a_market_order_may_not_spend_more_than_there_is(floor):
    floor.quote(("SELL", "101", "1"))
    floor.exchange.withdraw(floor.ann, "USDT", parse("999900"))
    assert floor.held(floor.ann, "USDT") == (parse("100"), 0)
    order = floor.place(floor.ann, "BUY", "MARKET", quantity="0.9")
    assert order.status is OrderStatus.FILLED
