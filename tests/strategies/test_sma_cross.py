"""The simple moving average cross: a signal at the cross, and the same one in every window that is long enough."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError, StrategyError
from app.strategies.sma_cross import SmaCrossStrategy


@pytest.mark.parametrize(
    ("closes", "signals"),
    [
        pytest.param([1, 1, 1, 3, 1, 0], {3: 1, 4: -1}, id="up and down: a buy and a sell"),
        pytest.param([1, 1, 1, 1, 1, 1], {}, id="flat: averages touch and never cross"),
        pytest.param([1, 2, 3, 4, 5, 6], {}, id="above since the warm-up ended: no cross was seen"),
        pytest.param([3, 2, 1, 3, 4, 5], {3: 1}, id="one buy, no second one while above"),
        pytest.param([1, 1], {}, id="fewer candles than the slow window"),
        pytest.param([], {}, id="no candles"),
    ],
)
def test_signals_stand_at_the_crosses_only(
    closes: list[float],
    signals: dict[int, int],
    candles_of: Callable[[Sequence[float]], pd.DataFrame],
    config_of: Callable[..., StrategyConfig],
):
    strategy = SmaCrossStrategy(config_of(fast_window=1, slow_window=3))
    signal = strategy.generate_signals(strategy.calculate_indicators(candles_of(closes)))["signal"]
    assert {row: value for row, value in enumerate(signal) if value} == signals


def test_averages_are_those_of_pandas_and_the_candles_stay_as_they_are(
    random_walk: Callable[[int, int], pd.DataFrame], config_of: Callable[..., StrategyConfig]
):
    candles = random_walk(300, 1)
    before = candles.copy()
    strategy = SmaCrossStrategy(config_of())
    frame = strategy.generate_signals(strategy.calculate_indicators(candles))
    pd.testing.assert_frame_equal(candles, before)
    for name, window in (("sma_fast", 10), ("sma_slow", 50)):
        np.testing.assert_allclose(frame[name], candles["close"].rolling(window).mean(), rtol=1e-12)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), fast=st.integers(1, 20), more=st.integers(1, 60), cut=st.integers(0, 150))
def test_the_last_candle_is_judged_alike_in_every_window_that_is_long_enough(
    random_walk: Callable[[int, int], pd.DataFrame],
    config_of: Callable[..., StrategyConfig],
    seed: int,
    fast: int,
    more: int,
    cut: int,
):
    strategy = SmaCrossStrategy(config_of(fast_window=fast, slow_window=fast + more))
    history = random_walk(300, seed)
    tail = history.iloc[-max(strategy.warmup, 300 - cut) :]
    columns = ["sma_fast", "sma_slow", "signal"]
    whole, window = (
        strategy.generate_signals(strategy.calculate_indicators(frame))[columns].iloc[-1] for frame in (history, tail)
    )
    assert whole.to_numpy().tobytes() == window.to_numpy().tobytes()


def test_signals_without_indicators_are_refused(
    random_walk: Callable[[int, int], pd.DataFrame], config_of: Callable[..., StrategyConfig]
):
    with pytest.raises(StrategyError, match="no column 'sma_fast': call calculate_indicators first"):
        SmaCrossStrategy(config_of()).generate_signals(random_walk(60, 1))


@pytest.mark.parametrize(
    "params",
    [pytest.param({"fast_window": 60}, id="above the default"), pytest.param({"slow_window": 10}, id="equal to it")],
)
def test_a_fast_window_that_is_not_below_the_slow_one_is_refused(
    params: dict[str, int], config_of: Callable[..., StrategyConfig]
):
    with pytest.raises(ConfigError, match="choose 1 <= fast_window < slow_window"):
        SmaCrossStrategy(config_of(**params))
