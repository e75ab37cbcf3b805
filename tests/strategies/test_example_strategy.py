"""The example that users copy from works as its first line says, in any window."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from app.config.models import StrategyConfig
from app.strategies.guarded import signal_frame
from app.strategies.loader import load_strategy

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_strategy.py"


@pytest.mark.parametrize(
    ("closes", "signals"),
    [
        pytest.param([2, 2, 3, 3, 1, 1], {2: 1, 4: -1}, id="above and below"),
        pytest.param([2, 2, 2, 2], {}, id="flat"),
        pytest.param([2], {}, id="too few candles"),
    ],
)
def test_the_example_trades_where_the_close_crosses_its_average(
    closes: list[float],
    signals: dict[int, int],
    candles_of: Callable[[Sequence[float]], pd.DataFrame],
    config_of: Callable[..., StrategyConfig],
):
    strategy = load_strategy(config_of(f"{EXAMPLE}:MyStrategy", window=2))
    frame = signal_frame(strategy, candles_of(closes))
    assert {row: int(value) for row, value in enumerate(frame["signal"]) if value} == signals


def test_the_example_judges_the_last_candle_alike_in_its_warm_up_window(
    random_walk: Callable[[int, int], pd.DataFrame], config_of: Callable[..., StrategyConfig]
):
    strategy = load_strategy(config_of(f"{EXAMPLE}:MyStrategy"))
    whole = signal_frame(strategy, random_walk(300, 2))["signal"]
    assert whole.any()
    for end in range(strategy.warmup, 301):
        window = random_walk(300, 2).iloc[end - strategy.warmup : end]
        assert signal_frame(strategy, window)["signal"].iloc[-1] == whole.iloc[end - 1]
