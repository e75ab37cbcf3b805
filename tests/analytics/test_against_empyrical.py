"""Our figures against an independent library: empyrical-reloaded, on synthetic and on real returns."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.analytics.arrays import equity_path, periods_per_year
from app.analytics.drawdown import falls
from app.analytics.returns import (
    cagr,
    calmar,
    candle_returns,
    expected_shortfall,
    moments,
    omega,
    sharpe,
    sortino,
    value_at_risk,
    volatility,
)

REAL = [
    ("multi-1d/binance-BTCUSDT-1d-2017_2026.parquet", 86_400_000),
    ("multi-1d/binance-LINKUSDT-1d-2017_2026.parquet", 86_400_000),
    ("crash-2021-05/binance-BCHUSDT-1m-2021_05.parquet", 60_000),
    ("crash-2020-03/binance-LTOBTC-1m-2020_03.parquet", 60_000),
]


@pytest.fixture(scope="module")
def empyrical():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("empyrical", reason="the oracle is not here: uv run --group oracle pytest")


def agree(empyrical, equity, start: float, timeframe_ms: int) -> None:
    periods = periods_per_year(timeframe_ms)
    path = equity_path(equity, start)
    returns = candle_returns(path)
    of, depth = moments(returns), falls(path).deepest.depth
    growth_rate = cagr(path[-1] / start - 1, returns.size / periods)
    # Their series of days stands for candles of any length: only `annualization` counts.
    theirs = pd.Series(returns, index=pd.date_range("1990-01-01", periods=returns.size, freq="h"))
    close = {"rel": 1e-9, "abs": 1e-12}
    assert volatility(of, periods) == pytest.approx(empyrical.annual_volatility(theirs, annualization=periods), **close)
    assert sharpe(of, periods) == pytest.approx(empyrical.sharpe_ratio(theirs, annualization=periods), **close)
    assert sortino(of, periods) == pytest.approx(empyrical.sortino_ratio(theirs, annualization=periods), **close)
    assert omega(of) == pytest.approx(empyrical.omega_ratio(theirs), **close)
    assert depth == pytest.approx(empyrical.max_drawdown(theirs), **close)
    assert growth_rate == pytest.approx(empyrical.cagr(theirs, annualization=periods), rel=1e-6)
    assert calmar(growth_rate, depth) == pytest.approx(empyrical.calmar_ratio(theirs, annualization=periods), rel=1e-6)
    assert value_at_risk(returns) == pytest.approx(empyrical.value_at_risk(theirs, 0.05), **close)
    assert expected_shortfall(returns) == pytest.approx(
        empyrical.conditional_value_at_risk(theirs.to_numpy(), 0.05), **close
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(5))
def test_we_agree_on_synthetic_returns(empyrical, seed):
    rng = np.random.default_rng(seed)
    steps = rng.standard_t(3, 700) * 0.01 + 0.0005
    agree(empyrical, 1000 * np.exp(np.cumsum(steps)), 1000.0, 86_400_000)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("file", "timeframe_ms"), REAL, ids=[Path(file).stem for file, _ in REAL])
def test_we_agree_on_real_returns(empyrical, market_data, file, timeframe_ms):
    candles = pd.read_parquet(market_data / file)
    agree(empyrical, candles["close"].to_numpy(), float(candles["open"].iloc[0]), timeframe_ms)
