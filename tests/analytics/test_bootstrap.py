"""Intervals: exact sums, the same seed, and coverage by simulation."""

import math

import numpy as np
import pytest

from app.analytics import bootstrap
from app.analytics.block_length import automatic_length, block_length
from app.analytics.bootstrap import Interval, _cut, _resample, intervals
from app.analytics.drawdown import drawdowns
from app.analytics.returns import moments, sharpe

DAY = 86_400_000


def autoregressive(rng: np.random.Generator, size: int, phi: float) -> np.ndarray:
    noise = rng.normal(0.0, 1.0, size + 100)
    out = np.empty_like(noise)
    out[0] = noise[0]
    for i in range(1, out.size):
        out[i] = phi * out[i - 1] + noise[i]
    return out[100:]


def test_figures_of_a_resampled_history_are_those_of_its_candles(monkeypatch):
    returns = np.random.default_rng(3).normal(0, 0.02, 7 * 41 + 3)
    cells = _cut(returns, 7)
    starts = np.random.default_rng(8).integers(0, 41, (20, math.ceil(41 / 5)))
    drawn = np.empty((20, 4))
    _resample(*cells, starts, 5, drawn)
    total, squares, growth, fall = drawn.T
    picked = ((starts[:, :, None] + np.arange(5)) % 41).reshape(20, -1)[:, :41]
    for i in range(20):
        history = returns[3:].reshape(41, 7)[picked[i]].ravel()
        path = np.concatenate([[1.0], np.cumprod(1 + history)])
        assert total[i] == pytest.approx(history.sum())
        assert squares[i] == pytest.approx(history @ history)
        assert math.exp(growth[i]) == pytest.approx(path[-1])
        assert math.expm1(fall[i]) == pytest.approx(drawdowns(path).min())


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others():
    returns = np.random.default_rng(0).normal(0.001, 0.02, 400)
    once, again, other = (intervals(returns, timeframe_ms=DAY, seed=seed, resamples=200) for seed in (7, 7, 8))
    assert once == again
    assert once != other


def test_intervals_hold_the_figures_of_the_run_and_grow_with_the_level():
    returns = np.random.default_rng(1).normal(0.001, 0.02, 900)
    wide = intervals(returns, timeframe_ms=DAY, seed=1)
    narrow = intervals(returns, timeframe_ms=DAY, seed=1, level=0.5)
    assert wide.sharpe.low < narrow.sharpe.low < sharpe(moments(returns), 365) < narrow.sharpe.high < wide.sharpe.high
    assert -1 <= wide.max_drawdown.low < wide.max_drawdown.high <= 0


@pytest.mark.parametrize(
    "returns",
    [
        pytest.param(np.zeros(29), id="too short"),
        pytest.param(np.append(np.zeros(50), -1.0), id="lost"),
        pytest.param(np.append(np.zeros(50), np.nan), id="nan"),
    ],
)
def test_where_there_is_no_answer_there_is_none(returns):
    found = intervals(returns, timeframe_ms=DAY, seed=0)
    assert found.resamples == 0
    assert all(math.isnan(value) for value in (found.sharpe.low, found.cagr.high, found.max_drawdown.low))


def test_an_account_that_never_moved_has_intervals_of_nothing():
    found = intervals(np.zeros(100), timeframe_ms=DAY, seed=0, resamples=50)
    assert found.cagr == found.max_drawdown == Interval(0.0, 0.0)
    assert math.isnan(found.sharpe.low)  # as its Sharpe ratio is undefined
    assert math.isnan(found.sharpe.high)


def test_minutes_are_cut_into_cells_of_equally_many(monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_CELLS", 128)
    returns = np.random.default_rng(5).normal(0.0002, 0.01, 4_000)
    coarse = intervals(returns, timeframe_ms=DAY, seed=2, block=64)
    monkeypatch.setattr(bootstrap, "MOST_CELLS", 4_096)
    fine = intervals(returns, timeframe_ms=DAY, seed=2, block=64)
    assert coarse.block_candles == fine.block_candles == 64
    assert coarse.sharpe.low == pytest.approx(fine.sharpe.low, abs=0.1)
    assert coarse.max_drawdown.low == pytest.approx(fine.max_drawdown.low, abs=0.05)


def test_blocks_are_longer_where_neighbours_have_more_to_do_with_each_other():
    rng = np.random.default_rng(6)
    lengths = [
        np.median([automatic_length(autoregressive(rng, 800, phi)) for _ in range(15)]) for phi in (0.0, 0.3, 0.8)
    ]
    assert lengths[0] <= 4
    assert lengths[0] < lengths[1] < lengths[2] <= 3 * math.sqrt(800)


def test_clustered_volatility_lengthens_blocks_although_returns_are_uncorrelated():
    rng = np.random.default_rng(9)
    calm_and_wild = np.repeat(rng.choice([0.5, 3.0], 40), 25)
    assert block_length(rng.normal(0, 1, 1_000) * calm_and_wild) >= 10


def test_the_shape_of_a_first_order_process_gives_the_length_that_theory_gives():
    # For phi = 0.5: g = 2 phi / (1-phi)^2 / (1-phi^2) * s^2, level = s^2 / (1-phi)^2: (2 g^2 / (4/3 level^2))^(1/3) n^(1/3).
    ratio = (2 * 0.5 / (1 - 0.25)) ** 2
    expected = (1.5 * ratio) ** (1 / 3) * 20_000 ** (1 / 3)
    lengths = [automatic_length(autoregressive(np.random.default_rng(seed), 20_000, 0.5)) for seed in range(5)]
    assert np.median(lengths) == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("phi", [0.0, 0.3])
def test_nineteen_of_twenty_intervals_hold_the_truth(phi):
    """200 histories of a known process; the truth must lie in about 95 % of the intervals of each figure."""
    rng = np.random.default_rng(12)
    days, mean, spread = 700, 0.0008, 0.02
    scale = spread * math.sqrt(1 - phi * phi)
    histories = [mean + scale * autoregressive(rng, days, phi) for _ in range(200)]
    long_run = mean + scale * autoregressive(rng, 400_000, phi)
    true_sharpe = mean / spread * math.sqrt(365)
    true_cagr = math.expm1(float(np.log1p(long_run).mean()) * 365)
    falls = [drawdowns(np.concatenate([[1.0], np.cumprod(1 + history)])).min() for history in histories]
    held = np.zeros(3)
    for i, history in enumerate(histories):
        found = intervals(history, timeframe_ms=DAY, seed=i, resamples=250)
        held += [
            found.sharpe.low <= true_sharpe <= found.sharpe.high,
            found.cagr.low <= true_cagr <= found.cagr.high,
            np.mean([found.max_drawdown.low <= fall <= found.max_drawdown.high for fall in falls]),
        ]
    assert held[0] / 200 == pytest.approx(0.95, abs=0.05)
    assert held[1] / 200 == pytest.approx(0.95, abs=0.05)
    # What another history will show also depends on the mean, which the sample knows only roughly.
    assert held[2] / 200 > 0.75
