"""Levels of an open position: where the first stop lies, how it moves, where profit is taken."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.grid import Grid, grid_of
from app.risk.exits import (
    BREAK_EVEN,
    FIXED,
    LONG,
    NO_STOP,
    SHORT,
    TRAILING,
    ExitRules,
    after_candle,
    averaged,
    is_overdue,
    next_target,
    opened,
    stage_closed,
)

CENTS = grid_of(Decimal("0.01"))
NO_GRID = Grid(0.0, 0.0)


@pytest.mark.parametrize(
    ("side", "rules", "atr", "stop", "target"),
    [
        pytest.param(LONG, ExitRules(), 0.0, 0.0, 0.0, id="no exits, no levels"),
        pytest.param(LONG, ExitRules(stop=0.02, target=0.04), 0.0, 98.0, 104.0, id="long: stop below, target above"),
        pytest.param(SHORT, ExitRules(stop=0.02, target=0.04), 0.0, 102.0, 96.0, id="short: the mirror image"),
        pytest.param(LONG, ExitRules(stop_atr=2.0, target_atr=3.0), 1.5, 97.0, 104.5, id="distances in true ranges"),
        pytest.param(LONG, ExitRules(stop=0.012345, target=0.012345), 0.0, 98.76, 101.24, id="rounded away from entry"),
        pytest.param(LONG, ExitRules(stop_atr=2.0), 0.0, 0.0, 0.0, id="no range known, no stop"),
        pytest.param(LONG, ExitRules(stop_atr=2.0), 80.0, 0.0, 0.0, id="a stop below zero is none"),
    ],
)
def test_first_levels(side, rules, atr, stop, target):
    held = opened(side, 100.0, atr, rules, CENTS)
    assert (held.stop, next_target(held, rules, CENTS)[0]) == (stop, target)
    assert held.stop_kind == (FIXED if stop else NO_STOP)


TRAIL = ExitRules(stop=0.05, trail=0.02, trail_from=0.01)


@pytest.mark.parametrize(
    ("side", "rules", "candles", "stop", "kind"),
    [
        pytest.param(LONG, TRAIL, [(100.5, 99.5)], 95.0, FIXED, id="not yet active"),
        pytest.param(LONG, TRAIL, [(101.0, 99.5)], 98.98, TRAILING, id="active at its profit, to the tick"),
        pytest.param(LONG, TRAIL, [(110.0, 100.0), (105.0, 104.0)], 107.8, TRAILING, id="never moves back"),
        pytest.param(SHORT, TRAIL, [(100.0, 90.0), (95.0, 94.0)], 91.8, TRAILING, id="short: follows the low"),
        pytest.param(
            LONG, ExitRules(stop=0.05, break_even=0.03), [(102.9, 99.0)], 95.0, FIXED, id="break-even not yet"
        ),
        pytest.param(LONG, ExitRules(stop=0.05, break_even=0.03), [(103.0, 99.0)], 100.0, BREAK_EVEN, id="break-even"),
        pytest.param(
            LONG,
            ExitRules(break_even=0.01, trail=0.02),
            [(103.0, 99.0)],
            100.94,
            TRAILING,
            id="the better of two stops",
        ),
        pytest.param(LONG, ExitRules(trail=0.02), [(100.0, 99.0)], 98.0, TRAILING, id="trailing from the start"),
        pytest.param(LONG, ExitRules(), [(120.0, 99.0)], 0.0, NO_STOP, id="nothing to move"),
    ],
)
def test_stop_after_candles(side, rules, candles, stop, kind):
    held = opened(side, 100.0, 0.0, rules, CENTS)
    for high, low in candles:
        held = after_candle(held, high, low, rules, CENTS)
    assert (held.stop, held.stop_kind, held.candles) == (stop, kind, len(candles))


def test_stages_are_taken_one_after_the_other_and_then_the_rest():
    rules = ExitRules(target=0.1, stage_at=(0.02, 0.04, 0.0), stage_part=(0.5, 0.25, 0.0))
    held = opened(LONG, 100.0, 0.0, rules, CENTS)
    seen = []
    for _ in range(3):
        seen.append(next_target(held, rules, CENTS))
        held = stage_closed(held)
    assert seen == [(102.0, 0.5), (104.0, 0.25), (110.0, 1.0)]


def test_adding_to_a_position_counts_from_the_new_average_but_never_lowers_the_stop():
    rules = ExitRules(stop=0.02)
    up = averaged(opened(LONG, 100.0, 0.0, rules, CENTS), 110.0, rules, CENTS)
    down = averaged(opened(LONG, 100.0, 0.0, rules, CENTS), 90.0, rules, CENTS)
    assert (up.entry, up.stop, down.entry, down.stop) == (110.0, 107.8, 90.0, 98.0)


@pytest.mark.parametrize(("max_hold", "candles", "overdue"), [(0, 99, False), (3, 2, False), (3, 3, True)])
def test_a_position_is_overdue_after_its_candles(max_hold, candles, overdue):
    rules = ExitRules(max_hold=max_hold)
    held = opened(LONG, 100.0, 0.0, rules, CENTS)
    for _ in range(candles):
        held = after_candle(held, 101.0, 99.0, rules, CENTS)
    assert is_overdue(held, rules) is overdue


fractions = st.floats(0.0, 0.5)
rules_of_all_kinds = st.builds(
    ExitRules,
    stop=fractions,
    target=fractions,
    trail=fractions,
    trail_from=fractions,
    break_even=fractions,
    stop_atr=st.sampled_from([0.0, 1.0, 2.5]),
    trail_atr=st.sampled_from([0.0, 1.0, 2.5]),
)
candles_of_all_kinds = st.lists(st.tuples(st.floats(1.0, 500.0), st.floats(0.0, 1.0)), max_size=20)


@given(st.sampled_from([LONG, SHORT]), rules_of_all_kinds, candles_of_all_kinds, st.sampled_from([NO_GRID, CENTS]))
def test_a_stop_never_moves_away_from_profit_and_always_lies_on_the_grid(side, rules, candles, ticks):
    held = opened(side, 100.0, 2.0, rules, ticks)
    for high, share in candles:
        before, held = held, after_candle(held, high, high * share, rules, ticks)
        if before.stop:
            assert side * (held.stop - before.stop) >= 0.0
        if ticks.step:
            assert held.stop == round(held.stop, 2)
