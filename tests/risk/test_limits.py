"""What may be opened, when only exits are made, when nothing at all."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.risk import codes
from app.risk.limits import (
    DAY_MS,
    HALTED,
    REDUCING,
    TRADING,
    Account,
    Limits,
    begun,
    day_of,
    entry_refusal,
    halted,
    lifted,
    marked,
    must_close,
    room,
    trade_closed,
)
from app.risk.reasons import REFUSALS

FRESH = begun(1_000.0, 10)
SOME = Account(equity=1_000.0)


@pytest.mark.parametrize(
    ("limits", "account", "code"),
    [
        pytest.param(Limits(), SOME, codes.OK, id="no limits"),
        pytest.param(Limits(), SOME._replace(age=1), codes.STALE, id="a late candle"),
        pytest.param(Limits(max_spread=0.01), SOME._replace(spread=0.01), codes.OK, id="spread at its limit"),
        pytest.param(Limits(max_spread=0.01), SOME._replace(spread=0.011), codes.WIDE_SPREAD, id="spread too wide"),
        pytest.param(Limits(band=0.01), SOME._replace(gap=0.02), codes.OUTSIDE_BAND, id="price far from the close"),
        pytest.param(Limits(orders_per_minute=2), SOME._replace(orders=1), codes.OK, id="one order of two"),
        pytest.param(Limits(orders_per_minute=2), SOME._replace(orders=2), codes.TOO_MANY_ORDERS, id="two orders of two"),
        pytest.param(Limits(max_positions=2), SOME._replace(positions=2), codes.TOO_MANY_POSITIONS, id="two others are open"),
        pytest.param(Limits(max_positions=2, max_entries=2), SOME._replace(positions=2, entries=1), codes.OK, id="adding opens no position"),
        pytest.param(Limits(), SOME._replace(entries=1), codes.TOO_MANY_ENTRIES, id="one entry by default"),
        pytest.param(Limits(max_correlation=0.5), SOME._replace(correlation=0.6), codes.CORRELATED, id="correlated"),
        pytest.param(Limits(symbol_share=0.2), SOME._replace(exposure=199.0), codes.OK, id="room in the symbol"),
        pytest.param(Limits(symbol_share=0.2), SOME._replace(exposure=200.0), codes.NO_ROOM, id="no room in the symbol"),
        pytest.param(Limits(total_share=0.5), SOME._replace(total_exposure=600.0), codes.NO_ROOM, id="no room in total"),
    ],
)  # fmt: skip
def test_entries_are_refused(limits, account, code):
    assert entry_refusal(FRESH, limits, account) == code


NUMBERS = ["equity", "exposure", "total_exposure", "gap", "spread", "correlation"]
RATES = ["symbol_share", "total_share", "band", "max_spread", "daily_loss", "drawdown", "max_correlation"]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_nan_in_the_account_refuses(name):
    assert entry_refusal(FRESH, Limits(), SOME._replace(**{name: math.nan})) == codes.NOT_A_NUMBER


@pytest.mark.parametrize("name", RATES)
def test_a_nan_in_a_limit_refuses_and_halts(name):
    broken = Limits()._replace(**{name: math.nan})
    assert entry_refusal(FRESH, broken, SOME) == codes.NOT_A_NUMBER
    assert marked(FRESH, 1_000.0, 10, broken, is_flat=True).state == HALTED


def test_a_nan_equity_or_profit_halts():
    for after in (marked(FRESH, math.nan, 10, Limits(), is_flat=True), trade_closed(FRESH, math.nan, False, Limits())):
        assert (after.state, after.cause) == (HALTED, codes.NOT_A_NUMBER)


def test_the_room_is_what_the_narrower_exposure_leaves():
    account = SOME._replace(exposure=100.0, total_exposure=300.0)
    assert room(Limits(), account) == math.inf
    assert room(Limits(symbol_share=0.5, total_share=0.5), account) == 200.0


@pytest.mark.parametrize(
    ("limits", "equities", "states"),
    [
        pytest.param(Limits(), [1.0], [TRADING], id="without limits nothing stops"),
        pytest.param(Limits(daily_loss=0.1), [901.0, 900.0, 990.0], [TRADING, REDUCING, REDUCING], id="the day's loss, until its end"),
        pytest.param(Limits(drawdown=0.1), [1_100.0, 991.0, 990.0, 1_100.0], [TRADING, TRADING, REDUCING, REDUCING], id="drawdown from the high, for good"),
    ],
)  # fmt: skip
def test_states_while_something_is_held(limits, equities, states):
    standing, seen = FRESH, []
    for equity in equities:
        standing = marked(standing, equity, 10, limits, is_flat=False)
        seen.append(standing.state)
    assert seen == states


def test_a_drawdown_closes_what_is_held_and_halts_when_nothing_is():
    limits = Limits(drawdown=0.1)
    reducing = marked(FRESH, 900.0, 10, limits, is_flat=False)
    assert must_close(reducing, limits)
    assert not must_close(reducing, limits._replace(close_on_drawdown=0))
    after = marked(reducing, 905.0, 11, limits, is_flat=True)
    assert (after.state, after.cause) == (HALTED, codes.DRAWDOWN)
    assert marked(after, 2_000.0, 12, limits, is_flat=True) == after
    again = lifted(after, 905.0)
    assert marked(again, 905.0, 12, limits, is_flat=True).state == TRADING


def test_a_day_begins_with_what_the_last_one_ended_with():
    limits = Limits(daily_loss=0.1)
    standing = marked(FRESH, 1_000.0, 10, limits, is_flat=False)
    assert marked(standing, 900.0, 11, limits, is_flat=False).cause == codes.DAILY_LOSS
    lost = marked(standing, 900.0, 10, limits, is_flat=False)
    assert marked(lost, 890.0, 11, limits, is_flat=False).state == TRADING


def test_losses_in_a_row_stop_entries_until_the_next_day():
    limits, standing = Limits(losses_in_a_row=2), FRESH
    for profit in (-1.0, 1.0, -1.0, -1.0):
        assert standing.state == TRADING
        standing = marked(trade_closed(standing, profit, False, limits), 1_000.0, 10, limits, is_flat=True)
    assert (standing.state, standing.cause) == (REDUCING, codes.LOSSES_IN_A_ROW)
    assert marked(standing, 1_000.0, 11, limits, is_flat=True)[:2] == (TRADING, codes.OK)


def test_after_a_stop_no_entry_is_made_for_as_many_closes():
    limits = Limits(cooldown=2)
    standing, seen = trade_closed(FRESH, -1.0, True, limits), []
    for _ in range(4):
        standing = marked(standing, 1_000.0, 10, limits, is_flat=True)
        seen.append(entry_refusal(standing, limits, SOME))
    assert seen == [codes.COOLDOWN, codes.COOLDOWN, codes.OK, codes.OK]


def test_midnight_ends_a_day():
    assert [day_of(2 * DAY_MS + late) for late in (-1, 0, 1)] == [1, 1, 2]


def test_every_code_has_words():
    assert {getattr(codes, name) for name in dir(codes) if name.isupper()} - {codes.OK} == set(REFUSALS)


@given(st.sampled_from([codes.NOT_A_NUMBER, codes.KILL_SWITCH]), st.lists(st.floats(allow_nan=True), max_size=9))
def test_only_a_person_lifts_a_halt(cause, equities):
    standing = halted(FRESH, cause)
    for day, equity in enumerate(equities, 10):
        standing = trade_closed(marked(standing, equity, day, Limits(), is_flat=True), 1.0, False, Limits())
        assert standing.state == HALTED
        assert entry_refusal(standing, Limits(), SOME) in (codes.NOT_A_NUMBER, codes.KILL_SWITCH)
