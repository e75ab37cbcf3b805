"""The pass over believable candles: its shortcut, its tables, its complaints."""

import numpy as np
import pandas as pd
import pytest

from app.backtesting import backtest
from app.config.models import StrategyConfig
from app.data.synthetic import synthetic_candles
from app.domain.errors import ConfigError, DataError
from app.strategies.sma_cross import SmaCrossStrategy

CROSS = SmaCrossStrategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT", timeframe="1m"))


@pytest.fixture(scope="module")
def market():
    return synthetic_candles(20_000, seed=7)


@pytest.mark.parametrize(
    "risk", [{}, {"stop_loss_pct": 0.003, "take_profit_pct": 0.006}], ids=["signals only", "stop and target"]
)
@pytest.mark.parametrize("options", [{}, {"fill": "close"}, {"shorts": True}, {"volume_share": 0.001}], ids=str)
def test_passing_over_quiet_candles_changes_no_bit(settings, market, risk, options):
    config = settings(risk=risk | {"max_position_size_usd": 5000}, paper={"fee_rate": "0.001", "slippage_bp": 1})
    result = backtest(market, CROSS, config, **options)
    fast, plain = result.setup.run(equity=True, notes=True), result.setup.run(equity=True, notes=True, skip=False)
    assert len(fast.orders) > 100
    assert fast.equity.tobytes() == plain.equity.tobytes()
    for name, cells in {"orders": 11, "trades": 13, "notes": 5}.items():
        one, other = getattr(fast, name), getattr(plain, name)
        assert one[:, :cells].tobytes() == other[:, :cells].tobytes(), name


def test_profits_and_costs_add_up_to_the_equity(market):
    result = backtest(market, CROSS, cash=50_000)
    assert result.equity.iloc[-1] == pytest.approx(50_000 + result.trades["pnl"].sum(), rel=1e-12)
    assert result.orders["fee"].sum() == pytest.approx(result.trades["fees"].sum(), rel=1e-12)
    assert result.equity.index.equals(market.index)


def row_set(frame, row, **values):
    changed = frame.copy()
    for name, value in values.items():
        changed.iloc[row, changed.columns.get_loc(name)] = value
    return changed


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda df: df.iloc[:0], "there are no candles of BTC/USDT"),
        (lambda df: df.iloc[::-1], "are not in order"),
        (lambda df: pd.concat([df.iloc[:5], df.iloc[4:]]), "comes twice (row 5): drop one"),
        (lambda df: row_set(df, 3, close=np.nan), "the candle of BTC/USDT at 2025-01-01 00:03 (row 3) cannot be one"),
        (lambda df: row_set(df, 3, low=1e9), "(row 3) cannot be one"),
        (lambda df: df.drop(columns="volume"), "need one column volume"),
        (lambda df: df.reset_index(), "indexed by RangeIndex"),
        (lambda df: df.iloc[::5], "come every 300 s, and strategy.timeframe says 60 s"),
        (lambda df: df.to_numpy(), "came as ndarray"),
    ],
)
def test_candles_that_are_none_are_named_in_one_sentence(market, make, sentence):
    with pytest.raises(DataError) as refusal:
        backtest(make(market), CROSS)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"slipage": 1}, "backtest() has no option 'slipage': known are cash, fee, slippage_bp"),
        ({"fill": "never"}, "option fill of backtest() is 'never'"),
        ({"fee": 2}, "option fee of backtest() is 2"),
    ],
)
def test_options_that_are_wrong_are_named_in_one_sentence(market, options, sentence):
    with pytest.raises(ConfigError) as refusal:
        backtest(market, CROSS, **options)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("strategy", "config", "given", "sentence"),
    [
        (type(CROSS), None, {}, "strategy is the class SmaCrossStrategy: give a strategy of it"),
        ("sma_cross", None, {}, "strategy is 'sma_cross': give a strategy, such as load_strategy"),
        (CROSS, {"risk": {}}, {}, "config came as dict: give a BotConfig"),
        (
            CROSS,
            None,
            {"fine": {"ETH/USDT": None}},
            "there is a table of fine candles of ETH/USDT, which is not traded",
        ),
        (CROSS, None, {"instrument": {"ETH/USDT": None}}, "there is an instrument of ETH/USDT, which is not traded"),
    ],
)
def test_what_is_handed_over_by_mistake_is_named_in_one_sentence(market, strategy, config, given, sentence):
    with pytest.raises(ConfigError) as refusal:
        backtest(market, strategy, config, **given)
    assert sentence in str(refusal.value)
