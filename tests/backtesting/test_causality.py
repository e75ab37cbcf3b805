import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.backtesting import backtest
from app.backtesting.causality import prove
from app.backtesting.cuts import FALSE_CANDLES, choose_cuts, false_history, layers
from app.backtesting.verdict import Verdict
from app.config.models import StrategyConfig
from app.data.files import read_candles
from app.data.synthetic import synthetic_candles
from app.domain.timeframe import Timeframe
from app.strategies.event import EventStrategy
from app.strategies.guarded import signal_frame, warmup_of
from app.strategies.loader import SHIPPED, load_strategy

_spec = importlib.util.spec_from_file_location("cheats", Path(__file__).with_name("cheats.py"))
cheats = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cheats)

MINUTE = Timeframe.parse("1m")
SHIPPED_AND_MINE = [*SHIPPED, "examples/my_strategy.py:MyStrategy"]


@pytest.fixture(scope="module")
def history():
    return synthetic_candles(20_000, seed=5)


def examine(strategy, candles, *, timeframe=MINUTE, **options):
    frame = signal_frame(strategy, candles)
    signals = frame["signal"].to_numpy()
    decided = np.flatnonzero(signals * (np.diff(signals, prepend=np.int8(0)) != 0))  # a position opens and closes
    window = max(70, warmup_of(strategy))
    return prove(strategy, candles, frame, decided, window=window, timeframe=timeframe, **options)


def of(kind, **params):
    return kind(cheats.settings(**params))


@pytest.mark.parametrize("most", [None, 100])
@pytest.mark.parametrize("kind", cheats.CHEATS)
def test_a_cheat_is_found_and_named(kind, most, history):
    verdict = examine(of(kind), history, trades_at_most=most)
    assert verdict.verdict is Verdict.LOOKS_AHEAD
    assert verdict.head().startswith("LOOKS AHEAD: at 2025-01-")
    assert f"{kind.__name__} uses candles of the future" in verdict.text()
    assert not verdict.believable


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        (cheats.NegativeShift, "next_close"),
        (cheats.WholeSeriesNormalisation, "z"),
        (cheats.CentredWindow, "middle"),
        (cheats.LastValueBroadcast, "target"),
        (cheats.ResampleWithoutShift, "hour_close"),
        (cheats.FutureFill, "next_top"),
        (cheats.FittedOnEverything, "forecast"),
    ],
)
def test_a_cheat_is_told_by_its_column_and_both_values(kind, column, history):
    verdict = examine(of(kind), history)
    assert verdict.columns == (column,)
    assert f" in {column}: live it will not have them" in verdict.text()
    first = verdict.first
    assert first.history != first.window
    assert [values.name for values in first.columns] == [column]
    at = history.index.get_loc(pd.Timestamp(first.time_ms, unit="ms", tz="UTC"))
    truth = signal_frame(of(kind), history)[column].iloc[at]
    told = first.columns[0].history
    assert told == "no number" if np.isnan(truth) else float(told) == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_a_look_into_the_future_at_few_candles_is_found_with_every_seed(seed, history):
    assert examine(of(cheats.RareLook), history, seed=seed, trades_at_most=100).verdict is Verdict.LOOKS_AHEAD


@pytest.mark.parametrize("most", [None, 100])
@pytest.mark.parametrize("kind", cheats.HONEST)
def test_an_honest_strategy_is_acquitted(kind, most, history):
    verdict = examine(of(kind), history, trades_at_most=most)
    assert verdict.verdict is Verdict.CAUSAL, verdict.text()
    assert verdict.head() == f"causal on {verdict.cuts:,} cuts"
    assert verdict.cuts >= 200
    assert verdict.believable


@pytest.mark.parametrize("name", SHIPPED_AND_MINE)
def test_a_shipped_strategy_is_causal_and_its_indicators_are_the_same_to_the_last_bit(name, history):
    verdict = examine(load_strategy(StrategyConfig(name=name, symbol="BTC/USDT")), history)
    assert verdict.verdict is Verdict.CAUSAL
    assert verdict.columns == ()
    assert verdict.trades == verdict.trades_in_all > 200


def test_a_warm_up_that_is_too_short_is_no_look_ahead_and_the_remedy_is_a_length(history):
    verdict = examine(of(cheats.ShortWarmUp), history)
    assert verdict.verdict is Verdict.WARM_UP_TOO_SHORT
    assert verdict.head().startswith("WARM-UP TOO SHORT: at ")
    assert "Declare a `warmup` in ShortWarmUp: " in verdict.text()
    assert verdict.first.columns[0].name == "slow"
    assert 280 <= verdict.sufficient_window <= 8_960

    class Remedied(cheats.ShortWarmUp):
        warmup = 4 * verdict.sufficient_window

    assert examine(of(Remedied), history).verdict is Verdict.CAUSAL


def test_a_strategy_that_needs_all_of_the_past_is_told_so(history):
    verdict = examine(of(cheats.SinceTheBeginning), history)
    assert verdict.verdict is Verdict.WARM_UP_TOO_SHORT
    assert verdict.sufficient_window is None
    assert "depends on where the history begins" in verdict.text()


def test_a_strategy_that_fails_on_the_bots_window_is_told_so(history):
    class Short(cheats.NotANumberInTheWindow):
        warmup = 299

        def generate_signals(self, df):
            frame = super().generate_signals(df)
            if len(df) == 299:
                raise ValueError("too few candles")
            return frame

    verdict = examine(of(Short), history)
    assert verdict.verdict is Verdict.WARM_UP_TOO_SHORT
    assert verdict.first.window is None
    assert "too few candles" in verdict.head()
    assert verdict.sufficient_window == 598


def test_a_strategy_that_fails_on_short_windows_is_told_so_though_a_history_of_windows_is_long_enough(history):
    class WantsMany(cheats.PandasCross):
        def calculate_indicators(self, df):
            if len(df) < 500:
                raise ValueError("500 candles are needed")
            return super().calculate_indicators(df)

    class NothingOfFew(cheats.PandasCross):
        def generate_signals(self, df):
            frame = super().generate_signals(df)
            return frame if len(df) >= 200 else frame.assign(signal=0)

    verdict = examine(of(WantsMany), history, trades_at_most=100)
    assert not verdict.believable
    assert "500 candles are needed" in verdict.head()
    verdict = examine(of(NothingOfFew), history, trades_at_most=100)
    assert verdict.verdict is Verdict.WARM_UP_TOO_SHORT
    assert verdict.sufficient_window == 280


@pytest.mark.parametrize("most", [None, 100])
def test_what_is_looked_up_by_its_date_may_be_the_future_and_is_never_called_causal(most, history):
    rises = np.sign(history["close"].shift(-1) - history["close"])

    class Written(cheats.FromAFile):
        written = rises

    for kind in (Written, cheats.Dates):
        verdict = examine(of(kind), history, trades_at_most=most)
        assert verdict.verdict is Verdict.MORE_THAN_CANDLES
        assert verdict.head().startswith("HANGS ON MORE THAN CANDLES: at 2025-01-")
        assert "when the same candles are dated 28 years later" in verdict.head()
        assert "may be the future" in verdict.text()
        assert not verdict.believable


def test_two_moments_that_are_known_by_date_are_enough_to_say_so_in_a_short_history(history):
    class TwoMoments(cheats.Hidden):
        def decide(self, df):
            buys, sells = (df.index == pd.Timestamp(f"2025-01-0{day} 20:00", tz="UTC") for day in (1, 2))
            return buys.astype("int8") - sells.astype("int8")

    for seed in range(4):
        assert examine(of(TwoMoments), history.iloc[:2_880], seed=seed).verdict is Verdict.MORE_THAN_CANDLES


def test_a_look_up_that_fails_under_other_dates_is_told_so(history):
    class Strict(cheats.FromAFile):
        written = np.sign(history["close"].shift(-1) - history["close"]).fillna(0)

        def decide(self, df):
            return self.written.loc[df.index]

    verdict = examine(of(Strict), history)
    assert verdict.verdict is Verdict.MORE_THAN_CANDLES
    assert "and it fails when the same candles are dated 28 years later" in verdict.head()


def test_chance_is_told_from_a_look_ahead(history):
    verdict = examine(of(cheats.Chance), history)
    assert verdict.verdict is Verdict.MORE_THAN_CANDLES
    assert "when it is asked again" in verdict.head()
    assert "chance cannot be tested" in verdict.text()


class Falling(EventStrategy):
    def start(self):
        self.last = None

    def on_candle(self, candle, portfolio):
        fell = self.last is not None and candle.close < self.last
        self.last = candle.close
        return 1 if fell else -1


class LooksAtItsPortfolio(Falling):
    def on_candle(self, candle, portfolio):
        return 0 if portfolio.quantity else super().on_candle(candle, portfolio)


def test_a_strategy_that_is_called_candle_by_candle_is_causal_unless_it_cannot_be_run_live(history):
    verdict = backtest(history, of(Falling)).causality
    assert verdict.verdict is Verdict.CAUSAL
    assert 100 <= verdict.trades < verdict.trades_in_all
    verdict = backtest(history, of(LooksAtItsPortfolio)).causality
    assert verdict.verdict is Verdict.FAILS_LIVE
    assert "FAILS LIVE: at 2025-01-" in verdict.head()
    assert "portfolio.quantity" in verdict.head()


def test_an_indicator_that_depends_on_the_beginning_without_changing_a_signal_is_named(history):
    verdict = examine(of(cheats.Volume), history)
    assert verdict.columns == ("total",)
    assert "no other signal: total" in verdict.text()


def test_rounding_that_decides_is_told_from_a_look_ahead():
    """Where trades bounce between bid and ask both averages are equal, and running sums make them cross."""
    bouncing = synthetic_candles(6_000, seed=3, decimals=4, price=1.0)
    minute = np.arange(6_000)
    for name in ("open", "high", "low", "close"):  # three hours of every five: long enough for both windows
        bouncing[name] = np.where(minute % 300 >= 120, np.where(minute % 2, 1.0001, 1.0003), bouncing[name])
    verdict = examine(of(cheats.RunningSums), bouncing)
    assert verdict.verdict is Verdict.ROUNDING, verdict.text()
    assert "but rounding decides: at 2025-01-" in verdict.head()
    assert verdict.believable
    ours = load_strategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT"))
    for strategy in (ours, of(cheats.PandasCross)):
        assert examine(strategy, bouncing).verdict is Verdict.CAUSAL


def test_too_short_a_history_proves_nothing():
    verdict = examine(load_strategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT")), synthetic_candles(60, seed=1))
    assert verdict.verdict is Verdict.UNPROVEN
    assert "no candle has the 70 candles without a hole" in verdict.head()
    assert not verdict.believable


def test_a_history_without_signals_is_examined_as_well(history):
    strategy = load_strategy(
        StrategyConfig(name="rsi_reversion", symbol="BTC/USDT", params={"oversold": 0.001, "overbought": 99.999})
    )
    verdict = examine(strategy, history)
    assert verdict.verdict is Verdict.CAUSAL
    assert verdict.cuts >= 200


def test_the_same_seed_gives_the_same_verdict(history):
    first, second = (examine(of(cheats.NegativeShift), history, seed=4) for _ in range(2))
    assert first == second


def test_nobody_decides_within_a_window_that_has_a_hole(history):
    times = history.index.asi8
    keep = np.ones(len(times), dtype=bool)
    keep[5_000:5_100] = False
    signals = signal_frame(load_strategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT")), history[keep])["signal"]
    decided = np.arange(4_900, 5_200)
    cuts = choose_cuts(
        times[keep], signals.to_numpy(), decided,
        window=70, timeframe=MINUTE, seed=1, others=200, trades_at_most=None,
    )  # fmt: skip
    in_the_hole = (cuts.rows >= 5_000) & (cuts.rows < 5_069)
    assert not in_the_hole.any()
    assert {4_999, 5_069} <= set(cuts.rows)


@pytest.mark.parametrize(("size", "most"), [(300, None), (3_000, 50), (20_000, None), (20_000, 50)])
def test_a_false_history_holds_the_windows_and_nothing_else_that_is_true(history, size, most):
    candles = history.iloc[:size]
    signals = np.zeros(size, dtype=np.int8)
    decided = np.arange(60, size, 7)
    cuts = choose_cuts(
        candles.index.asi8, signals, decided,
        window=70, timeframe=MINUTE, seed=2, others=200, trades_at_most=most,
    )  # fmt: skip
    if most is None:
        assert set(decided[(decided >= 70) & (decided < size - FALSE_CANDLES)]) <= set(cuts.rows)
    groups = layers(cuts.rows, 70)
    assert sorted(np.concatenate(groups)) == cuts.rows.tolist()
    for group in groups:
        false, at = false_history(candles, group, 70)
        assert false.index.is_monotonic_increasing
        assert false.index.is_unique
        for row, place in zip(group[:50], at[:50], strict=True):
            pd.testing.assert_frame_equal(
                false.iloc[place - 69 : place + 1], candles.iloc[row - 69 : row + 1], check_freq=False
            )
            after, truth = false.iloc[place + 1 : place + 5], candles.iloc[row + 1 : row + 5]
            assert after.index.equals(truth.index)
            assert (after["close"].to_numpy() != truth["close"].to_numpy()).all()


REAL = [
    ("crash-2021-05/binance-BTCUSDT-1m-2021_05.parquet", "1m"),
    ("crash-2020-03/binance-LTOBTC-1m-2020_03.parquet", "1m"),
    ("delist/binance-CVCUSDT-5m-2022_2023.parquet", "5m"),
    ("multi-1h/binance-DOTUSDT-1h-2022_2026.parquet", "1h"),
]


@pytest.mark.parametrize(("file", "timeframe"), REAL)
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_strategies_are_causal_on_real_candles(name, file, timeframe, market_data):
    candles = read_candles(market_data / file)[0].frame()
    strategy = load_strategy(StrategyConfig(name=name, symbol="BTC/USDT", timeframe=timeframe))
    verdict = examine(strategy, candles, timeframe=Timeframe.parse(timeframe))
    assert verdict.verdict is Verdict.CAUSAL, verdict.text()
    assert verdict.columns == ()


def test_a_history_of_holes_proves_nothing(market_data):
    candles = read_candles(market_data / "dirty/bitfinex-BTCUSD-1m-2013_04.parquet")[0].frame()
    verdict = examine(load_strategy(StrategyConfig(name="sma_cross", symbol="BTC/USDT")), candles)
    assert verdict.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("kind", cheats.CHEATS[::3])
def test_cheats_are_found_on_real_candles(kind, market_data):
    candles = read_candles(market_data / REAL[0][0])[0].frame()
    assert examine(of(kind), candles, trades_at_most=100).verdict is Verdict.LOOKS_AHEAD
