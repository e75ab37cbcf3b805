"""What happens from outside: money that comes and goes, halts, new rules, delisting, orders that expire by themselves."""

import pytest

from exchange_simulator.engine.account import Account, Balance
from exchange_simulator.engine.errors import ApiError
from exchange_simulator.engine.events import BalanceChanged, BalanceDelta, InstrumentChanged, OrderUpdate
from exchange_simulator.engine.instrument import SymbolStatus, spot_instrument
from exchange_simulator.engine.numbers import SCALE, parse
from exchange_simulator.engine.orders import ExecutionType, OrderStatus


def of_kind(floor, kind):
    return [event for event in floor.events if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("do", "free", "locked", "delta", "is_lock"),
    [
        pytest.param(lambda x, a: x.deposit(a, "BTC", parse("2")), "12", "0", "2", False, id="deposit"),
        pytest.param(lambda x, a: x.withdraw(a, "BTC", parse("2")), "8", "0", "-2", False, id="withdrawal"),
        pytest.param(lambda x, a: x.lock_external(a, "BTC", parse("2")), "8", "2", "2", True, id="lock from outside"),
    ],
)
def test_money_moves_from_outside_and_is_reported(floor, do, free, locked, delta, is_lock):
    do(floor.exchange, floor.ann)
    assert floor.held(floor.ann, "BTC") == (parse(free), parse(locked))
    (event,) = of_kind(floor, BalanceDelta)
    assert (event.account, event.delta, event.is_lock) == ("ann", parse(delta), is_lock)
    assert [changed.account for changed in of_kind(floor, BalanceChanged)] == ["ann"]


def test_what_was_locked_from_outside_can_be_freed_again(floor):
    floor.exchange.lock_external(floor.ann, "BTC", parse("2"))
    floor.exchange.lock_external(floor.ann, "BTC", parse("-2"))
    assert floor.held(floor.ann, "BTC") == (parse("10"), 0)


def test_orders_can_be_canceled_while_a_symbol_is_halted_but_not_placed(floor):
    order = floor.place(floor.ann, "BUY", quantity="1", price="100")
    floor.exchange.set_status("BTCUSDT", SymbolStatus.HALT)
    with pytest.raises(ApiError, match="Market is closed"):
        floor.place(floor.ann, "BUY", quantity="1", price="100")
    assert floor.exchange.cancel(floor.ann, "BTCUSDT", order_id=order.order_id).status is OrderStatus.CANCELED
    floor.exchange.set_status("BTCUSDT", SymbolStatus.TRADING)
    assert floor.place(floor.ann, "BUY", quantity="1", price="100").status is OrderStatus.NEW


def test_new_rules_hold_for_new_orders_and_old_orders_stay_and_fill(floor):
    old = floor.place(floor.ann, "BUY", quantity="1.00003", price="100.01")
    floor.exchange.set_filters("BTCUSDT", tick_size=SCALE, step_size=SCALE // 10)
    with pytest.raises(ApiError, match="PRICE_FILTER"):
        floor.place(floor.ann, "BUY", quantity="1", price="100.01")
    floor.exchange.set_filters("BTCUSDT", tick_size=SCALE // 100, step_size=SCALE // 100_000)
    floor.place(floor.bob, "SELL", quantity="1.00003", price="100.01")
    assert old.status is OrderStatus.FILLED
    assert [event.symbol for event in of_kind(floor, InstrumentChanged)] == ["BTCUSDT"] * 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"colour": 1}, "an instrument has no such rule", id="no such rule"),
        pytest.param({"tick_size": 1, "step_size": 1}, "choose them so that tick", id="amounts would not be whole"),
    ],
)
def test_rules_that_cannot_be_are_refused_in_a_sentence(floor, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        floor.exchange.set_filters("BTCUSDT", **changes)


def test_a_removed_symbol_is_gone_and_its_orders_expire(floor):
    floor.trade_at("100")
    floor.quote(("SELL", "110", "1"))
    orders = [
        floor.place(floor.ann, "BUY", quantity="1", price="90"),
        floor.place(floor.ann, "SELL", "STOP_LOSS", quantity="1", stop_price="80"),
    ]
    assert "BTCUSDT" in floor.exchange.instruments()
    floor.exchange.remove_symbol("BTCUSDT")
    assert [order.status for order in orders] == [OrderStatus.EXPIRED] * 2
    assert (floor.held(floor.ann, "BTC"), floor.held(floor.ann, "USDT")) == ((parse("10"), 0), (parse("1000000"), 0))
    with pytest.raises(ApiError, match="Invalid symbol"):
        floor.exchange.depth("BTCUSDT")
    assert list(floor.exchange.instruments()) == ["BNBUSDT"]


def test_an_order_expires_without_anyone_asking(floor):
    order = floor.place(floor.ann, "BUY", quantity="1", price="90")
    floor.exchange.expire_order(floor.ann, "BTCUSDT", order.order_id)
    update = of_kind(floor, OrderUpdate)[-1]
    assert (update.execution, update.reject, order.status) == (ExecutionType.EXPIRED, "EXCHANGE_CANCELED", "EXPIRED")
    assert floor.exchange.depth("BTCUSDT").bids == []


def test_a_name_and_a_symbol_exist_once(floor):
    with pytest.raises(ValueError, match="already an account called 'ann'"):
        floor.exchange.add_account(Account("ann", [], {"USDT": Balance(1)}))
    with pytest.raises(ValueError, match="BTCUSDT is listed already"):
        floor.exchange.list_symbol(spot_instrument("BTC", "USDT"))


def test_accounts_are_told_apart_from_the_house(floor):
    assert list(floor.exchange.accounts()) == ["ann", "bob"]
    assert floor.exchange.account("house") is floor.exchange.house
