import numpy as np
import pytest

from app.risk.correlation import UNKNOWN, correlation_of_returns

TIMES = np.arange(50) * 60_000
MINE = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 50)))
THEIRS = MINE * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.01, 50)))


def correlation(mine, theirs, times=TIMES, others=TIMES):
    return correlation_of_returns(times, mine, 0, len(times), others, theirs, 0, len(others))


def test_it_is_pearsons_of_the_log_returns():
    expected = np.corrcoef(np.diff(np.log(MINE)), np.diff(np.log(THEIRS)))[0, 1]
    assert correlation(MINE, THEIRS) == pytest.approx(expected, abs=1e-12)
    assert correlation(MINE, MINE * 3) == pytest.approx(1.0)
    assert correlation(MINE, 1 / MINE) == pytest.approx(-1.0)


def test_only_candles_count_that_both_have():
    mine, theirs = np.delete(np.arange(50), [3, 4, 20, 49]), np.delete(np.arange(50), [0, 4, 30, 31])
    both = np.intersect1d(mine, theirs)
    expected = np.corrcoef(np.diff(np.log(MINE[both])), np.diff(np.log(THEIRS[both])))[0, 1]
    assert correlation(MINE[mine], THEIRS[theirs], TIMES[mine], TIMES[theirs]) == pytest.approx(expected, abs=1e-12)


def test_it_is_complete_where_it_cannot_be_measured():
    assert correlation(MINE[:10], -THEIRS[:10] + 9, TIMES[:10], TIMES[:10]) == UNKNOWN
    assert correlation(MINE, np.ones(50)) == UNKNOWN
    assert correlation(MINE, THEIRS, TIMES, TIMES + 1) == UNKNOWN
