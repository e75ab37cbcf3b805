"""Whatever a user's strategy does, a checked frame or one clear sentence comes out."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from app.config.models import StrategyConfig
from app.domain.errors import StrategyError
from app.indicators.averages import sma
from app.strategies.base import BaseStrategy
from app.strategies.guarded import signal_frame


def strategy_that(returns: Callable[[pd.DataFrame], object], warmup: int = 1) -> BaseStrategy:
    class Scripted(BaseStrategy):
        @property
        def warmup(self) -> int:
            return warmup

        def calculate_indicators(self, df: pd.DataFrame) -> pd.DataFrame:
            return df

        def generate_signals(self, df: pd.DataFrame) -> pd.DataFrame:
            return returns(df)  # type: ignore[return-value]

    return Scripted(StrategyConfig(name="scripted", symbol="BTC/USDT"))


@pytest.fixture
def candles(random_walk: Callable[[int, int], pd.DataFrame]) -> pd.DataFrame:
    return random_walk(6, 1)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        pytest.param(np.array([0, 1, 0, -1, 0, 0], np.int8), [0, 1, 0, -1, 0, 0], id="small integers"),
        pytest.param([0.0, 1.0, 0.0, -1.0, 0.0, 0.0], [0, 1, 0, -1, 0, 0], id="whole floats"),
        pytest.param([np.nan, np.nan, 0.0, -1.0, 0.0, 0.0], [0, 0, 0, -1, 0, 0], id="NaN while warming up"),
    ],
)
def test_signals_come_out_as_small_integers(signal: object, expected: list[int], candles: pd.DataFrame):
    frame = signal_frame(strategy_that(lambda df: df.assign(signal=signal), warmup=2), candles)
    assert (frame["signal"].dtype, list(frame["signal"])) == (np.int8, expected)


@pytest.mark.parametrize(
    ("returns", "sentence"),
    [
        pytest.param(lambda df: None, "returned NoneType, not a DataFrame", id="nothing"),
        pytest.param(lambda df: df, "returned a frame with 0 columns 'signal'", id="no signal"),
        pytest.param(lambda df: df.assign(signal=0).tail(3), "returned 3 rows for 6 candles", id="wrong length"),
        pytest.param(lambda df: df.assign(signal=0)[::-1], "another index", id="turned round"),
        pytest.param(lambda df: df.assign(signal=2), "returned signal 2 at row 0", id="two"),
        pytest.param(lambda df: df.assign(signal=0.5), "returned signal 0.5 at row 0", id="half"),
        pytest.param(lambda df: df.assign(signal=np.int8(-2)), "returned signal -2 at row 0", id="small integer"),
        pytest.param(lambda df: df.assign(signal=np.inf), "returned signal inf at row 0", id="infinite"),
        pytest.param(lambda df: df.assign(signal=df["close"] > 0), "signals of type bool", id="truth values"),
        pytest.param(lambda df: df.assign(signal="buy"), "signals of type", id="words"),
        pytest.param(lambda df: df.assign(signal=np.nan), "signal NaN at row 1 .* after its warm-up of 1", id="NaN"),
        pytest.param(lambda df: df.assign(signal=0, close=1.0), "changed or dropped the column 'close'", id="price"),
        pytest.param(lambda df: df[["open"]].assign(signal=0), "changed or dropped the column 'close'", id="dropped"),
    ],
)
def test_what_is_no_signal_is_refused_with_file_and_line(
    returns: Callable[[pd.DataFrame], object], sentence: str, candles: pd.DataFrame
):
    with pytest.raises(StrategyError, match=rf"strategy Scripted \(.*test_guarded.py line \d+\) .*{sentence}"):
        signal_frame(strategy_that(returns), candles)


@pytest.mark.parametrize(
    "declared",
    [{}, {"warmup": "3"}, {"warmup": None}, {"warmup": 3.0}, {"warmup": -3}],
    ids=["none", "text", "None", "float", "negative"],
)
def test_a_strategy_of_another_family_without_a_whole_warm_up_has_none(declared: dict, candles: pd.DataFrame):
    methods = {
        "calculate_indicators": lambda self, df: df,
        "generate_signals": lambda self, df: df.assign(signal=self.say),
    }
    strategy = type("Duck", (), methods | declared)()
    strategy.say = 1.0
    assert list(signal_frame(strategy, candles)["signal"]) == [1] * 6
    strategy.say = np.nan
    with pytest.raises(StrategyError, match="signal NaN at row 0 .* after its warm-up of 0 candles"):
        signal_frame(strategy, candles)


def test_to_blame_for_a_wrong_window_is_the_line_that_asked_for_it(candles: pd.DataFrame):
    def ask(df: pd.DataFrame) -> pd.DataFrame:
        return df.assign(signal=sma(df["close"], 0))

    line = ask.__code__.co_firstlineno + 1
    with pytest.raises(StrategyError, match=rf"ValueError in .*test_guarded.py line {line}: window is 0"):
        signal_frame(strategy_that(ask), candles)


def test_an_exception_becomes_a_sentence_with_the_users_file_and_line(candles: pd.DataFrame):
    def fail(df: pd.DataFrame) -> pd.DataFrame:
        return df.assign(signal=df["close"].rolling(-1).mean())

    line = fail.__code__.co_firstlineno + 1
    sentence = rf"^strategy Scripted: ValueError in .*test_guarded.py line {line}: window"
    with pytest.raises(StrategyError, match=sentence) as caught:
        signal_frame(strategy_that(fail), candles)
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_strategy_that_exits_the_process_is_only_an_error(candles: pd.DataFrame):
    def leave(df: pd.DataFrame) -> pd.DataFrame:
        raise SystemExit(3)

    with pytest.raises(StrategyError, match="SystemExit in .* 3"):
        signal_frame(strategy_that(leave), candles)


def test_the_callers_candles_stay_as_they_are_when_the_strategy_writes_into_them(candles: pd.DataFrame):
    def write(df: pd.DataFrame) -> pd.DataFrame:
        df["signal"] = 0
        df.loc[df.index[0], "volume"] = -1.0
        return df

    before = candles.copy(deep=True)
    signal_frame(strategy_that(write), candles)
    pd.testing.assert_frame_equal(candles, before)


def test_indicators_that_are_not_returned_are_told_as_that(candles):
    class Forgetful(BaseStrategy):
        def calculate_indicators(self, df):
            df["mean"] = df["close"].mean()

        def generate_signals(self, df):
            return df.assign(signal=0)

    strategy = Forgetful(StrategyConfig(name="forgetful", symbol="BTC/USDT"))
    with pytest.raises(StrategyError, match="calculate_indicators returned None: return the frame"):
        signal_frame(strategy, candles)
