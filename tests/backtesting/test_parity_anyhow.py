"""Bot, compiled pass and event engine on markets and settings drawn by a seed from all that they share: the same decisions,
the same money, for the same reasons.

`uv run pytest tests/backtesting/test_parity_anyhow.py -m soak -n 2` draws thousands of them; `-n 0 -s` says how many.
Not drawn, because a bot knows nothing like it at the close on paper: `max_spread_pct` (candles have no book). `price_band_pct`
is drawn and never refuses: the close is the price.
"""

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.backtesting import backtest
from app.config.models import BotConfig
from app.core.bot import TradingBot
from app.core.database import Database
from app.domain.instrument import Instrument
from app.domain.timeframe import Timeframe
from app.execution.mock_executor import MockExecutor
from app.repositories import RiskRepository, SignalRepository, StepRepository, TradeRepository
from app.risk.codes import DRAWDOWN
from app.risk.reasons import REFUSALS
from app.strategies.event import EventStrategy

_SPEC = importlib.util.spec_from_file_location("told", Path(__file__).parent / "conftest.py")
_TOLD = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TOLD)
Shown, Spoken, table = _TOLD.Shown, _TOLD.Spoken, _TOLD.table
assert_same_decisions, spoken = _TOLD.assert_same_decisions, _TOLD.spoken

BTC = "BTC/USDT"
SHARE_OF_SETTINGS = 0.2  # with which each limit is set


class Echo(EventStrategy):
    """The same signals, candle by candle."""

    def __init__(self, signals, config, warmup):
        super().__init__(config)
        self._told = dict(zip(signals.index.as_unit("ms").asi8.tolist(), signals.tolist(), strict=True))
        self._warmup = warmup

    @property
    def warmup(self):
        return self._warmup

    def start(self):
        """Nothing to begin with."""

    def on_candle(self, candle, portfolio):
        return self._told[candle.time_ms]


class Draw:
    """One setting after the other, from a seed."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def one(self, *choices):
        """One of them, as it is."""
        return choices[self.random.integers(len(choices))]

    def some(self, share=SHARE_OF_SETTINGS, **choices):
        """Each key with one of its values, or, mostly, not at all."""
        return {key: self.one(*values) for key, values in choices.items() if self.random.random() < share}

    def exits(self):
        stop = self.one({}, {"stop_loss_atr": self.one(0.5, 1.5, 3.0)})
        target = self.one({}, {"take_profit_atr": self.one(0.7, 2.0, 4.0)})
        trail = self.one(
            {}, {}, {"trailing_stop_pct": self.one(0.004, 0.01, 0.03), "trailing_from_pct": self.one(0.0, 0.005, 0.01)},
            {"trailing_stop_atr": self.one(0.5, 1.5, 3.0), "trailing_from_pct": self.one(0.0, 0.005, 0.01)},
        )  # fmt: skip
        stages = [{"profit_pct": at, "close_share": self.one(0.1, 0.25, 0.33)} for at in (0.004, 0.01, 0.015)]
        return {
            "atr_candles": self.one(2, 5), **stop, **target, **trail,
            **self.some(break_even_pct=(0.004, 0.01), max_hold_candles=(1, 2, 4, 9), take_profit_stages=(stages[:1], stages)),
        }  # fmt: skip

    def sizing(self, most):
        method = self.one("amount", "amount", "equity", "risk", "volatility", "kelly")
        needed = {
            "amount": self.some(0.6, amount_usd=(0.2 * most, 0.35 * most, 0.6 * most)),
            "equity": {"equity_share": self.one(0.05, 0.3, 1.0)},
            "risk": {"risk_pct": self.one(0.001, 0.01, 0.05)},
            "volatility": {"risk_pct": self.one(0.001, 0.01, 0.05)},
            "kelly": {"equity_share": self.one(0.05, 0.9), "kelly_trades": self.one(2, 3), "kelly_part": self.one(0.25, 1.0)},
        }  # fmt: skip
        return {"method": method, **needed[method]}

    def risk(self):
        most = self.one(11, 500, 1_000, 3_000, 15_000, 50_000)
        exits = self.exits()
        stop = {} if "stop_loss_atr" in exits else self.some(0.6, stop_loss_pct=(0.003, 0.01, 0.03, 2.5))
        target = {} if "take_profit_atr" in exits else self.some(0.4, take_profit_pct=(0.02, 0.05, 0.2))
        limits = self.some(
            max_symbol_share=(0.05, 0.2, 0.5), max_total_share=(0.5, 0.8), max_open_positions=(1,),
            max_orders_per_minute=(1, 2), max_daily_loss_pct=(0.005, 0.02, 0.1), max_drawdown_pct=(0.01, 0.03, 0.2),
            close_on_drawdown=(False,), max_consecutive_losses=(1, 2, 3), cooldown_candles=(1, 3, 6),
            price_band_pct=(0.002,), max_correlation=(0.5,),
        )  # fmt: skip
        return {
            "max_position_size_usd": most, "max_entries": self.one(1, 1, 2, 3, 4), "exits": exits, **stop, **target,
            "sizing": self.sizing(most), "limits": limits,
        }  # fmt: skip

    def config(self):
        """Settings that contradict themselves are drawn again."""
        while True:
            document = {
                "exchange": {
                    "name": "binance",
                    "market": {
                        "price_tick": self.one("0.01", "0.01", "0.05", "0.001"),
                        "quantity_step": self.one("0.001", "0.001", "0.1", "1", "0.00001", "0.25", "0.07", "0.0003"),
                        "min_quantity": self.one("0", "0", "0.5"), "min_notional": self.one("0", "0", "10", "100"),
                    },
                },
                "risk": self.risk(),
                "strategy": {"name": "told", "symbol": BTC, "timeframe": self.one("1m", "1m", "5m", "1h")},
                "paper": {
                    "cash": self.one(300, 1_000, 10_000, 20_000, 1_000_000),
                    "fee_rate": self.one("0", "0.001", "0.005", "0.00075"), "slippage_bp": self.one(0, 0, 3, 25),
                },
                "backtest": {"fill": "close"},
            }  # fmt: skip
            try:
                return BotConfig.model_validate(document)
            except ValueError:
                continue

    def candles(self, tick, minutes):
        """Prices with ties, gaps, crashes, quiet candles and holes, on the market's grid; a day may end within them."""
        count, grid = int(self.random.integers(30, 110)), max(round(float(tick) * 100), 1)
        steps = self.random.choice([-300, -50, -10, -1, 0, 0, 1, 10, 50, 300], count)
        if self.random.random() < 0.3:
            steps[self.random.integers(count)] = -self.random.integers(1_000, 6_000)
        closes = np.maximum(10_000 + np.cumsum(steps), 1_500)
        opens = np.concatenate([closes[:1], closes[:-1]]) + self.random.choice([0, 0, 0, 120, -120], count)
        wicks = self.random.integers(0, 200, (2, count))
        high, low = np.maximum(opens, closes) + wicks[0], np.minimum(opens, closes) - wicks[1]
        prices = np.column_stack([opens, high, low, closes]) // grid * grid / 100
        rows = np.column_stack([prices, self.random.choice([0.0, 1.0, 5.0, 5.0, 5.0], count)])
        lost = self.random.integers(1, count - 1, self.one(0, 0, 1, 3))
        kept = np.setdiff1d(np.arange(count), lost)
        start = self.one("2025-01-01", "2025-01-01 23:20", "2025-01-01 12:00")
        return table(rows[kept].tolist(), start, (kept * minutes).tolist())

    def signals(self, index):
        often, sides = self.one(0.1, 0.3, 0.6), self.random.choice([1, 1, -1], len(index))
        return pd.Series(np.where(self.random.random(len(index)) < often, sides, 0), index=index)


def traded_by_the_bot(config, frame, strategy, market, path):
    """Its fills, its decisions, why it sold, what it was worth at each close, and whether everything was halted."""
    length_ms = Timeframe.parse(config.strategy.timeframe).ms
    database, handler = Database(), Shown(frame, market, length_ms)
    database.open(path)
    with database.session_scope() as session:
        trades, signals, paper = TradeRepository(session), SignalRepository(session), config.paper
        executor = MockExecutor(
            trades, signals, cash=paper.cash, fee_rate=paper.fee_rate, slippage_bp=paper.slippage_bp,
            clock=handler.clock, instrument_of=handler.instrument,
        )  # fmt: skip
        bot = TradingBot(config, handler, strategy, executor, trades, signals, clock=handler.clock)
        for closes_ms in (frame.index.as_unit("ms").asi8 + length_ms).tolist():
            handler.clock._now_ms = closes_ms
            bot.run_once()
        steps = StepRepository(session).latest(BTC, config.strategy.timeframe, 10_000)[::-1]
        is_halted = any(step.candle_time is None and "halted" in step.reason for step in steps)
        fills = [
            (trade.side.value, float(trade.quantity), float(trade.price), float(trade.fee), float(trade.pnl or 0), trade.timestamp)
            for trade in reversed(trades.get_by_symbol(BTC, limit=10_000))
        ]  # fmt: skip
        judged = [spoken(step) for step in steps if step.signal_value is not None]
        reasons = [why_sold(step.reason) for step in steps if step.action == "exit" and step.order_id]
        snapshots = RiskRepository(session).snapshots(BTC, 10_000)[::-1]
        worth = pd.Series([float(one.equity) for one in snapshots], [one.close_ms - length_ms for one in snapshots])
        assert not [step.error for step in steps if step.error]
    database.close()
    return fills, judged, reasons, worth, is_halted


def why_sold(words):
    """The bot's sentence as a backtest's table says it."""
    kinds = {
        "sell signal": "signal", "stop loss": "stop", "trailing": "trailing", "break": "break even", "profit target": "target",
        REFUSALS[DRAWDOWN]: "drawdown",
    }  # fmt: skip
    said = words.removeprefix("exited: ")
    if "at a profit stage" in said:
        return "target"
    return next((kind for start, kind in kinds.items() if said.startswith(start)), "time")


def assert_the_engines_agree(frame, signals, config, warmup, result):
    """The event engine, and the pass that looks at each candle, made what the pass made, to the last bit."""
    called = backtest(frame, Echo(signals, config.strategy, warmup), config)
    for name in ("orders", "trades", "decisions"):
        pd.testing.assert_frame_equal(getattr(called, name), getattr(result, name), check_exact=True)
    plain = result.setup.run(equity=True, skip=False)
    assert plain.orders[:, :11].tobytes() == result.tapes.orders[:, :11].tobytes()
    assert plain.equity.tobytes() == called.equity.to_numpy().tobytes() == result.equity.to_numpy().tobytes()


def assert_same_worth(worth, result):
    """The bot takes stock before it orders at a close, a backtest after it: what those orders cost lies between."""
    orders = result.orders[
        (result.orders["side"] == "buy") | result.orders["reason"].isin(["signal", "time", "drawdown"])
    ]
    closes = result.candles["close"].reindex(orders["time"]).to_numpy()
    cost = orders["fee"] + (orders["price"] - closes).abs() * orders["quantity"]
    before = result.equity.add(cost.astype(float).groupby(orders["time"]).sum(), fill_value=0.0)
    assert list(worth.index) == before.index.as_unit("ms").asi8.tolist()
    np.testing.assert_allclose(worth, before, rtol=1e-9, atol=1e-7)


def compare(seed, path):
    """One draw; how many fills it had."""
    draw = Draw(seed)
    config = draw.config()
    bounds = config.exchange.market
    market = Instrument(BTC, bounds.price_tick, bounds.quantity_step, bounds.min_quantity, bounds.min_notional)
    frame = draw.candles(bounds.price_tick, Timeframe.parse(config.strategy.timeframe).ms // 60_000)
    signals, warmup = draw.signals(frame.index), draw.one(1, 1, 3, 20)
    strategy = Spoken(signals, config.strategy, warmup=warmup)
    result = backtest(frame, strategy, config)
    assert_the_engines_agree(frame, signals, config, warmup, result)
    fills, judged, reasons, worth, is_halted = traded_by_the_bot(config, frame, strategy, market, path)
    decisions, candles = result.decisions, {moment for moment, *_ in judged}
    if is_halted:  # a halted bot judges no more, and a backtest says so at each signal
        decisions = decisions[decisions["time"].isin(candles) | (decisions["action"] != "hold")]
    assert_same_decisions(judged, decisions)
    assert [fill[0] for fill in fills] == list(result.orders["side"])
    for place, column in enumerate(("quantity", "price", "fee"), start=1):
        np.testing.assert_allclose([fill[place] for fill in fills], result.orders[column].astype(float), rtol=1e-9)
    assert [fill[5] for fill in fills] == list(
        result.orders["time"] + pd.Timedelta(Timeframe.parse(config.strategy.timeframe).ms, "ms")
    )
    assert reasons == list(result.orders.loc[result.orders["side"] == "sell", "reason"])
    assert_same_worth(worth, result)
    closed = result.trades.loc[result.trades["exit_reason"] != "end", "pnl"].astype(float)
    np.testing.assert_allclose([fill[4] for fill in fills if fill[0] == "sell"], closed, rtol=1e-9, atol=1e-7)
    return len(fills)


@pytest.mark.parametrize("seed", range(16))
def test_bot_and_backtest_agree_whatever_is_set(migrated_database, tmp_path, seed):
    compare(seed, shutil.copy(migrated_database, tmp_path / "keel.db"))


@pytest.mark.soak
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("hundred", range(30))
def test_bot_and_backtest_agree_on_thousands_of_draws(migrated_database, tmp_path, hundred):
    fills = 0
    for seed in range(100 * hundred, 100 * hundred + 100):
        fills += compare(seed, shutil.copy(migrated_database, tmp_path / f"keel{seed}.db"))
    sys.stdout.write(f"draws {100 * hundred} to {100 * hundred + 99}: 100 compared, {fills} fills\n")
    assert fills > 500
