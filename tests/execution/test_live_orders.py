"""Whatever happens to an answer, the ledger ends up equal to the exchange and no order is executed twice."""

from contextlib import suppress
from decimal import Decimal

import pytest

from app.core.enums import OrderSide, OrderType
from app.domain.errors import InsufficientFunds, KeelError, KeyRevoked, OrderRejected, OutcomeUnknown
from app.domain.order import OrderStatus
from app.repositories import OrderRepository, TradeRepository

BTC = "BTC/USDT"
ORDER = {"method": "POST", "path": "/api/v3/order"}


def price_of(executor) -> Decimal:
    return Decimal(str(executor._exchange._client.fetch_ticker(BTC)["last"]))


def buy(venue, executor, quantity="0.01"):
    return executor.execute_order(BTC, OrderSide.BUY, Decimal(quantity), OrderType.MARKET, price_of(executor))


def assert_in_line(venue):
    """Ledger and exchange agree, and every client id was executed at most once."""
    assert venue.held() == venue.balance()
    orders = {order.id: order for order in OrderRepository(venue.session).by_symbol(BTC)}
    executed = venue.executed()
    assert set(executed) <= set(orders)
    for client_id, filled in executed.items():
        assert orders[client_id].filled == filled
    assert not OrderRepository(venue.session).unresolved(BTC)


def test_a_market_order_is_booked_with_its_fee_in_the_asset_that_was_taken(venue):
    executor = venue.executor()
    order = buy(venue, executor)
    assert (order["status"], order["filled"]) == ("closed", 0.01)
    assert venue.held() == Decimal("0.01") * (1 - Decimal("0.001"))
    assert_in_line(venue)


def test_a_sale_of_the_whole_position_takes_what_is_left_after_fees(venue):
    executor = venue.executor()
    buy(venue, executor, "0.5")
    held = executor.get_position(BTC)["net_quantity"]
    executor.execute_order(BTC, OrderSide.SELL, held, OrderType.MARKET, price_of(executor))
    assert venue.held() == held - Decimal("0.49950")
    assert_in_line(venue)


LOST_ANSWERS = ["reset", "close", "no_answer", "truncate", "half_json", "html", "empty", "empty_object", "empty_list",
                "null", "wrong_shape", "null_fields", "nan_numbers", "status_unknown", "maintenance", "slow_drip"]  # fmt: skip
SERVER_ERRORS = [
    (500, -1001),
    (503, -1000),
    (503, -1008),
    (502, 0),
    (504, -1007),
    (400, -9999),
    (408, -1007),
    (400, -1006),
]


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("kind", LOST_ANSWERS)
def test_faults_1_to_4_an_answer_that_is_lost_or_garbled_costs_nothing(venue, kind, phase):
    executor = venue.executor()
    venue.fault(kind, phase=phase, **ORDER)
    with suppress(OutcomeUnknown, OrderRejected):
        buy(venue, executor)
    venue.settle(executor)
    assert_in_line(venue)
    assert len(venue.executed()) <= 1


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize(("status", "code"), SERVER_ERRORS)
def test_fault_2_a_server_error_says_nothing_about_the_order(venue, status, code, phase):
    executor = venue.executor()
    venue.fault("error", phase=phase, status=status, code=code, msg="as it happens", **ORDER)
    with suppress(OutcomeUnknown, OrderRejected):
        buy(venue, executor)
    venue.settle(executor)
    assert_in_line(venue)
    assert len(venue.executed()) == (1 if phase == "after" else 0)


def test_while_an_order_is_in_doubt_no_other_is_sent_for_the_symbol(venue):
    executor = venue.executor()
    venue.fault("not_found_window", age=3600, seconds=3600)
    venue.fault("reset", phase="before", **ORDER)
    with pytest.raises(OutcomeUnknown):
        buy(venue, executor)
    with pytest.raises(OutcomeUnknown, match="frozen"):
        buy(venue, executor)
    assert venue.executed() == {}


def test_fault_5_not_found_right_after_success_is_no_proof(venue):
    executor = venue.executor()
    venue.fault("not_found_window", age=20, seconds=30, **ORDER)
    venue.fault("read_lag", lag=20, seconds=30, **ORDER)
    venue.fault("reset", phase="after", **ORDER)
    with suppress(OutcomeUnknown):
        buy(venue, executor)
    venue.settle(executor)
    assert_in_line(venue)
    assert len(venue.executed()) == 1


def test_fault_13_a_fee_in_the_base_asset_leaves_less_than_was_bought(venue):
    executor = venue.executor()
    buy(venue, executor, "0.79")
    with suppress(KeelError):
        executor.execute_order(BTC, OrderSide.SELL, Decimal("0.79"), OrderType.MARKET, price_of(executor))
    assert_in_line(venue)


def test_fault_14_a_fee_in_a_third_asset_leaves_the_position_whole(venue):
    executor = venue.executor()
    venue.fault("deposit", account=venue.account, asset="BNB", amount="5")
    venue.fault("fee_asset_switch", account=venue.account, pay_in_bnb=True)
    buy(venue, executor)
    assert venue.held() in {Decimal("0.01"), Decimal("0.00999")}
    assert_in_line(venue)


def test_fault_16_coins_that_left_shrink_the_position_with_a_reason(venue):
    executor = venue.executor()
    buy(venue, executor)
    venue.fault("withdraw", account=venue.account, asset="BTC", amount="0.004")
    executor.synchronize(BTC)
    assert venue.held() == Decimal("0.00999")  # a balance may lag behind our own purchase
    venue.advance(61)
    executor.synchronize(BTC)
    assert venue.held() == Decimal("0.00999") - Decimal("0.004")
    assert "left without us" in executor.reconciler.alerts[-1]
    assert_in_line(venue)


def test_fault_16_coins_that_the_bot_did_not_buy_are_never_sold(venue):
    executor = venue.executor()
    buy(venue, executor)
    venue.fault("deposit", account=venue.account, asset="BTC", amount="1")
    executor.execute_order(BTC, OrderSide.SELL, Decimal("1.00999"), OrderType.MARKET, price_of(executor))
    assert venue.balance() == Decimal("1.00000")
    assert venue.held() == 0


def test_fault_31_a_revoked_key_is_final(venue):
    executor = venue.executor()
    venue.fault("key_revoked", count=None, phase="before")
    with pytest.raises(KeyRevoked, match="API key"):
        executor.synchronize(BTC)


def test_fault_30_nothing_is_asked_while_the_exchange_wants_to_be_left_alone(venue):
    executor = venue.executor()
    executor._exchange.instrument(BTC)
    venue.fault("too_many_requests", retry_after=60, phase="before", method="GET", path="/api/v3/account")
    with pytest.raises(KeelError):
        buy(venue, executor)
    with pytest.raises(KeelError, match="left alone"):
        executor._exchange.balances()


@pytest.mark.fault(10)
def test_a_definitive_refusal_is_recorded_and_final(venue):
    executor = venue.executor()
    with pytest.raises(OrderRejected, match="insufficient balance"):
        buy(venue, executor, "5")
    order = OrderRepository(venue.session).by_symbol(BTC)[0]
    assert order.status == OrderStatus.REJECTED
    assert "insufficient balance" in order.note
    assert_in_line(venue)


def test_a_sale_without_holding_is_refused_before_it_is_sent(venue):
    executor = venue.executor()
    with pytest.raises(InsufficientFunds, match="0 held"):
        executor.execute_order(BTC, OrderSide.SELL, Decimal("0.1"), OrderType.MARKET, Decimal(60_000))
    assert OrderRepository(venue.session).by_symbol(BTC) == []


def test_fault_34_an_order_whose_answer_died_with_the_process_is_found_after_the_restart(venue):
    executor = venue.executor()
    venue.fault("reset", phase="after", **ORDER)
    venue.fault("not_found_window", age=5, seconds=10, **ORDER)
    with suppress(OutcomeUnknown):
        buy(venue, executor)
    again = venue.executor()
    venue.settle(again)
    assert_in_line(venue)
    assert len(TradeRepository(venue.session).get_by_symbol(BTC)) >= 1
