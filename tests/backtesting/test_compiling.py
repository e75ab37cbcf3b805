"""Machine code is kept on disk, and forgotten when a rule changes."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from app.backtesting import backtest
from app.backtesting.compiling import SOURCES, cache_folder, sources_digest
from app.backtesting.sweep import sweep
from app.config.models import StrategyConfig
from app.core import decision
from app.risk import exits, limits, sizing
from app.simulation import candle
from app.strategies.sma_cross import SmaCrossStrategy


def test_every_rule_that_is_compiled_is_in_the_digest():
    assert {exits, sizing, limits, candle, decision} <= set(SOURCES)


def test_a_changed_source_has_another_folder(tmp_path):
    (tmp_path / "rule.py").write_text("STOP = 1\n")
    module = SimpleNamespace(__file__=str(tmp_path / "rule.py"))
    before, folder = sources_digest((module,)), cache_folder((module,))
    (tmp_path / "rule.py").write_text("STOP = 2\n")
    assert sources_digest((module,)) != before
    assert cache_folder((module,)) != folder


RUN = """
from app.backtesting import sweep
from app.backtesting import backtest
from app.config.models import StrategyConfig
from app.data.synthetic import synthetic_candles
from app.strategies.sma_cross import SmaCrossStrategy
backtest(synthetic_candles(500, seed=1), SmaCrossStrategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT")))
stats = sweep.sweep.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def test_the_second_start_compiles_nothing(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    seen = [
        subprocess.run(
            [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert seen == [["0", "1"], ["1", "0"]]


@pytest.mark.parametrize("risk", [{}, {"stop_loss_pct": 2}, {"limits": {"max_drawdown_pct": 10}}], ids=str)
def test_settings_of_all_kinds_use_the_same_machine_code(settings, candles, risk):
    strategy = SmaCrossStrategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT", timeframe="1m"))
    backtest(candles(list(100 + np.sin(np.arange(300)))), strategy, settings(risk=risk))
    assert len(sweep.signatures) == 1
