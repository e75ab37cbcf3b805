"""Indicators that take one candle at a time say what their vectorised twins say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.indicators.averages import ema, rma, sma
from app.indicators.extremes import rolling_max, rolling_min
from app.indicators.incremental import Atr, Ema, Highest, Lowest, Rma, Rsi, Sma, Std
from app.indicators.momentum import rsi
from app.indicators.volatility import atr, rolling_std

TWINS = {Sma: sma, Ema: ema, Rma: rma, Highest: rolling_max, Lowest: rolling_min, Rsi: rsi}

# Few distinct values: ties; holes; and sizes that round.
values = st.lists(
    st.one_of(st.sampled_from([1.0, 2.0, 3.0, 1e9, np.nan]), st.floats(0.01, 1e6)), min_size=1, max_size=120
)


@pytest.mark.parametrize("kind", TWINS, ids=lambda kind: kind.__name__)
@given(series=values, window=st.integers(1, 40))
def test_each_value_is_equal_to_the_last_bit(kind, series, window):
    one_by_one = kind(window)
    assert np.array_equal([one_by_one(value) for value in series], TWINS[kind](series, window), equal_nan=True)


@pytest.mark.parametrize("window", [1, 2, 3, 7, 10, 50, 64, 100, 255])
def test_a_long_history_changes_nothing(market, window):
    close = market(5_000)["close"].to_numpy()
    for kind, twin in TWINS.items():
        one_by_one = kind(window)
        assert np.array_equal([one_by_one(value) for value in close.tolist()], twin(close, window), equal_nan=True)


@given(
    rows=st.lists(st.tuples(*[st.one_of(st.floats(1, 9), st.just(np.nan))] * 3), min_size=1, max_size=60),
    window=st.integers(1, 9),
)
def test_the_average_true_range_is_equal_to_the_last_bit(rows, window):
    high, low, close = (np.array(column) for column in zip(*rows, strict=True))
    one_by_one = Atr(window)
    assert np.array_equal([one_by_one(*row) for row in rows], atr(high, low, close, window), equal_nan=True)


@given(series=values, window=st.integers(1, 40), ddof=st.integers(0, 1))
def test_the_standard_deviation_is_equal_within_its_tolerance(series, window, ddof):
    one_by_one = Std(window, ddof=ddof)
    spread = max((value for value in series if not np.isnan(value)), default=0.0)
    np.testing.assert_allclose(
        [one_by_one(value) for value in series], rolling_std(series, window, ddof=ddof), rtol=1e-7, atol=1e-7 * spread
    )
