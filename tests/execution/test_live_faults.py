"""Further faults by their number in the fault list: fills, filters, halts, backups, locks, clocks."""

import subprocess
import sys
from contextlib import suppress
from decimal import Decimal

import pytest
from sqlalchemy import delete, event

from app.core.clock import SystemClock
from app.core.enums import OrderSide, OrderType
from app.domain.errors import DatabaseError, KeelError, OrderRejected, OutcomeUnknown
from app.domain.order import OrderStatus
from app.models.sql import Holding, Order, Sequence, Trade
from app.repositories import AlertRepository, OrderRepository, TradeRepository
from exchange_simulator.server.running import exchange_process

BTC = "BTC/USDT"
ORDER = {"method": "POST", "path": "/api/v3/order"}


def price_of(executor) -> Decimal:
    return Decimal(str(executor._exchange._client.fetch_ticker(BTC)["last"]))


def buy(executor, quantity="0.01", **options):
    price = options.pop("price", None) or price_of(executor)
    return executor.execute_order(BTC, OrderSide.BUY, Decimal(quantity), options.pop("order_type", "market"), price)


def assert_in_line(venue):
    assert venue.held() == venue.balance()
    orders = {order.id: order for order in OrderRepository(venue.session).by_symbol(BTC)}
    assert {name: orders[name].filled for name in venue.executed()} == venue.executed()
    assert not OrderRepository(venue.session).unresolved(BTC)


def test_fault_7_a_limit_order_that_is_filled_in_part_and_then_expired_keeps_its_fills(venue):
    executor = venue.executor()
    low = (price_of(executor) * Decimal("0.97")).quantize(Decimal("0.01"))
    assert buy(executor, "0.01", price=low, order_type=OrderType.LIMIT)["status"] == "open"
    venue.fault("partial_fill", percent=40, account=venue.account, symbol="BTCUSDT")
    executor.synchronize(BTC)
    assert OrderRepository(venue.session).resting(BTC)[0].status == OrderStatus.PARTIALLY_FILLED
    venue.fault("expire_order", account=venue.account, symbol="BTCUSDT")
    executor.synchronize(BTC)
    order = OrderRepository(venue.session).by_symbol(BTC)[0]
    assert (order.status, order.filled) == (OrderStatus.EXPIRED, Decimal("0.004"))
    assert_in_line(venue)


def test_fault_1_an_order_that_was_held_for_dead_and_is_at_the_exchange_is_booked_after_all(venue):
    buy(venue.executor())
    for table in (Trade, Holding):
        venue.session.execute(delete(table))
    order = OrderRepository(venue.session).by_symbol(BTC)[0]
    order.status, order.exchange_id, order.filled = OrderStatus.REJECTED.value, None, Decimal(0)
    venue.session.commit()
    again = venue.executor()
    again.synchronize(BTC)
    assert "held for dead" in again.reconciler.alerts[-1]
    assert_in_line(venue)
    assert venue.held() > 0


def test_fault_6_an_order_that_fills_while_it_is_cancelled_is_booked(venue):
    executor = venue.executor()
    low = (price_of(executor) * Decimal("0.97")).quantize(Decimal("0.01"))
    order = buy(executor, "0.01", price=low, order_type=OrderType.LIMIT)
    venue.fault("fill_during_cancel", phase="before", method="DELETE", account=venue.account)
    executor._exchange.cancel(BTC, order["id"], None)
    executor.synchronize(BTC)
    assert OrderRepository(venue.session).by_symbol(BTC)[0].status == OrderStatus.FILLED
    assert_in_line(venue)


def test_fault_8_an_order_is_not_final_before_its_trades_are_visible(venue):
    executor = venue.executor()
    venue.fault("html", phase="after", **ORDER)
    venue.fault("wrong_shape", method="GET", path="/api/v3/myTrades", count=3)
    with suppress(KeelError):
        buy(executor)
    venue.settle(executor)
    assert_in_line(venue)
    assert len(TradeRepository(venue.session).get_by_symbol(BTC)) == len(
        venue.executor()._exchange.fills_since(BTC, venue.executor()._exchange.now_ms() - 3_600_000)
    )


def test_fault_8_an_order_that_is_filled_while_its_trades_are_not_visible_yet_keeps_the_symbol_frozen(venue):
    executor = venue.executor()
    venue.fault("reset", phase="after", **ORDER)
    venue.fault("empty_list", method="GET", path="/api/v3/myTrades", count=3)
    with suppress(OutcomeUnknown):
        buy(executor)
    again = venue.executor()
    again.synchronize(BTC)
    with pytest.raises(OutcomeUnknown, match="frozen"):
        buy(again)
    venue.settle(again)
    assert_in_line(venue)
    assert len(venue.executed()) == 1


def test_fault_9_the_same_fills_reported_again_are_booked_once(venue):
    executor = venue.executor()
    buy(executor)
    order = OrderRepository(venue.session).by_symbol(BTC)[0]
    report = executor._exchange.find(BTC, order.id, None)
    fills = executor._exchange.fills_since(BTC, report.created_ms - 1_000)
    for _ in range(3):
        executor.reconciler.take(order, report, [*fills, *reversed(fills)])
    assert_in_line(venue)


@pytest.mark.parametrize("side", [OrderSide.BUY, OrderSide.SELL])
def test_fault_10_an_order_that_the_market_refuses_is_final_and_the_next_one_goes_through(venue, side):
    executor = venue.executor()
    buy(executor, "0.05")
    absurd = (price_of(executor) * Decimal("0.05" if side is OrderSide.BUY else 20)).quantize(Decimal("0.01"))
    with pytest.raises(OrderRejected, match="that the market takes now"):
        executor.execute_order(BTC, side, Decimal("0.02"), OrderType.LIMIT, absurd)
    assert len(OrderRepository(venue.session).by_symbol(BTC)) == 1
    executor.execute_order(BTC, side, Decimal("0.02"), OrderType.MARKET, price_of(executor))
    assert_in_line(venue)


def test_fault_11_a_resting_order_that_the_exchange_took_away_is_neither_thought_to_rest_nor_sent_again(venue):
    executor = venue.executor()
    low = (price_of(executor) * Decimal("0.97")).quantize(Decimal("0.01"))
    buy(executor, "0.01", price=low, order_type=OrderType.LIMIT)
    venue.fault("exchange_cancel", account=venue.account, symbol="BTCUSDT")
    venue.executor().synchronize(BTC)
    orders = OrderRepository(venue.session)
    assert [order.status for order in orders.by_symbol(BTC)] == [OrderStatus.CANCELED]
    assert executor._exchange.open_orders(BTC) == []
    assert_in_line(venue)


def test_fault_15_dust_is_no_position(venue):
    executor = venue.executor()
    buy(executor, "0.01234")
    executor.execute_order(BTC, OrderSide.SELL, venue.held(), OrderType.MARKET, price_of(executor))
    assert 0 < venue.held() < Decimal("0.00001")
    assert executor.get_position(BTC)["is_flat"]
    assert_in_line(venue)


def test_coins_that_are_worth_too_little_to_be_sold_are_an_alert_and_sold_when_they_are_worth_more(venue):
    executor = venue.executor()
    price = price_of(executor)
    buy(executor, (Decimal(6) / price).quantize(Decimal("0.00001")))  # the market's minimum is 5
    for _ in range(2):
        with pytest.raises(OrderRejected, match="refused before sending: notional .* is below the market's minimum 5"):
            executor.execute_order(BTC, OrderSide.SELL, venue.held(), OrderType.MARKET, price / 2)
    alerts = AlertRepository(venue.session).latest(symbol=BTC)
    assert [alert.text for alert in alerts] == [
        "binance takes no sale of BTC/USDT now: the bot's steps say why, and it tries again"
    ]
    executor.execute_order(BTC, OrderSide.SELL, venue.held(), OrderType.MARKET, price)
    assert executor.get_position(BTC)["is_flat"]
    assert_in_line(venue)


def test_fault_16_the_owners_own_orders_are_left_alone(venue):
    executor = venue.executor()
    low = str((price_of(executor) * Decimal("0.97")).quantize(Decimal("0.01")))
    venue.fault("manual_order", account=venue.account, symbol="BTCUSDT", side="BUY", quantity="0.01", price=low)
    executor.synchronize(BTC)
    assert OrderRepository(venue.session).by_symbol(BTC) == []
    assert len(executor._exchange.open_orders(BTC)) == 1


def test_fault_28_an_order_on_a_halted_market_is_refused_and_the_bot_goes_on(venue):
    executor = venue.executor()
    venue.fault("halt", symbol="BTCUSDT")
    try:
        with pytest.raises(OrderRejected):
            buy(executor)
    finally:
        venue.fault("trading", symbol="BTCUSDT")
    while executor.why_not_now(BTC):  # a pause is looked at again after a second
        pass
    buy(executor)
    assert_in_line(venue)


def test_fault_29_after_a_filter_refusal_the_market_is_read_again(venue):
    executor = venue.executor()
    assert executor._exchange.instrument(BTC).quantity_step == Decimal("0.00001")
    venue.fault("filter_change", symbol="BTCUSDT", filters={"stepSize": "0.001", "minQty": "0.001"})
    try:
        with pytest.raises(OrderRejected, match="LOT_SIZE"):
            buy(executor, "0.01234")
        assert executor._exchange.instrument(BTC).quantity_step == Decimal("0.001")
        assert buy(executor, "0.01234")["filled"] == 0.012
    finally:
        venue.fault("filter_change", symbol="BTCUSDT", filters={"stepSize": "0.00001", "minQty": "0.00001"})
    assert_in_line(venue)


def test_fault_32_an_order_refused_by_the_clock_is_sent_again_once_the_clock_is_right(venue):
    executor = venue.executor()
    executor._exchange._set_clock()
    venue.fault("outside_recv_window", phase="before", **ORDER)
    assert buy(executor)["status"] == "closed"
    assert len(venue.executed()) == 1
    assert_in_line(venue)


def test_fault_35_an_order_that_cannot_be_written_down_is_not_sent(venue, database_path):
    executor = venue.executor()
    price = price_of(executor)
    holder = (
        "import sys, sqlite3\n"
        f"c = sqlite3.connect({str(database_path)!r}, isolation_level=None); c.execute('BEGIN IMMEDIATE')\n"
        "print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(DatabaseError, match="locked"):
            executor.execute_order(BTC, OrderSide.BUY, Decimal("0.01"), OrderType.MARKET, price)
        other.communicate("")
    assert venue.executed() == {}


def test_fault_36_orders_that_a_restored_backup_lacks_are_adopted_and_their_numbers_not_used_again(venue):
    executor = venue.executor()
    buy(executor)
    for table in (Trade, Order, Holding, Sequence):
        venue.session.execute(delete(table))
    venue.session.commit()
    venue.session.expire_all()
    again = venue.executor()
    again.synchronize(BTC)
    assert "was not in the ledger: adopted" in again.reconciler.alerts[0]
    assert venue.held() == Decimal("0.00999")
    buy(again)
    assert len(venue.executed()) == 2
    assert_in_line(venue)


def test_fault_12_an_order_that_is_late_is_refused_before_the_engine_and_its_repetition_executed_once(
    session, monkeypatch, account_at
):
    monkeypatch.setattr("app.execution.ccxt_exchange.RECV_WINDOW_MS", 300)
    with exchange_process("--symbols", BTC, "--balance", "USDT=100000", "--key", "k0:secret-k0") as address:
        venue = account_at(address)
        executor = venue.executor()
        venue.fault("delay", phase="before", seconds=0.6, **ORDER)
        buy(executor)
        assert len(venue.executed()) == 1
        assert_in_line(venue)


def test_fault_33_an_exchange_that_is_away_leaves_the_order_in_doubt(venue):
    executor = venue.executor()
    executor._exchange.instrument(BTC)
    with exchange_process("--speed", "0") as elsewhere:
        gone = elsewhere.rest_url
    client = executor._exchange._client
    here = client.urls["api"]["private"]
    balances = executor._exchange.balances()
    executor._exchange.balances = lambda: balances
    client.urls["api"]["private"] = f"{gone}/api/v3"
    with pytest.raises(KeelError):
        buy(executor)
    client.urls["api"]["private"] = here
    venue.settle(executor)
    assert_in_line(venue)
    assert venue.executed() == {}


def test_while_the_fate_of_one_order_is_unknown_a_restart_does_not_forget_it(venue):
    executor = venue.executor()
    venue.fault("not_found_window", age=50, seconds=50, **ORDER)
    venue.fault("read_lag", lag=50, seconds=50, **ORDER)
    venue.fault("reset", phase="after", **ORDER)
    with suppress(OutcomeUnknown):
        buy(executor)
    again = venue.executor()
    venue.settle(again)
    assert_in_line(venue)
    assert len(venue.executed()) == 1


@pytest.mark.parametrize("moment", ["before it leaves", "on its way"])
def test_fault_32_an_order_that_was_overslept_is_not_sent_after_the_proof_of_its_absence(venue, moment):
    clock = SystemClock()
    executor = venue.executor(clock=clock)
    exchange, client = executor._exchange, executor._exchange._client
    exchange._clock = exchange._difference._clock = exchange._steps._clock = clock
    price, fetch, posts = price_of(executor), client.fetch, []

    def sleep(*_):
        """The machine, and not the exchange, for an hour; once."""
        if not clock.offset_ms:
            clock.offset_ms = 3_600_000
            venue.advance(3_600)

    def fetched(url, method="GET", *rest):
        if method == "POST":
            posts.append(url)
            if moment == "on its way" and len(posts) == 1:
                sleep()
                venue.fault("outside_recv_window", **ORDER)
            else:
                venue.fault("read_lag", lag=60, seconds=60, **ORDER)
                venue.fault("reset", phase="after", **ORDER)
        return fetch(url, method, *rest)

    client.fetch, client.milliseconds = fetched, clock.now_ms
    executor._exchange.get_ready(BTC)
    executor._exchange.instrument(BTC)
    if moment == "before it leaves":
        event.listen(venue.session, "after_flush", sleep)
    with suppress(OrderRejected):
        buy(executor, price=price)
    assert clock.offset_ms
    client.fetch = fetch
    venue.clear()
    buy(executor, price=price)
    venue.advance(120)
    assert len(venue.executed()) == 1
    venue.settle(executor)
    assert_in_line(venue)
