"""Limit orders at the exchange: their time, their replacement, their cancels, over restarts and with partial fills."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.core.enums import OrderSide, OrderType
from app.domain.errors import KeelError, OrderPostponed, OutcomeUnknown
from app.domain.order import OrderStatus
from app.domain.resting import OrderStyle, OrderStyles, Purpose
from app.repositories import OrderRepository

BTC = "BTC/USDT"
LIMIT = OrderStyle(is_limit=True, time_to_live_ms=60_000, most_repricings=1, chase_bp=Decimal(500))
STYLES = OrderStyles(LIMIT, LIMIT)
GIVES_UP = OrderStyles(replace(LIMIT, most_repricings=0, falls_back=False), LIMIT)
CHASES_LITTLE = OrderStyles(replace(LIMIT, chase_bp=Decimal(1)), LIMIT)


def rest(executor, side=OrderSide.BUY, quantity="0.01", factor="0.98"):
    """An order that does not fill by itself; its price."""
    price = (executor._exchange.last_price(BTC) * Decimal(factor)).quantize(Decimal("0.01"))
    order = executor.execute_order(BTC, side, Decimal(quantity), OrderType.LIMIT, price)
    assert order["status"] == "open"
    return price


def bought(executor, quantity="0.01"):
    """A position."""
    executor.execute_order(BTC, OrderSide.BUY, Decimal(quantity), OrderType.MARKET, executor._exchange.last_price(BTC))


def orders(venue):
    """Type, status and filled of all orders, the first one first."""
    found = sorted(OrderRepository(venue.session).by_symbol(BTC), key=lambda order: order.id)
    return [(order.order_type, order.status, f"{order.filled:f}") for order in found]


def assert_in_line(venue):
    assert venue.held() == venue.balance()
    known = {order.id: order for order in OrderRepository(venue.session).by_symbol(BTC)}
    assert {name: known[name].filled for name in venue.executed()} == venue.executed()
    assert not OrderRepository(venue.session).unresolved(BTC)


def open_at_the_exchange(venue):
    return [report.client_id for report in venue.executor()._exchange.open_orders(BTC)]


def test_a_resting_order_is_left_alone_until_its_time_is_over(venue):
    executor = venue.executor(styles=STYLES)
    rest(executor)
    venue.advance(30)
    executor.synchronize(BTC)
    assert orders(venue) == [("limit", "open", "0")]
    standing = executor.resting_order(BTC)
    assert (standing.purpose, standing.filled, standing.quantity) == (Purpose.ENTRY, 0, Decimal("0.01"))


def test_what_is_left_is_ordered_at_a_new_price_and_then_at_the_markets_over_restarts(venue):
    rest(venue.executor(styles=STYLES), factor="0.98")
    venue.fault("partial_fill", percent=40, account=venue.account, symbol="BTCUSDT")
    venue.advance(61)
    venue.executor(styles=STYLES).synchronize(BTC)
    first, second = sorted(OrderRepository(venue.session).by_symbol(BTC), key=lambda order: order.id)
    assert (first.status, first.filled) == (OrderStatus.CANCELED, Decimal("0.004"))
    assert (second.first_id, second.attempt, second.order_type) == (first.id, 2, "limit")
    assert Decimal("0.0057") <= second.quantity <= Decimal("0.006")
    for _ in range(3):
        venue.advance(61)
        venue.executor(styles=STYLES).synchronize(BTC)
    known = sorted(OrderRepository(venue.session).by_symbol(BTC), key=lambda order: order.id)
    assert known[-1].status == OrderStatus.FILLED
    spent = sum(order.filled * (order.average or 0) for order in known)
    assert spent <= first.quantity * first.price * Decimal("1.001")
    assert open_at_the_exchange(venue) == []
    assert_in_line(venue)


def test_an_entry_may_be_given_up_and_keeps_what_it_got(venue):
    executor = venue.executor(styles=GIVES_UP)
    rest(executor)
    venue.fault("partial_fill", percent=40, account=venue.account, symbol="BTCUSDT")
    venue.advance(61)
    executor.synchronize(BTC)
    executor.synchronize(BTC)
    assert orders(venue) == [("limit", "canceled", "0.004")]
    assert executor.resting_order(BTC) is None
    assert_in_line(venue)


def test_an_entry_does_not_follow_a_market_that_runs_away(venue):
    executor = venue.executor(styles=CHASES_LITTLE)
    rest(executor)
    venue.advance(61)
    executor.synchronize(BTC)
    order = OrderRepository(venue.session).by_symbol(BTC)[0]
    assert (order.attempt, order.status) == (1, OrderStatus.CANCELED)
    assert "too far above the first limit" in order.note
    assert open_at_the_exchange(venue) == []


def test_fault_6_an_order_that_fills_while_its_time_is_over_is_not_ordered_again(venue):
    executor = venue.executor(styles=STYLES)
    rest(executor)
    venue.advance(61)
    venue.fault("fill_during_cancel", phase="before", method="DELETE", account=venue.account)
    executor.synchronize(BTC)
    executor.synchronize(BTC)
    assert orders(venue) == [("limit", "filled", "0.01")]
    assert_in_line(venue)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "html", "half_json", "status_unknown"])
def test_fault_6_a_cancel_whose_answer_is_lost_leads_to_one_replacement(venue, kind, phase):
    executor = venue.executor(styles=STYLES)
    rest(executor)
    venue.advance(61)
    venue.fault(kind, phase=phase, method="DELETE", path="/api/v3/order")
    for _ in range(3):
        venue.executor(styles=STYLES).synchronize(BTC)
    assert len(OrderRepository(venue.session).by_symbol(BTC)) == 2
    assert len(open_at_the_exchange(venue)) <= 1
    assert_in_line(venue)


def test_fault_5_a_read_that_lags_behind_the_cancel_does_not_order_twice(venue):
    executor = venue.executor(styles=STYLES)
    rest(executor)
    venue.advance(61)
    venue.fault("read_lag", lag=20, seconds=30)
    for _ in range(3):
        executor.synchronize(BTC)
    assert len(open_at_the_exchange(venue)) <= 1
    venue.advance(31)
    executor.synchronize(BTC)
    assert len(OrderRepository(venue.session).by_symbol(BTC)) == 2
    assert_in_line(venue)


def test_fault_34_a_death_between_cancel_and_replacement_is_made_good_after_the_restart(venue):
    executor = venue.executor(styles=STYLES)
    rest(executor)
    venue.advance(61)
    executor.desk.base_balance = _dies
    with pytest.raises(SystemExit):
        executor.synchronize(BTC)
    assert orders(venue) == [("limit", "canceled", "0")]
    assert venue.executor(styles=STYLES).resting_order(BTC) is not None
    venue.executor(styles=STYLES).synchronize(BTC)
    assert orders(venue)[0][1] == "canceled"
    assert len(OrderRepository(venue.session).by_symbol(BTC)) == 2


def _dies(*_):
    raise SystemExit


def test_a_sale_cancels_a_resting_purchase_and_takes_all_that_it_got(venue):
    executor = venue.executor(styles=STYLES)
    rest(executor)
    venue.fault("partial_fill", percent=40, account=venue.account, symbol="BTCUSDT")
    executor.synchronize(BTC)
    venue.fault("partial_fill", percent=50, account=venue.account, symbol="BTCUSDT")
    held = executor.get_position(BTC)["net_quantity"]
    venue.advance(30)  # the other traders' bids are there again
    executor.execute_order(BTC, OrderSide.SELL, held, OrderType.MARKET, executor._exchange.last_price(BTC))
    assert [status for _, status, _ in orders(venue)] == ["canceled", "filled"]
    assert executor.get_position(BTC)["is_flat"]
    assert open_at_the_exchange(venue) == []
    assert_in_line(venue)


def test_a_sale_waits_while_the_cancel_is_not_confirmed(venue):
    executor = venue.executor(styles=STYLES)
    bought(executor)
    rest(executor, OrderSide.SELL, executor.get_position(BTC)["net_quantity"], "1.02")
    venue.fault("reset", phase="before", method="DELETE", path="/api/v3/order", count=4)
    held = executor.get_position(BTC)["net_quantity"]
    with pytest.raises(OutcomeUnknown, match="still being cancelled"):
        executor.execute_order(BTC, OrderSide.SELL, held, OrderType.MARKET, executor._exchange.last_price(BTC))
    venue.clear()
    executor.execute_order(BTC, OrderSide.SELL, held, OrderType.MARKET, executor._exchange.last_price(BTC))
    assert executor.get_position(BTC)["is_flat"]
    assert_in_line(venue)


def test_a_purchase_beside_a_resting_one_is_not_sent(venue):
    executor = venue.executor(styles=STYLES)
    rest(executor)
    with pytest.raises(OrderPostponed, match="is resting, 0 % filled"):
        bought(executor)
    assert len(OrderRepository(venue.session).by_symbol(BTC)) == 1


def test_an_exit_that_the_exchange_ended_is_ordered_again_until_the_position_is_gone(venue):
    executor = venue.executor(styles=STYLES)
    bought(executor)
    rest(executor, OrderSide.SELL, executor.get_position(BTC)["net_quantity"], "1.02")
    venue.fault("partial_fill", percent=40, account=venue.account, symbol="BTCUSDT")
    venue.fault("expire_order", account=venue.account, symbol="BTCUSDT")
    executor.synchronize(BTC)
    assert executor.get_position(BTC)["is_flat"]
    assert orders(venue)[-1][0] == "market"
    assert_in_line(venue)


def test_fault_15_a_remainder_that_is_too_small_is_not_ordered_again_and_says_so(venue):
    executor = venue.executor(styles=STYLES)
    rest(executor)
    venue.fault("partial_fill", percent=99.5, account=venue.account, symbol="BTCUSDT")
    venue.advance(61)
    executor.synchronize(BTC)
    order = OrderRepository(venue.session).by_symbol(BTC)[0]
    assert order.status == OrderStatus.CANCELED
    assert "minimum" in order.note
    assert executor.resting_order(BTC) is None
    assert_in_line(venue)


@pytest.mark.parametrize("kind", ["halt", "break", "cancel_only"])
def test_fault_28_a_market_that_pauses_says_so_and_goes_on_later(venue, kind):
    executor = venue.executor()
    executor.why_not_now(BTC)
    venue.fault(kind, symbol="BTCUSDT")
    try:
        with pytest.raises(OrderPostponed):
            bought(executor)  # our copy of the market's state is old: the exchange refuses
        assert "takes no orders now" in executor.why_not_now(BTC)
        before = venue.journal_end()
        with pytest.raises(OrderPostponed):
            bought(executor)
        assert [question for question in venue.asked(before) if question["method"] == "POST"] == []
    finally:
        venue.fault("trading", symbol="BTCUSDT")
    while executor.why_not_now(BTC):
        pass
    bought(executor)
    assert_in_line(venue)


def test_limits_that_the_market_would_refuse_are_not_sent(venue):
    executor = venue.executor()
    last = executor._exchange.last_price(BTC)
    before = venue.journal_end()
    for quantity, order_type, price, words in (
        ("0.01", OrderType.LIMIT, last / 10, "the lowest that the market takes"),
        ("0.00001", OrderType.MARKET, last, "minimum"),
        ("200", OrderType.MARKET, last, "maximum"),
    ):
        with pytest.raises(KeelError, match=words):
            executor.execute_order(BTC, OrderSide.BUY, Decimal(quantity), order_type, price)
    assert [question for question in venue.asked(before) if question["method"] == "POST"] == []
