"""Flat markets, zeros, gaps and wrong shapes: what an indicator says where its formula says nothing."""

import numpy as np
import pandas as pd
import pytest

from app.indicators.averages import ema, rma, sma, wma
from app.indicators.crossings import crossings
from app.indicators.extremes import donchian, rolling_max, rolling_min
from app.indicators.momentum import cutler_rsi, macd, roc, rsi, stochastic
from app.indicators.sums import rolling_sum
from app.indicators.volatility import atr, bollinger, rolling_std, true_range
from app.indicators.volume import obv, vwap

NAN = np.nan
FLAT = np.full(60, 0.1)
UP = np.arange(1.0, 61.0)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param(lambda: sma([1, 2, 3, 4], 2), 3.5, id="sma"),
        pytest.param(lambda: wma([1, 2, 3], 3), 14 / 6, id="wma: the newest counts most"),
        pytest.param(lambda: ema([1, 2, 3, 5], 3), 3.5, id="ema: 2 + (5 - 2) / 2"),
        pytest.param(lambda: rma([1, 2, 3, 5], 3), 3.0, id="rma: 2 + (5 - 2) / 3"),
        pytest.param(lambda: rolling_std(FLAT, 7), 0.0, id="no deviation in a flat market, exactly"),
        pytest.param(lambda: rolling_std([1e9, 1e9 + 1], 2), 0.5, id="a small deviation of a large number"),
        pytest.param(lambda: rolling_std([1.0], 1, ddof=1), NAN, id="no sample deviation of one value"),
        pytest.param(lambda: rsi(FLAT), 50.0, id="rsi of a flat market"),
        pytest.param(lambda: rsi(UP), 100.0, id="rsi of a rising market"),
        pytest.param(lambda: rsi(UP[::-1]), 0.0, id="rsi of a falling market"),
        pytest.param(lambda: cutler_rsi(FLAT), 50.0, id="cutler's rsi of a flat market"),
        pytest.param(lambda: cutler_rsi([1, 2, 1, 4], 3), 80.0, id="cutler's rsi: 4 up, 1 down"),
        pytest.param(lambda: stochastic(FLAT, FLAT, FLAT).k, 50.0, id="stochastic of a flat market"),
        pytest.param(lambda: stochastic(UP, UP - 1, UP).d, 100.0, id="stochastic at the top"),
        pytest.param(lambda: macd(FLAT).histogram, 0.0, id="macd of a flat market"),
        pytest.param(lambda: roc([0, 1, 2], 2), NAN, id="no rate of change from zero"),
        pytest.param(lambda: roc([1, 2, 3], 2), 200.0, id="rate of change in percent"),
        pytest.param(lambda: true_range([5, 8], [4, 7], [4.5, 7.5]), 3.5, id="a gap up counts from the close before"),
        pytest.param(lambda: true_range([5, 3], [4, 2], [4.5, 2.5]), 2.5, id="a gap down counts too"),
        pytest.param(lambda: atr(FLAT, FLAT, FLAT), 0.0, id="atr of a flat market"),
        pytest.param(lambda: bollinger(UP, 3, 1.5).upper, 59 + 1.5 * np.sqrt(2 / 3), id="bollinger"),
        pytest.param(lambda: rolling_max([3, -np.inf, 2], 2), 2.0, id="minus infinity is a number"),
        pytest.param(lambda: rolling_min([0.0, 0.0], 2), 0.0, id="zeros"),
        pytest.param(lambda: donchian([5, 4], [3, 1], 2).middle, 3.0, id="donchian"),
        pytest.param(lambda: obv([1, 2, 2, 1], [9, 5, 7, 2]), 3.0, id="obv: 5 up, 2 down"),
        pytest.param(lambda: vwap(FLAT, FLAT, FLAT, FLAT * 0, 5), NAN, id="no average price without trades"),
        pytest.param(lambda: vwap([3, 6], [3, 6], [3, 6], [1, 2], 2), 5.0, id="vwap: (3 + 12) / 3"),
    ],
)
def test_the_last_value_is(last, expected: float):
    np.testing.assert_allclose(last()[-1], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(lambda: sma([1, NAN, 3, 5, 7], 2), [NAN, NAN, NAN, 4, 6], id="a window's mean"),
        pytest.param(lambda: rolling_max([1, NAN, 3, 2, 7], 2), [NAN, NAN, NAN, 3, 7], id="a window's maximum"),
        pytest.param(lambda: ema([1, 3, NAN, 5, 7, 9], 2), [NAN, 2, NAN, NAN, 6, 8], id="ema begins anew"),
        pytest.param(lambda: obv([1, 2, NAN, 3], [1, 1, 1, 1]), [0, 1, NAN, NAN], id="obv stays unknown"),
    ],
)
def test_a_nan_spoils_what_depends_on_it(line, expected: list[float]):
    np.testing.assert_allclose(line(), expected)


@pytest.mark.parametrize(
    ("line", "other", "expected"),
    [
        pytest.param([1, 2, 3, 2, 1], 2, [0, 0, 1, 0, -1], id="a level: touching is not crossing"),
        pytest.param([1, 3, 1], [2, 2, 2], [0, 1, -1], id="a line"),
        pytest.param([1, NAN, 3, 1], 2, [0, 0, 0, -1], id="unseen across a NaN"),
        pytest.param([], 2, [], id="nothing"),
    ],
)
def test_crossings_of_a_line_and_a_level(line: list[float], other: object, expected: list[int]):
    assert crossings(line, other).tolist() == expected


def test_columns_come_as_lists_series_arrays_and_views():
    prices = pd.Series(UP)
    expected = sma(UP, 5).tobytes()
    every_other = np.repeat(UP, 2)[::2]
    assert {sma(values, 5).tobytes() for values in (prices, list(UP), UP.astype(int), every_other)} == {expected}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        pytest.param(lambda: sma(np.ones((3, 2)), 2), r"values of shape \(3, 2\): give one column", id="a table"),
        pytest.param(lambda: obv([1, 2], [1]), r"different lengths \(close 2, volume 1\)", id="lengths"),
        pytest.param(lambda: crossings([1, 2, 3], [1, 2]), "lines of different lengths", id="lines"),
    ],
)
def test_columns_that_do_not_fit_are_refused(call, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("window", [1, 2, 3, 7, 10, 49, 50, 63, 1_440, 9_999, 2**20 + 1])
def test_a_mean_is_the_sum_divided_to_the_last_bit(window):
    random = np.random.default_rng(window)
    values = random.random(2 * window + 50) * 10.0 ** random.integers(-8, 9, 2 * window + 50)
    np.testing.assert_array_equal(sma(values, window), rolling_sum(values, window) / window)
