"""What strategies in plain pandas get: pandas' answers, the same in every window to the last bit."""

import numpy as np
import pandas as pd
import pytest

from app.config.models import StrategyConfig
from app.data.synthetic import synthetic_candles
from app.strategies.base import BaseStrategy
from app.strategies.frame import CandleFrame
from app.strategies.guarded import signal_frame

ASKED = {
    "mean": lambda windows: windows.mean(),
    "sum": lambda windows: windows.sum(),
    "std": lambda windows: windows.std(),
    "std of all": lambda windows: windows.std(0),
    "min": lambda windows: windows.min(),
    "max": lambda windows: windows.max(),
}


@pytest.fixture(scope="module")
def candles():
    return synthetic_candles(3_000, seed=7)


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("window", [1, 2, 7, 50, 2_999, 4_000])
def test_the_answers_are_those_of_pandas(candles, asked, window):
    spoilt = candles.copy()
    spoilt.iloc[100, 3], spoilt.iloc[700, 3] = np.nan, np.inf
    for frame in (candles, spoilt):
        ours, theirs = (asked(one["close"].rolling(window)) for one in (CandleFrame(frame), frame))
        pd.testing.assert_series_equal(pd.Series(ours), theirs, rtol=1e-9, atol=1e-4 * (window > 1))


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_a_window_has_the_same_answer_in_every_frame_that_holds_it(candles, asked):
    whole = asked(CandleFrame(candles)["close"].rolling(50)).to_numpy()
    for row in range(60, 3_000, 97):
        alone = asked(CandleFrame(candles.iloc[row - 55 : row + 1])["close"].rolling(50))
        assert alone.iloc[-1] == whole[row]


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda column: column.rolling(10, min_periods=3).mean(), id="windows that need not be full"),
        pytest.param(lambda column: column.rolling(10, center=True).mean(), id="windows around a candle"),
        pytest.param(lambda column: column.rolling("7min").mean(), id="a stretch of time"),
        pytest.param(lambda column: column.rolling(10).median(), id="a question that no indicator answers"),
        pytest.param(lambda column: column.rolling(10).apply(np.ptp, raw=True), id="a function of one's own"),
        pytest.param(lambda column: column.rolling(10).mean(engine="cython"), id="an engine that was asked for"),
        pytest.param(lambda column: (column > 100).rolling(10).mean(), id="a column of truth values"),
        pytest.param(
            lambda column: column.to_frame().assign(up=column > 100).rolling(10).mean()["close"], id="a mixed frame"
        ),
        pytest.param(lambda column: column.ewm(span=10).mean(), id="an average that remembers"),
    ],
)
def test_everything_else_is_pandas_own(candles, ask):
    pd.testing.assert_series_equal(
        pd.Series(ask(CandleFrame(candles)["close"])), ask(candles["close"]), check_exact=True
    )


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda frame: frame.rolling(50).mean(), id="of a frame"),
        pytest.param(lambda frame: frame.rolling(50)["close"].mean().to_frame(), id="of a frame, then a column"),
        pytest.param(lambda frame: frame.rolling(50)[["high", "low"]].mean(), id="of a frame, then some columns"),
        pytest.param(lambda frame: frame[["high", "low"]].rolling(50).agg("std"), id="of some columns"),
    ],
)
def test_columns_side_by_side_are_answered_alike(candles, ask):
    pd.testing.assert_frame_equal(pd.DataFrame(ask(CandleFrame(candles))), ask(candles), rtol=1e-9, atol=1e-4)
    alone = ask(CandleFrame(candles.iloc[1_000:]))
    pd.testing.assert_series_equal(alone.iloc[-1], ask(CandleFrame(candles)).iloc[-1], check_exact=True)


def test_windows_that_need_as_many_values_as_they_have_are_full_windows(candles):
    column = CandleFrame(candles)["close"]
    pd.testing.assert_series_equal(
        column.rolling(10, min_periods=10).mean(), column.rolling(10).mean(), check_exact=True
    )


def test_the_caller_keeps_his_frame_and_gets_a_plain_one(candles):
    class Writes(BaseStrategy):
        def calculate_indicators(self, df):
            assert isinstance(df, CandleFrame)
            df["mean"] = df["close"].rolling(3).mean()
            df.loc[df.index[0], "open"] = 0.0
            return df

        def generate_signals(self, df):
            return df.assign(signal=(df["close"] > df["mean"]).astype("int8"))

    before = candles.copy()
    frame = signal_frame(Writes(StrategyConfig(name="writes", symbol="BTC/USDT")), candles)
    pd.testing.assert_frame_equal(candles, before, check_exact=True)
    assert type(frame) is pd.DataFrame
    assert type(frame["mean"]) is pd.Series
