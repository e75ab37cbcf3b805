"""What a quiet cycle costs, what brings a full comparison, and what reaches the wire."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app.core.clock import ManualClock, SystemClock
from app.core.enums import OrderSide, OrderType
from app.core.stop import StopFlag
from app.domain.errors import DataError, InsufficientFunds, KeelError, OrderPostponed, OrderRejected
from app.exchanges.abilities import Abilities
from app.execution import live_executor
from app.execution.ccxt_exchange import CcxtExchange
from app.repositories import AlertRepository, OrderRepository, Severity

BTC = "BTC/USDT"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER = {"method": "POST", "path": "/api/v3/order"}


def buy(executor, quantity="0.01", order_type=OrderType.MARKET, price=None):
    price = price or executor._exchange.last_price(BTC)
    return executor.execute_order(BTC, OrderSide.BUY, Decimal(quantity), order_type, price)


def in_agreement(venue, **options):
    """An executor that holds something and has compared it in full."""
    executor = venue.executor(**options)
    buy(executor)
    venue.advance(61)
    executor.synchronize(BTC)
    return executor


def take_away(venue):
    venue.fault("withdraw", account=venue.account, asset="BTC", amount="0.004")


def test_a_quiet_cycle_asks_the_exchange_nothing(venue):
    executor = in_agreement(venue)
    before = venue.journal_end()
    for _ in range(5):
        executor.synchronize(BTC)
    assert venue.asked(before) == []


def test_a_full_comparison_asks_five_questions(venue):
    executor = in_agreement(venue, compare_every_s=0)
    before = venue.journal_end()
    executor.synchronize(BTC)
    paths = [question["path"].rpartition("/")[2] for question in venue.asked(before)]
    assert sorted(paths) == ["account", "allOrders", "myTrades", "openOrders", "time", "time"]


def test_after_an_outage_ledger_and_exchange_are_compared_in_full(venue):
    executor = in_agreement(venue)
    take_away(venue)
    executor.synchronize(BTC)
    assert venue.held() > venue.balance()
    venue.fault("reset", method="GET", path="/api/v3/ticker/24hr")
    with pytest.raises(DataError, match="the last price"):
        executor._exchange.last_price(BTC)
    executor._exchange.last_price(BTC)
    executor.synchronize(BTC)
    assert venue.held() == venue.balance()
    alert = AlertRepository(venue.session).latest(1)[0]
    assert (alert.symbol, alert.severity) == (BTC, "critical")
    assert "left without us" in alert.text


def paths_asked(venue, since):
    return [question["path"].rpartition("/")[2] for question in venue.asked(since)]


def ready(venue):
    """An executor between two cycles, and the price of its next decision."""
    executor = venue.executor(clock=ManualClock())
    price = executor._exchange.last_price(BTC)
    buy(executor, price=price)
    executor.synchronize(BTC)
    executor.get_ready(BTC)
    return executor, price


def test_between_a_signal_and_a_purchase_nothing_is_asked(venue):
    executor, price = ready(venue)
    before = venue.journal_end()
    assert executor.purse(BTC).cash > 0
    buy(executor, price=price)
    assert paths_asked(venue, before) == ["order"]


def test_before_a_sale_only_what_is_free_is_asked(venue):
    executor, price = ready(venue)
    held = executor.get_position(BTC)["net_quantity"]
    before = venue.journal_end()
    executor.execute_order(BTC, OrderSide.SELL, held, OrderType.MARKET, price)
    assert paths_asked(venue, before) == ["account", "order"]


def test_what_an_order_or_an_interruption_may_have_changed_is_asked_again(venue):
    executor, price = ready(venue)
    buy(executor, price=price)
    before = venue.journal_end()
    executor.purse(BTC)
    executor.purse(BTC)
    executor._exchange._gate.budget.note_step()
    executor.purse(BTC)
    assert paths_asked(venue, before) == ["account", "account"]


def test_getting_ready_twice_asks_once(venue):
    executor, _ = ready(venue)
    before = venue.journal_end()
    executor.get_ready(BTC)
    assert paths_asked(venue, before) == []


def test_money_that_somebody_else_spent_meanwhile_postpones_the_purchase_and_is_looked_at_again(venue, monkeypatch):
    executor, price = ready(venue)
    monkeypatch.setattr(live_executor, "JUST_NOW_MS", 0)
    venue.fault("withdraw", account=venue.account, asset="USDT", amount="99300")
    with pytest.raises(OrderPostponed, match="somebody else"):
        buy(executor, quantity="0.1", price=price)
    assert executor.purse(BTC).cash < 1_000
    monkeypatch.setattr(live_executor, "JUST_NOW_MS", 5_000)
    with pytest.raises(InsufficientFunds):
        buy(executor, quantity="0.1", price=price)
    assert not OrderRepository(venue.session).unresolved(BTC)


def test_what_is_written_along_is_durable_when_the_order_leaves(venue):
    executor, price = ready(venue)
    alerts, place = AlertRepository(venue.session), executor._exchange.place
    seen = []

    def placed(ticket):
        seen.append((venue.session.in_transaction(), alerts.latest(1)[0].text))
        return place(ticket)

    executor._exchange.place = placed
    assert executor.write_along(BTC, venue.session, lambda: alerts.add(Severity.INFO, "a decision", BTC, NOON))
    buy(executor, price=price)
    assert seen == [(False, "a decision")]


def test_when_what_belongs_to_an_order_cannot_be_written_nothing_is_sent(venue):
    executor, price = ready(venue)
    before = venue.journal_end()
    number = len(OrderRepository(venue.session).by_symbol(BTC))
    assert executor.write_along(BTC, venue.session, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        buy(executor, price=price)
    assert venue.asked(before) == []
    assert len(OrderRepository(venue.session).by_symbol(BTC)) == number
    buy(executor, price=price)


def test_what_belongs_to_a_refused_order_is_not_written_with_the_next_one(venue):
    executor, price = ready(venue)
    assert executor.write_along(BTC, venue.session, lambda: 1 / 0)
    with pytest.raises(OrderRejected, match="before sending"):
        buy(executor, quantity="0.00001", price=price)
    buy(executor, price=price)


def test_another_database_writes_by_itself(venue):
    assert not venue.executor().write_along(BTC, object(), lambda: None)


def test_fault_32_after_a_step_of_the_clock_time_is_measured_and_everything_compared_again(venue):
    executor = in_agreement(venue)
    clock = SystemClock()
    executor._exchange._clock = executor._exchange._steps._clock = clock
    executor._exchange._steps.stepped()
    take_away(venue)
    clock.offset_ms += 30_000  # the machine slept, or its clock was set
    before = venue.journal_end()
    executor.synchronize(BTC)
    assert venue.held() == venue.balance()
    buy(executor)
    assert [question["path"] for question in venue.asked(before)].count("/api/v3/time") >= 3


@pytest.mark.parametrize("quantity", ["0.00012", "0.01001", "0.12345", "1.00009"])
@pytest.mark.parametrize("order_type", [OrderType.MARKET, OrderType.LIMIT])
def test_what_reaches_the_wire_is_what_the_ledger_holds_to_the_last_digit(venue, quantity, order_type):
    executor = venue.executor()
    price = (executor._exchange.last_price(BTC) * Decimal("0.99")).quantize(Decimal("0.01"))
    before = venue.journal_end()
    order = OrderRepository(venue.session).get(buy(executor, quantity, order_type, price)["id"])
    sent = next(question["params"] for question in venue.asked(before) if question["method"] == "POST")
    assert (sent["quantity"], order.quantity) == (quantity, Decimal(quantity))
    assert sent.get("price") == (f"{order.price:f}" if order_type is OrderType.LIMIT else None)
    assert sent["newClientOrderId"] == order.id


LESS = [
    pytest.param(Abilities(lists_orders=False), id="no order history"),
    pytest.param(Abilities(finds_by_own_id=False, lists_orders=False), id="no lookup by our id, no order history"),
    pytest.param(Abilities(finds_by_own_id=False, finds=False), id="no lookup at all"),
]


@pytest.mark.parametrize("abilities", LESS)
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_lost_answer_is_resolved_with_the_questions_that_the_exchange_answers(venue, abilities, phase):
    executor = venue.executor()
    executor._exchange.abilities = abilities
    venue.fault("reset", phase=phase, **ORDER)
    with suppress(KeelError):
        buy(executor)
    venue.settle(executor)
    assert venue.held() == venue.balance()
    assert len(venue.executed()) == (phase == "after")
    assert not OrderRepository(venue.session).unresolved(BTC)


class Anonymous(CcxtExchange):
    """An exchange that knows nothing of our own order ids."""

    def find(self, symbol, client_id, exchange_id):
        report = super().find(symbol, client_id, exchange_id)
        return report and replace(report, client_id=None)

    def open_orders(self, symbol):
        return [replace(report, client_id=None) for report in super().open_orders(symbol)]

    def orders_since(self, symbol, since_ms):
        return [replace(report, client_id=None) for report in super().orders_since(symbol, since_ms)]


@pytest.mark.parametrize("lists_orders", [True, False])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_without_client_ids_an_order_is_recognised_by_side_quantity_and_time(venue, phase, lists_orders):
    venue.exchange = lambda config: Anonymous(config, order_timeout_ms=1_500)
    executor = venue.executor()
    executor._exchange.abilities = Abilities(finds_by_own_id=False, lists_orders=lists_orders)
    low = (executor._exchange.last_price(BTC) * Decimal("0.97")).quantize(Decimal("0.01"))
    venue.fault(
        "manual_order", account=venue.account, symbol="BTCUSDT", side="BUY", quantity="0.02", price=str(low)
    )  # the owner's: another quantity
    venue.fault("reset", phase=phase, **ORDER)
    with suppress(KeelError):
        buy(executor)
    venue.settle(executor)
    orders = OrderRepository(venue.session).by_symbol(BTC)
    assert [order.filled for order in orders] == [Decimal("0.01") if phase == "after" else 0]
    assert not OrderRepository(venue.session).unresolved(BTC)
    assert venue.held() == venue.balance()


def test_two_orders_that_look_alike_freeze_the_symbol(venue):
    venue.exchange = lambda config: Anonymous(config, order_timeout_ms=1_500)
    executor = venue.executor()
    executor._exchange.abilities = Abilities(finds_by_own_id=False)
    price = executor._exchange.last_price(BTC)
    low = str((price * Decimal("0.97")).quantize(Decimal("0.01")))
    for _ in range(2):
        venue.fault("manual_order", account=venue.account, symbol="BTCUSDT", side="BUY", quantity="0.01", price=low)
    venue.fault("reset", phase="after", **ORDER)
    with suppress(KeelError):
        buy(executor, order_type=OrderType.LIMIT, price=Decimal(low))
    executor.synchronize(BTC)
    assert "must be found first" in executor.why_not_now(BTC)


@pytest.mark.parametrize("later_s", [10, 61])
def test_balances_that_were_told_right_after_a_trade_prove_nothing_about_the_next_order(venue, later_s):
    clock = ManualClock()
    executor = venue.executor(clock=clock)
    price = executor._exchange.last_price(BTC)
    venue.advance(61)
    venue.fault("read_lag", lag=30, seconds=30)
    buy(executor, price=price)
    executor.get_ready(BTC)
    venue.advance(later_s)
    clock.wait_until(later_s * 1_000, StopFlag())
    venue.fault("reset", phase="before", **ORDER)
    with suppress(KeelError):
        buy(executor, price=price)
    venue.settle(executor)
    assert not OrderRepository(venue.session).unresolved(BTC)
    assert venue.held() == venue.balance()
