"""What holds for every shipped strategy, and the candle tables of those besides the moving average cross."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config.models import StrategyConfig
from app.domain.errors import ConfigError, StrategyError
from app.strategies.guarded import signal_frame
from app.strategies.loader import SHIPPED, load_strategy

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
REVERSION = {"name": "rsi_reversion", "window": 2, "oversold": 30.0, "overbought": 70.0}
BREAKOUT = {"name": "donchian_breakout", "entry_window": 3, "exit_window": 2}


@pytest.mark.parametrize(
    ("settings", "closes", "signals"),
    [
        pytest.param(REVERSION, [5, 4, 3, 4, 3, 4], {3: 1}, id="reversion: one buy at the recovery"),
        pytest.param(REVERSION, [3, 4, 5, 4, 5, 4], {3: -1}, id="reversion: one sale when it leaves the top"),
        pytest.param(REVERSION, [5, 4, 3, 4, 5, 4, 3, 4], {3: 1, 5: -1, 7: 1}, id="reversion: there and back"),
        pytest.param(REVERSION, [5, 4, 3, 2, 1, 0.5], {}, id="reversion: no buy while it falls"),
        pytest.param(REVERSION, [1, 1, 1, 1, 1], {}, id="reversion: flat"),
        pytest.param(REVERSION, [1, 2, 1], {}, id="reversion: too few candles"),
        pytest.param(BREAKOUT, [2, 2, 2, 2, 3, 4, 3, 1], {4: 1, 7: -1}, id="breakout: up, then down"),
        pytest.param(BREAKOUT, [2, 2, 2, 2, 3, 4, 5, 6], {4: 1}, id="breakout: one buy while it goes on"),
        pytest.param(BREAKOUT, [2, 2, 3, 2, 3, 3, 3], {}, id="breakout: touching the channel is not leaving it"),
        pytest.param(BREAKOUT, [1, 2, 3, 4, 5], {}, id="breakout: outside since the warm-up ended"),
        pytest.param(BREAKOUT, [], {}, id="breakout: no candles"),
    ],
)
def test_signals_stand_where_the_rule_says(
    settings: dict[str, object],
    closes: list[float],
    signals: dict[int, int],
    candles_of: Callable[[Sequence[float]], pd.DataFrame],
    config_of: Callable[..., StrategyConfig],
):
    frame = signal_frame(load_strategy(config_of(**settings)), candles_of(closes))
    assert {row: int(value) for row, value in enumerate(frame["signal"]) if value} == signals


@pytest.mark.parametrize("name", SHIPPED)
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 200), length=st.integers(0, 30))
def test_the_last_candle_is_judged_alike_in_every_window_that_is_long_enough(
    random_walk: Callable[[int, int], pd.DataFrame],
    config_of: Callable[..., StrategyConfig],
    name: str,
    seed: int,
    cut: int,
    length: int,
):
    strategy = load_strategy(config_of(name))
    history = random_walk(300, seed).iloc[: 300 - cut]
    window = history.iloc[-strategy.warmup - length :]
    whole, tail = (signal_frame(strategy, frame).iloc[-1].to_numpy().tobytes() for frame in (history, window))
    assert whole == tail


@pytest.mark.parametrize("name", SHIPPED)
def test_signals_of_both_kinds_occur_and_the_warm_up_is_as_short_as_it_can_be(
    name: str, random_walk: Callable[[int, int], pd.DataFrame], config_of: Callable[..., StrategyConfig]
):
    strategy = load_strategy(config_of(name))
    history = random_walk(2_000, 3)
    signal = signal_frame(strategy, history)["signal"]
    assert set(signal) == {-1, 0, 1}
    ends = [row + 1 for row, value in enumerate(signal) if value and row + 1 >= strategy.warmup]
    enough, short = (
        [signal_frame(strategy, history.iloc[end - length : end])["signal"].iloc[-1] for end in ends]
        for length in (strategy.warmup, strategy.warmup - 1)
    )
    assert [signal.iloc[end - 1] for end in ends] == enough != short


@pytest.mark.parametrize("name", SHIPPED)
def test_signals_without_indicators_are_refused(
    name: str, random_walk: Callable[[int, int], pd.DataFrame], config_of: Callable[..., StrategyConfig]
):
    with pytest.raises(StrategyError, match="no column '.*': call calculate_indicators first"):
        load_strategy(config_of(name)).generate_signals(random_walk(60, 1))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param({"name": "rsi_reversion", "window": 0}, "params.window is 0: choose 1 candle", id="window"),
        pytest.param(
            {"name": "rsi_reversion", "oversold": 80}, "oversold 80 and params.overbought 70.0: choose", id="crossed"
        ),
        pytest.param({"name": "rsi_reversion", "overbought": 100.0}, "choose 0 < oversold < overbought", id="top"),
        pytest.param({"name": "donchian_breakout", "exit_window": 0}, "params.exit_window is 0: choose", id="exit"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(
    settings: dict[str, object], sentence: str, config_of: Callable[..., StrategyConfig]
):
    with pytest.raises(ConfigError, match=sentence):
        load_strategy(config_of(**settings))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_page_tells_the_strategy_and_its_parameters(name: str, config_of: Callable[..., StrategyConfig]):
    parameters = ", ".join(f"`{key}` {value}" for key, value in load_strategy(config_of(name)).params.items())
    assert f"| `{name}` | {parameters} |" in PAGE.read_text(encoding="utf-8")
