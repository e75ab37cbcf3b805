"""Returns, ratios and drawdowns: by hand, at the edges, and as properties."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.analytics.arrays import equity_path, periods_per_year
from app.analytics.drawdown import drawdowns, falls
from app.analytics.returns import (
    cagr,
    calmar,
    candle_returns,
    deviation,
    expected_shortfall,
    moments,
    omega,
    path_moments,
    sharpe,
    sortino,
    total_return,
    value_at_risk,
    volatility,
)

EQUITY = arrays(np.float64, st.integers(1, 60), elements=st.floats(1.0, 1e6))


def returns_of(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_a_year_has_365_days_of_24_hours():
    assert periods_per_year(60_000) == 525_600
    assert periods_per_year(86_400_000) == 365


def test_ratios_are_those_computed_by_hand():
    of = moments(returns_of(0.10, -0.05, 0.02, -0.01))
    # mean 0.015; deviations 0.085, -0.065, 0.005, -0.025; sum of squares 0.0121
    assert volatility(of, 4) == pytest.approx(math.sqrt(0.0121 / 3) * 2)
    assert sharpe(of, 4) == pytest.approx(0.015 / math.sqrt(0.0121 / 3) * 2)
    assert sortino(of, 4) == pytest.approx(0.015 / math.sqrt((0.0025 + 0.0001) / 4) * 2)
    assert omega(of) == pytest.approx(0.12 / 0.06)
    assert total_return(100, 106) == pytest.approx(0.06)
    assert cagr(0.21, 2) == pytest.approx(0.1)
    assert calmar(0.1, -0.05) == pytest.approx(2)


def test_the_tail_is_the_worst_twentieth():
    returns = np.arange(-50, 51) / 1000
    assert value_at_risk(returns) == pytest.approx(-0.045)
    assert expected_shortfall(returns) == pytest.approx(np.mean(np.arange(-50, -44)) / 1000)


def test_the_deepest_fall_is_found_with_its_peak_trough_and_recovery():
    path = np.array([100.0, 120, 90, 100, 121, 115, 122])
    fall = falls(path).deepest
    assert (fall.depth, fall.peak, fall.trough, fall.recovery, fall.candles) == (-0.25, 1, 2, 4, 3)


def test_a_fall_without_recovery_lasts_to_the_end():
    path = np.array([100.0, 120, 90, 100])
    fall = falls(path).deepest
    assert (fall.peak, fall.recovery, fall.end) == (1, None, 3)
    assert falls(path).longest == (1, 3)


def test_the_peak_of_a_fall_is_the_last_time_it_stood_there():
    path = np.array([100.0, 120, 120, 120, 90])
    assert falls(path).deepest.peak == 3


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param([100, 101, 102], (0, 0), id="never below"),
        pytest.param([100], (0, 0), id="no candle"),
        pytest.param([100, 99], (0, 1), id="one candle below"),
        pytest.param([100, 101, 100], (1, 2), id="below at the end"),
        pytest.param([100, 90, 100, 101, 95, 96, 99, 101, 90, 102], (3, 7), id="the longer of three"),
    ],
)
def test_the_longest_time_below_a_peak(path, expected):
    assert falls(np.array(path, dtype=float)).longest == expected


@pytest.mark.parametrize(
    "returns", [returns_of(), returns_of(0.01), returns_of(0, 0, 0), np.full(50, 0.001), returns_of(0.1, np.nan)]
)
def test_returns_that_hold_no_answer_give_nan(returns):
    of = moments(returns)
    assert math.isnan(sharpe(of, 365))
    assert math.isnan(sortino(of, 365))
    assert math.isnan(omega(of))


def test_equal_returns_do_not_vary():
    path = 1000 * 1.001 ** np.arange(500)
    assert deviation(moments(candle_returns(path))) == 0.0


def test_a_tail_needs_twenty_returns_and_no_nan():
    assert math.isnan(value_at_risk(np.zeros(19)))
    assert value_at_risk(np.zeros(20)) == 0
    assert math.isnan(expected_shortfall(np.append(np.zeros(30), np.nan)))


def test_growth_that_exceeds_all_numbers_is_nan():
    assert math.isnan(cagr(0.01, 1e-9))
    assert cagr(-1.0, 1e-9) == -1
    assert math.isnan(cagr(0.1, 0))


def test_an_account_that_is_broke_stays_broke():
    path = equity_path(returns_of(50, -20, 70), 100)
    assert path.tolist() == [100, 50, 0, 0]
    assert candle_returns(path).tolist() == [-0.5, -1, 0]
    assert falls(path).deepest.depth == -1


@pytest.mark.parametrize("start", [0, -1, math.nan, math.inf])
def test_starting_cash_must_be_positive(start):
    with pytest.raises(ValueError, match="starting cash is"):
        equity_path(returns_of(1), start)


@given(EQUITY, st.sampled_from([0.5, 2.0, 1024.0]))
def test_figures_do_not_depend_on_the_unit_of_money(equity, factor):
    path, scaled = equity_path(equity, 1000), equity_path(equity * factor, 1000 * factor)
    np.testing.assert_array_equal(candle_returns(path), candle_returns(scaled))
    assert falls(path).deepest == falls(scaled).deepest


@given(EQUITY)
def test_a_drawdown_lies_between_nothing_and_everything(equity):
    path = equity_path(equity, 1000)
    below = drawdowns(path)
    fall = falls(path).deepest
    assert (below <= 0).all()
    assert (below >= -1).all()
    assert fall.depth == below.min()
    assert fall.peak <= fall.trough <= fall.end < path.size
    assert path[fall.peak] == path[: fall.trough + 1].max()
    assert fall.depth == pytest.approx(path[fall.trough] / path[fall.peak] - 1)
    peak, end = falls(path).longest
    assert fall.candles <= end - peak


@given(EQUITY)
def test_returns_compound_to_the_total_return(equity):
    path = equity_path(equity, 1000)
    growth = np.prod(1 + candle_returns(path)) - 1
    assert growth == pytest.approx(total_return(1000, equity[-1]), rel=1e-9, abs=1e-9)


@given(EQUITY, st.floats(0.1, 5))
def test_sharpe_and_sortino_do_not_change_with_leverage_and_omega_does_not_either(equity, leverage):
    returns = candle_returns(equity_path(equity, 1000))
    once, more = moments(returns), moments(returns * leverage)
    assert sharpe(more, 365) == pytest.approx(sharpe(once, 365), rel=1e-6, nan_ok=True)
    assert sortino(more, 365) == pytest.approx(sortino(once, 365), rel=1e-6, nan_ok=True)
    assert omega(more) == pytest.approx(omega(once), rel=1e-6, nan_ok=True)


@given(EQUITY)
def test_the_expected_shortfall_is_no_better_than_the_value_at_risk(equity):
    returns = candle_returns(equity_path(equity, 1000))
    worst = value_at_risk(returns)
    assert math.isnan(worst) or returns.min() <= expected_shortfall(returns) <= worst + 1e-12


@given(arrays(np.float64, st.integers(1, 80), elements=st.integers(1, 9).map(float)), st.integers(1, 20))
def test_falls_found_in_blocks_are_those_of_the_whole(path, block):
    below = drawdowns(path)
    found = falls(path, block=block)
    trough = int(np.argmin(below))
    peak = max(i for i in range(trough + 1) if below[i] == 0)
    back = [i for i in range(trough, path.size) if path[i] >= path[peak]]
    assert (found.deepest.depth, found.deepest.trough) == (below[trough], trough)
    assert (found.deepest.peak, found.deepest.recovery) == (peak, back[0] if back else None)
    tops = [*np.flatnonzero(below == 0), path.size - 1]
    gaps = [(a, b) for a, b in pairwise(tops) if b - a > 1 or (b > a and below[b] < 0)]
    assert found.longest == max(gaps, key=lambda gap: (gap[1] - gap[0], -gap[0]), default=(0, 0))


@given(EQUITY)
def test_sums_over_a_path_are_those_over_its_returns(equity):
    path = equity_path(equity, 1000)
    returns = candle_returns(path)
    of = path_moments(path)
    assert of.mean == pytest.approx(returns.mean())
    assert of.squares == pytest.approx(np.sum((returns - returns.mean()) ** 2), abs=1e-12 * max(1, (returns**2).sum()))
    assert (of.count, of.lost) == (returns.size, pytest.approx(returns[returns < 0].sum()))
