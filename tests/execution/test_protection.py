"""Protection at the exchange, over HTTP: placed, moved, resized, cancelled, lost, refused, in doubt, over restarts."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.core.enums import OrderSide, OrderType
from app.domain.errors import OrderRejected, OutcomeUnknown, StopReached
from app.domain.instrument import Stops
from app.domain.protection import Protection
from app.repositories import AlertRepository, OrderRepository

BTC = "BTC/USDT"
OWNER = {"symbol": "BTCUSDT"}
LIST, ORDER = "/api/v3/orderList/oco", "/api/v3/order"


def last(executor):
    return executor._exchange.last_price(BTC)


def buy(executor, quantity="0.01"):
    executor.execute_order(BTC, OrderSide.BUY, Decimal(quantity), OrderType.MARKET, last(executor))


def sell_all(executor):
    held = executor.get_position(BTC)["net_quantity"]
    return executor.execute_order(BTC, OrderSide.SELL, held, OrderType.MARKET, last(executor))


def levels(venue, executor, *, stop="0.9", target="1.1", part=None):
    """Protection of all that is held, at factors of the last price."""
    price, held = last(executor), venue.held()
    stop_at = None if stop is None else price * Decimal(stop)
    target_at = None if target is None else price * Decimal(target)
    return Protection(held, stop_at, target_at, held if part is None else held * Decimal(part))


def moves(venue, percent):
    """The price jumps, and the next trades are made there."""
    venue.fault("spike", percent=percent, **OWNER)
    venue.advance(5)


def resting(venue):
    """Kind and quantity of what rests at the exchange."""
    found = venue.executor()._exchange.open_orders(BTC)
    return sorted((report.side, f"{report.quantity.normalize():f}", report.is_guard) for report in found)


def statuses(venue):
    rows = OrderRepository(venue.session).by_symbol(BTC)
    return sorted((order.order_type, order.status) for order in rows if order.purpose == "protection")


def assert_in_line(venue):
    assert venue.held() == venue.balance()
    known = {order.id: order for order in OrderRepository(venue.session).by_symbol(BTC)}
    assert {name: known[name].filled for name in venue.executed()} == venue.executed()
    assert not OrderRepository(venue.session).unresolved(BTC)
    alive = OrderRepository(venue.session).protection(BTC)
    assert sorted(order.id for order in alive) == sorted(
        report.client_id for report in venue.executor()._exchange.open_orders(BTC)
    )
    assert sum(order.order_type != "limit_maker" for order in alive) <= 1


ONE_LIST = [("sell", "0.00999", True)] * 2
ONE_STOP = ONE_LIST[:1]


@pytest.fixture
def protected(venue):
    """A position with stop and target at the exchange."""
    executor = venue.executor()
    buy(executor)
    wanted = levels(venue, executor)
    executor.protect(BTC, wanted)
    assert resting(venue) == ONE_LIST
    return executor, wanted


def test_stop_and_target_rest_after_the_entry_and_are_left_alone(venue, protected):
    executor, wanted = protected
    before = venue.journal_end()
    executor.protect(BTC, wanted)
    assert [question for question in venue.asked(before) if question["method"] != "GET"] == []
    assert statuses(venue) == [("limit_maker", "open"), ("stop_loss", "open")]
    assert_in_line(venue)


def test_a_restart_finds_its_protection_and_places_no_second_one(venue, protected):
    _, wanted = protected
    executor = venue.executor()
    executor.synchronize(BTC)
    executor.protect(BTC, wanted)
    assert len(OrderRepository(venue.session).by_symbol(BTC)) == 3
    assert_in_line(venue)


@pytest.mark.parametrize(
    ("change", "rests"),
    [
        pytest.param({"stop": "0.95"}, ONE_LIST, id="trailing"),
        pytest.param({"target": "1.05"}, ONE_LIST, id="target"),
        pytest.param({"target": None}, ONE_STOP, id="without target"),
        pytest.param({"part": "0.5"}, ONE_STOP, id="a stage"),
        pytest.param({"stop": None}, [], id="without stop"),
    ],
)
def test_other_levels_replace_what_rests(venue, protected, change, rests):
    executor, _ = protected
    executor.protect(BTC, levels(venue, executor, **change))
    assert resting(venue) == rests
    assert_in_line(venue)


def test_after_another_entry_it_protects_all(venue, protected):
    executor, _ = protected
    buy(executor, "0.02")
    executor.protect(BTC, levels(venue, executor))
    assert resting(venue) == [("sell", "0.02997", True)] * 2
    assert_in_line(venue)


def test_an_exit_cancels_protection_first_and_sells_all(venue, protected):
    executor, _ = protected
    sell_all(executor)
    assert resting(venue) == []
    assert executor.get_position(BTC)["is_flat"]
    executor.protect(BTC, None)
    assert executor.taken_exits(BTC) == []
    assert_in_line(venue)


def test_protection_goes_with_the_position(venue, protected):
    executor, _ = protected
    executor.protect(BTC, None)
    assert resting(venue) == []
    assert_in_line(venue)


def test_the_kill_switch_takes_protection_too(venue, protected):
    executor, _ = protected
    assert executor.cancel_orders(BTC) == 2
    assert resting(venue) == []
    assert_in_line(venue)


def test_a_stop_that_fires_is_booked_as_a_stop_and_its_target_is_gone(venue, protected):
    executor, wanted = protected
    moves(venue, -15)
    executor.synchronize(BTC)
    (taken,) = executor.taken_exits(BTC)
    assert (taken.is_stop, taken.quantity) == (True, Decimal("0.00999"))
    assert taken.price <= wanted.stop
    assert executor.get_position(BTC)["is_flat"]
    executor.protect(BTC, None)
    assert resting(venue) == []
    assert_in_line(venue)


def test_a_target_that_is_taken_is_booked_as_a_target(venue, protected):
    executor, wanted = protected
    moves(venue, 15)
    executor.synchronize(BTC)
    (taken,) = executor.taken_exits(BTC)
    assert (taken.is_stop, taken.price) == (False, wanted.target.quantize(Decimal("0.01")))
    assert executor.get_position(BTC)["is_flat"]
    assert_in_line(venue)


def test_a_target_taken_in_part_leaves_the_rest_protected_by_stop_and_target(venue, protected):
    executor, _ = protected
    venue.fault("partial_fill", percent=40, account=venue.account, **OWNER)
    executor.synchronize(BTC)
    executor.protect(BTC, levels(venue, executor, target="1.2"))
    assert [row[2] for row in resting(venue)] == [True, True]
    assert venue.held() < Decimal("0.0065")
    assert_in_line(venue)


def test_a_stop_that_fires_while_an_exit_cancels_it_is_booked_and_nothing_is_sold_twice(venue, protected):
    executor, _ = protected
    cancel = executor._exchange.cancel_list
    executor._exchange.cancel_list = lambda *names: [moves(venue, -15), cancel(*names)][-1]
    with pytest.raises(OrderRejected, match="its protection sold it"):
        sell_all(executor)
    assert executor.get_position(BTC)["is_flat"]
    assert executor.taken_exits(BTC)[0].is_stop
    assert_in_line(venue)


def test_a_target_that_fills_in_part_while_an_exit_cancels_it_leaves_the_exit_the_rest(venue, protected):
    executor, _ = protected
    venue.fault("partial_fill", percent=40, method="DELETE", path="/api/v3/orderList", phase="before",
                account=venue.account, **OWNER)  # fmt: skip
    order = sell_all(executor)
    assert 0.0055 < order["filled"] < 0.0065
    assert executor.get_position(BTC)["is_flat"]
    assert_in_line(venue)


@pytest.mark.parametrize("kind", ["manual_cancel", "expire_order", "exchange_cancel"])
def test_lost_protection_is_noticed_and_placed_again_in_the_next_cycle(venue, protected, kind):
    _, wanted = protected
    venue.fault(kind, account=venue.account, **OWNER)
    assert resting(venue) == []
    executor = venue.executor()
    executor.synchronize(BTC)
    executor.protect(BTC, wanted)
    assert resting(venue) == ONE_LIST
    assert_in_line(venue)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "html", "half_json", "empty_object", "status_unknown"])
def test_a_protection_whose_answer_is_lost_is_placed_once(venue, kind, phase):
    executor = venue.executor()
    buy(executor)
    venue.fault(kind, phase=phase, method="POST", path=LIST)
    wanted = levels(venue, executor)
    try:
        executor.protect(BTC, wanted)
    except OutcomeUnknown:
        assert phase == "before"
        assert "must be found first" in executor.why_not_now(BTC)
        venue.settle(executor)
        venue.executor().protect(BTC, wanted)
    assert resting(venue) == ONE_LIST
    assert_in_line(venue)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("kind", ["reset", "html", "half_json", "status_unknown"])
def test_a_cancel_whose_answer_is_lost_never_leads_to_two(venue, protected, kind, phase):
    executor, _ = protected
    wanted = levels(venue, executor, stop="0.95")
    venue.fault(kind, phase=phase, method="DELETE", path="/api/v3/orderList")
    try:
        executor.protect(BTC, wanted)
    except OutcomeUnknown:
        assert resting(venue) == ONE_LIST
        executor = venue.executor()
        executor.synchronize(BTC)
        executor.protect(BTC, wanted)
    assert resting(venue) == ONE_LIST
    assert_in_line(venue)


def test_a_read_that_lags_behind_the_cancel_never_leads_to_two(venue, protected):
    executor, _ = protected
    venue.advance(30)
    venue.fault("read_lag", lag=20, seconds=30)
    executor.protect(BTC, levels(venue, executor, stop="0.95"))
    executor.synchronize(BTC)
    executor.protect(BTC, levels(venue, executor, stop="0.96"))
    venue.advance(31)
    executor.synchronize(BTC)
    assert resting(venue) == ONE_LIST
    assert_in_line(venue)


def test_a_death_between_cancel_and_placing_is_made_good_after_the_restart(venue, protected):
    executor, _ = protected
    executor.desk.base_balance = _dies
    wanted = levels(venue, executor, stop="0.95")
    with pytest.raises(SystemExit):
        executor.protect(BTC, wanted)
    assert resting(venue) == []
    executor = venue.executor()
    executor.synchronize(BTC)
    executor.protect(BTC, wanted)
    assert resting(venue) == ONE_LIST
    assert_in_line(venue)


def _dies(*_):
    raise SystemExit


def test_a_refusal_raises_an_alert_at_once_and_the_next_cycle_tries_again(venue):
    executor = venue.executor()
    buy(executor)
    venue.fault("reject_order", method="POST", path=LIST)
    wanted = levels(venue, executor)
    with pytest.raises(OrderRejected):
        executor.protect(BTC, wanted)
    alert = AlertRepository(venue.session).latest()[0]
    assert alert.severity == "critical"
    assert "only the bot's own is armed" in alert.text
    executor.protect(BTC, wanted)
    assert resting(venue) == ONE_LIST
    assert_in_line(venue)


def test_a_stop_that_the_price_reached_already_is_not_sent(venue, protected):
    executor, _ = protected
    before = venue.journal_end()
    with pytest.raises(StopReached, match="sold at market"):
        executor.protect(BTC, levels(venue, executor, stop="1.01"))
    assert [question for question in venue.asked(before) if question["method"] != "GET"] == []
    sell_all(executor)
    assert_in_line(venue)


def test_a_stop_that_the_price_reaches_while_it_travels_is_told_from_other_refusals(venue):
    executor = venue.executor()
    buy(executor)
    wanted = levels(venue, executor, target=None, stop="0.999")
    moved = iter([last(executor), wanted.stop - 1])
    executor.desk.last_price = lambda _: next(moved)
    venue.fault("error", method="POST", path=ORDER, code=-2010, msg="Stop price would trigger immediately.")
    with pytest.raises(StopReached, match="meanwhile"):
        executor.protect(BTC, wanted)
    assert AlertRepository(venue.session).latest() == []
    assert_in_line(venue)


def test_a_target_that_the_price_is_above_already_leaves_a_stop_alone(venue):
    executor = venue.executor()
    buy(executor)
    for _ in range(2):
        executor.protect(BTC, levels(venue, executor, target="0.99"))
    assert resting(venue) == ONE_STOP
    assert len(OrderRepository(venue.session).by_symbol(BTC)) == 2
    assert_in_line(venue)


def test_a_position_too_small_for_a_stop_says_so_once(venue):
    executor = venue.executor()
    buy(executor, "0.0001")
    for _ in range(2):
        executor.protect(BTC, levels(venue, executor, stop="0.5"))
    texts = [alert.text for alert in AlertRepository(venue.session).latest()]
    assert len([text for text in texts if "below the market's minimum" in text]) == 1
    assert resting(venue) == []


def test_protection_that_the_ledger_lost_is_adopted_and_replaced(venue, protected):
    executor, wanted = protected
    for order in OrderRepository(venue.session).protection(BTC):
        venue.session.delete(order)
    venue.session.commit()
    executor = venue.executor()
    executor.synchronize(BTC)
    executor.protect(BTC, wanted)
    assert resting(venue) == ONE_LIST
    assert_in_line(venue)


def test_nothing_is_placed_beside_an_exit_that_rests(venue):
    executor = venue.executor()
    buy(executor)
    held = executor.get_position(BTC)["net_quantity"]
    price = (last(executor) * Decimal("1.05")).quantize(Decimal("0.01"))
    executor.execute_order(BTC, OrderSide.SELL, held, OrderType.LIMIT, price)
    executor.protect(BTC, levels(venue, executor))
    assert len(resting(venue)) == 1
    assert not resting(venue)[0][2]


def on_a_market_with(executor, stops):
    market = executor.desk.market
    executor.desk.market = lambda symbol: replace(market(symbol), stops=stops)


def test_where_no_stop_sells_at_market_one_with_a_limit_rests(venue):
    executor = venue.executor()
    buy(executor)
    on_a_market_with(executor, Stops(at_limit=True, oco=True))
    for factor in ("0.9", "0.95"):
        executor.protect(BTC, levels(venue, executor, stop=factor))
    rows = OrderRepository(venue.session).protection(BTC)
    stop = next(order for order in rows if order.order_type == "stop_loss_limit")
    assert stop.price == pytest.approx(stop.stop_price * Decimal("0.98"), abs=Decimal("0.01"))
    assert resting(venue) == ONE_LIST
    assert_in_line(venue)


def test_where_stops_cannot_rest_an_alert_says_so_once(venue):
    executor = venue.executor()
    buy(executor)
    on_a_market_with(executor, Stops())
    for _ in range(2):
        executor.protect(BTC, levels(venue, executor))
    assert resting(venue) == []
    assert ["work only while the bot runs" in alert.text for alert in AlertRepository(venue.session).latest()] == [True]


def doubtful(venue, *, lag=False, **fault):
    """A position whose protection was sent, and nobody knows what became of it; with `lag` reads do not tell, either."""
    executor = venue.executor()
    buy(executor)
    if lag:
        venue.advance(61)
        venue.fault("read_lag", lag=60, seconds=60)
    venue.fault(**{"kind": "reset", "phase": "before", "method": "POST", "path": LIST} | fault)
    wanted = levels(venue, executor, stop="0.95")
    with pytest.raises(OutcomeUnknown):
        executor.protect(BTC, wanted)
    return executor, wanted


def test_protection_that_never_arrived_keeps_no_exit_waiting_but_entries(venue):
    executor, _ = doubtful(venue)
    assert executor.why_no_exit(BTC) is None
    assert sell_all(executor)["filled"] == pytest.approx(0.00999)
    assert executor.get_position(BTC)["is_flat"]
    with pytest.raises(OutcomeUnknown, match="must be found first"):
        buy(executor)
    venue.settle(executor)
    buy(executor)
    assert_in_line(venue)


def test_protection_that_arrives_after_the_exit_finds_no_coins(venue):
    before = venue.journal_end()
    executor, _ = doubtful(venue, kind="delay", seconds=3)
    sell_all(executor)
    while not (late := [question for question in venue.asked(before) if question["path"] == LIST]):
        """It is still on its way."""
    assert [question["code"] for question in late] == [-2010]
    assert resting(venue) == []
    venue.settle(executor)
    assert executor.get_position(BTC)["is_flat"]
    assert_in_line(venue)


def test_protection_that_rests_unseen_is_cancelled_by_its_own_id_before_the_exit(venue):
    executor, _ = doubtful(venue, lag=True, phase="after")
    sell_all(executor)
    assert not OrderRepository(venue.session).protection(BTC)
    venue.advance(61)
    executor.synchronize(BTC)
    assert executor.get_position(BTC)["is_flat"]
    assert_in_line(venue)


def test_protection_that_sold_unseen_has_the_exit_refused(venue):
    executor, _ = doubtful(venue, lag=True, phase="after")
    moves(venue, -15)
    with pytest.raises(OrderRejected, match="insufficient balance"):
        sell_all(executor)
    venue.advance(61)
    executor.synchronize(BTC)
    assert executor.get_position(BTC)["is_flat"]
    assert executor.taken_exits(BTC)[0].is_stop
    assert_in_line(venue)


def test_beside_coins_of_others_an_exit_waits_until_the_doubt_is_over(venue):
    venue.fault("deposit", account=venue.account, asset="BTC", amount="1")
    executor, _ = doubtful(venue)
    assert "1.00000000 BTC of the account are not the bot's" in executor.why_no_exit(BTC)
    with pytest.raises(OutcomeUnknown, match="are not the bot's"):
        sell_all(executor)
    venue.settle(executor)
    sell_all(executor)
    assert venue.held() == 0
    assert venue.balance() == 1


def test_beside_coins_of_others_an_exit_waits_also_when_the_balance_lacks_the_purchase_still(venue):
    venue.fault("deposit", account=venue.account, asset="BTC", amount="0.00999")
    venue.advance(61)
    venue.fault("read_lag", lag=60, seconds=60)
    executor, _ = doubtful(venue)
    with pytest.raises(OutcomeUnknown, match="0.00999 BTC of the account are not the bot's"):
        sell_all(executor)
    venue.settle(executor)
    sell_all(executor)
    assert venue.held() == 0
    assert venue.balance() == Decimal("0.00999")
