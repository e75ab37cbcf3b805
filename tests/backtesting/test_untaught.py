"""The proof asks a strategy that has learned nothing from the whole history, wherever it keeps what it learned."""

import functools
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from app.backtesting import backtest
from app.backtesting.verdict import Verdict
from app.config.models import StrategyConfig
from app.data.synthetic import synthetic_candles
from app.indicators.averages import sma
from app.indicators.crossings import crossings
from app.strategies.base import BaseStrategy

SETTINGS = StrategyConfig(name="under test", symbol="BTC/USDT", timeframe="1m")
NEXT = {}
LEVELS = []


@pytest.fixture(scope="module")
def history():
    return synthetic_candles(6_000, seed=5)


class Plain(BaseStrategy):
    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=np.asarray(self.decide(df), dtype="int8"))


class KeptInTheClass(Plain):
    level = None

    def decide(self, df):
        if KeptInTheClass.level is None:
            KeptInTheClass.level = float(df["close"].mean())
        return df["close"] < self.level


class KeptByTheModule(Plain):
    def decide(self, df):
        if not LEVELS:
            LEVELS.append(float(df["close"].mean()))
        return df["close"] < LEVELS[0]


class KeptByTime(Plain):
    """Knows of each candle how it went on, once it has seen it with the one after it."""

    def decide(self, df):
        for time, direction in zip(df.index.asi8, np.sign(df["close"].diff().shift(-1).fillna(0)), strict=True):
            NEXT.setdefault(time, direction)
        return [NEXT[time] for time in df.index.asi8]


class Fitted:
    mean = None

    def fit(self, values):
        self.mean = self.mean or float(values.mean())


class KeptInAModel(Plain):
    def __init__(self, settings, model=None):
        super().__init__(settings)
        self.model = model or Fitted()

    def decide(self, df):
        self.model.fit(df["close"])
        return df["close"] < self.model.mean


@functools.cache
def first_mean(values):
    return float(np.mean(FRAMES[values]))


FRAMES = {}


class KeptInACache(Plain):
    def decide(self, df):
        FRAMES["close"] = df["close"].to_numpy()
        return df["close"] < first_mean("close")


class KeptInItself(Plain):
    def decide(self, df):
        if not hasattr(self, "level"):
            self.level = float(df["close"].mean())
        return df["close"] < self.level


class KeptInADefault(Plain):
    def decide(self, df, known={}):  # noqa: B006  that is the mistake
        return df["close"] < known.setdefault("level", float(df["close"].mean()))


def level_of(close):
    level_of.level = getattr(level_of, "level", float(close.mean()))
    return level_of.level


class KeptByAFunction(Plain):
    def decide(self, df):
        return df["close"] < level_of(df["close"])


helper = ModuleType("helper")
helper.__file__ = str(Path(__file__).with_name("helper.py"))


class KeptInAnotherModule(Plain):
    def decide(self, df):
        vars(helper).setdefault("level", float(df["close"].mean()))
        return df["close"] < helper.level


KEPT = [
    KeptInTheClass, KeptByTheModule, KeptByTime, KeptInAModel, KeptInACache, KeptInItself, KeptInADefault,
    KeptByAFunction, KeptInAnotherModule,
]  # fmt: skip


@pytest.mark.parametrize("kind", KEPT)
def test_what_a_strategy_kept_from_the_whole_history_does_not_help_it_also_in_a_second_run(kind, history):
    strategy = kind(SETTINGS)
    for _ in range(2):
        result = backtest(history, strategy)
        assert result.causality.verdict is Verdict.LOOKS_AHEAD, result.causality.text()


def test_the_proof_leaves_what_a_run_has_learned_as_it_was(history):
    KeptInTheClass.level = None
    LEVELS.clear()
    results = [backtest(history, kind(SETTINGS)) for kind in (KeptInTheClass, KeptByTheModule)]
    mean = float(history["close"].mean())
    for result in results:
        assert not result.causality.believable
    assert KeptInTheClass.level == mean
    (level,) = LEVELS
    assert level == mean


def test_what_the_user_has_set_between_two_runs_stays(history):
    KeptInTheClass.level = None
    assert not backtest(history, KeptInTheClass(SETTINGS)).causality.believable
    KeptInTheClass.level = 1.0
    assert backtest(history, KeptInTheClass(SETTINGS)).causality.verdict is Verdict.CAUSAL
    KeptInTheClass.level = None


class WithArguments(Plain):
    """Made with arguments beside its settings, and with something that cannot be copied."""

    def __init__(self, settings, slow, *, fast=5):
        super().__init__(settings)
        self.slow, self.fast, self.lock = slow, fast, threading.Lock()

    def decide(self, df):
        return crossings(sma(df["close"], self.fast), sma(df["close"], self.slow))


class WithDefaults(WithArguments):
    def __init__(self, settings, slow=20, fast=5):
        super().__init__(settings, slow, fast=fast)


def changed(strategy):
    strategy.fast = 12
    return strategy


@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param(WithArguments(SETTINGS, 30), id="an argument without a default"),
        pytest.param(WithDefaults(SETTINGS, slow=40), id="another argument than the default"),
        pytest.param(changed(WithDefaults(SETTINGS)), id="an attribute set later"),
    ],
)
def test_an_honest_strategy_is_asked_as_it_was_made(strategy, history):
    for _ in range(2):
        assert backtest(history, strategy).causality.verdict is Verdict.CAUSAL
