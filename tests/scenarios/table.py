"""Candles as tables, trades by hand, to the cent: one table for backtest, paper and live trading.

A candle is open, high, low, close, volume; None is a missing one. Signals stand beside the candles. An entry buys for
1,000 at the close of its candle (10 units at 100). Expected are the exits: candle, price, quantity, profit after all
fees, reason.
"""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from app.config.models import StrategyConfig
from app.strategies.base import BaseStrategy

START = pd.Timestamp("2025-01-01", tz="UTC")
MINUTE = pd.Timedelta(minutes=1)
REASONS = {
    "stop loss": "stop", "trailing stop": "trailing", "break-even stop": "break even", "profit": "target", "held for": "time",
    "sell signal": "signal", "the account fell": "drawdown",
}  # fmt: skip

Row = tuple[float, float, float, float, float]
Exit = tuple[int, float, float, float, str]

FLAT: Row = (100, 101, 99, 100, 10)
QUIET: Row = (100, 100.5, 99.5, 100, 10)
HIGH: Row = (103, 103.5, 102.5, 103, 10)
LOW: Row = (90, 90.5, 89.5, 90, 10)
BUY = [0, 1]

# Why a row cannot be traded live with the same result.
TICK = "a tick decides, and a live entry pays the spread, from which its levels count"
AT_CLOSE = "live, a stage is taken at the close of its candle (docs/decisions/0009), here far from its price"
MINIMUMS = "the simulated market has minimums of its own"
HOLES = "the simulated exchange has no holes in its candles"
CASH = "the account is another one"


class Told(BaseStrategy):
    """Gives the signals of a scenario, and 0 for candles beyond it."""

    signals: pd.Series
    warmup = 1

    def calculate_indicators(self, df):
        return df

    def generate_signals(self, df):
        return df.assign(signal=self.signals.reindex(df.index).fillna(0).astype("int8"))


def reason_in(words: str) -> str:
    """The table's word for a reason that the bot recorded."""
    return next(reason for told, reason in REASONS.items() if told in words)


@dataclass(frozen=True)
class Scenario:
    """Attributes: name, candles, signals (the rest is 0), `risk` settings, exits, units held at the end; `paper` and `orders`
    settings, minimums of the market; why it cannot be traded live with the same result, empty when it can."""

    name: str
    rows: list[Row | None]
    signals: list[int]
    risk: dict[str, Any]
    exits: list[Exit]
    held: float = 0.0
    paper: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)
    market: dict[str, str] = field(default_factory=dict)
    not_live: str = ""

    def strategy(self, config: StrategyConfig) -> Told:
        """One that gives the scenario's signals."""
        told = Told(config)
        told.signals = pd.Series({START + i * MINUTE: signal for i, signal in enumerate(self.signals)})
        return told


def stages(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"profit_pct": profit, "close_share": share} for profit, share in pairs]


STOP, BOTH = {"stop_loss_pct": 0.02}, {"stop_loss_pct": 0.02, "take_profit_pct": 0.02}
TRAIL = {"exits": {"trailing_stop_pct": 0.02, "trailing_from_pct": 0.01}}
SECOND = {"max_entries": 2, "sizing": {"method": "amount", "amount_usd": 600}}
HALVES = {"take_profit_pct": 0.1, "exits": {"take_profit_stages": stages((0.02, 0.5), (0.04, 0.25))}}

SCENARIOS = [
    # --- stop
    Scenario("a stop fills at its price", [FLAT, FLAT, QUIET, (99, 100, 97, 98, 10)], BUY, STOP, [(3, 98.0, 10.0, -20.0, "stop")]),
    Scenario("a stop is triggered by a touch to the tick", [FLAT, FLAT, (100, 100, 98, 99, 10)], BUY, STOP, [(2, 98.0, 10.0, -20.0, "stop")]),
    Scenario("a tick above the stop nothing happens", [FLAT, FLAT, (100, 100, 98.01, 99, 10)], BUY, STOP, [], held=10.0),
    Scenario("a gap through the stop fills at the open", [FLAT, FLAT, QUIET, (95, 96, 94, 95, 10)], BUY, STOP, [(3, 95.0, 10.0, -50.0, "stop")]),
    # in at 100 * 1.001 = 100.10, fee 1.001; stop 98.098 down to 98.09; out at 97.99191 down to 97.99, fee 0.9799
    Scenario("a stop pays fee and slippage", [FLAT, FLAT, (100, 100, 97, 98, 10)], BUY, STOP, [(2, 97.99, 10.0, -23.08, "stop")], paper={"fee_rate": 0.001, "slippage_bp": 10}),
    Scenario("no stop, no exit", [FLAT, FLAT, (50, 60, 40, 50, 10)], BUY, {}, [], held=10.0),
    Scenario("a percentage from 1 on is percent", [FLAT, FLAT, (100, 100, 97, 98, 10)], BUY, {"stop_loss_pct": 2}, [(2, 98.0, 10.0, -20.0, "stop")]),
    Scenario("the entry's own candle cannot stop it", [FLAT, (100, 101, 90, 100, 10), QUIET], BUY, STOP, [], held=10.0),
    # --- target
    Scenario("a target touched to the tick rests on", [FLAT, FLAT, (100, 102, 100, 101, 10)], BUY, {"take_profit_pct": 0.02}, [], held=10.0),
    Scenario("a target that is traded through fills at its price", [FLAT, FLAT, (100, 102.01, 100, 101, 10)], BUY, {"take_profit_pct": 0.02}, [(2, 102.0, 10.0, 20.0, "target")], not_live=TICK),
    Scenario("a gap through the target fills at its price", [FLAT, FLAT, QUIET, (105, 106, 104, 105, 10)], BUY, BOTH, [(3, 102.0, 10.0, 20.0, "target")]),
    Scenario("stop and target in one candle: the stop", [FLAT, FLAT, (100, 103, 97, 100, 10)], BUY, BOTH, [(2, 98.0, 10.0, -20.0, "stop")]),
    # --- candles that are none
    Scenario("a candle without volume fills nothing", [FLAT, FLAT, QUIET, (95, 95, 95, 95, 0), (96, 97, 95, 96, 10)], BUY, STOP, [(4, 96.0, 10.0, -40.0, "stop")]),
    Scenario("after missing candles the stop fills at the next open", [FLAT, FLAT, None, None, (96, 97, 95, 96, 10)], BUY, STOP, [(4, 96.0, 10.0, -40.0, "stop")], not_live=HOLES),
    Scenario("a hole forbids decisions, not exits", [FLAT, FLAT, None, QUIET, (99, 100, 97, 98, 10), QUIET], [0, 1, 0, -1, 1, 1], STOP, [(4, 98.0, 10.0, -20.0, "stop")], not_live=HOLES),
    # --- trailing and break-even
    Scenario("a trailing stop follows closed candles", [FLAT, FLAT, (100, 110, 100, 109, 10), (109, 109, 107, 108, 10)], BUY, TRAIL, [(3, 107.8, 10.0, 78.0, "trailing")]),
    Scenario("a trailing stop sleeps until its profit", [FLAT, FLAT, (100, 100.99, 100, 100, 10), (100, 100, 90, 95, 10)], BUY, TRAIL, [], held=10.0),
    Scenario("a trailing stop never moves back", [FLAT, FLAT, (100, 110, 100, 109, 10), (109, 109, 108, 108, 10), (108, 108, 107, 107, 10)], BUY, TRAIL, [(4, 107.8, 10.0, 78.0, "trailing")]),
    Scenario("break-even saves the entry price", [FLAT, FLAT, (100, 103, 100, 102, 10), (102, 102, 99.5, 100, 10)], BUY, {**STOP, "exits": {"break_even_pct": 0.03}}, [(3, 100.0, 10.0, 0.0, "break even")]),
    Scenario("break-even a tick too low leaves the stop", [FLAT, FLAT, (100, 102.99, 100, 102, 10), (102, 102, 97.5, 98, 10)], BUY, {**STOP, "exits": {"break_even_pct": 0.03}}, [(3, 98.0, 10.0, -20.0, "stop")]),
    Scenario("a gap through a trailing stop fills at the open", [FLAT, FLAT, (100, 110, 100, 109, 10), (105, 106, 104, 105, 10)], BUY, TRAIL, [(3, 105.0, 10.0, 50.0, "trailing")]),
    # --- time and signals
    Scenario("after its candles a position is sold at the close", [FLAT, FLAT, QUIET, (100, 104, 100, 103, 10), HIGH], BUY, {"exits": {"max_hold_candles": 2}}, [(3, 103.0, 10.0, 30.0, "time")]),
    Scenario("an exit by time wins over a buy signal", [FLAT, FLAT, QUIET, (100, 104, 100, 103, 10), HIGH], [0, 1, 0, 1, 1], {"exits": {"max_hold_candles": 2}}, [(3, 103.0, 10.0, 30.0, "time")]),
    Scenario("a stop comes before the time", [FLAT, FLAT, (100, 100, 97, 97, 10)], BUY, {**STOP, "exits": {"max_hold_candles": 1}}, [(2, 98.0, 10.0, -20.0, "stop")]),
    Scenario("a sell signal sells at the close", [FLAT, FLAT, QUIET, (100, 104, 99, 103, 10)], [0, 1, 0, -1], BOTH, [(3, 102.0, 10.0, 20.0, "target")]),
    Scenario("a sell signal without levels", [FLAT, FLAT, QUIET, (100, 104, 99, 103, 10)], [0, 1, 0, -1], {}, [(3, 103.0, 10.0, 30.0, "signal")]),
    Scenario("after a stop the same signal does not enter again", [FLAT, FLAT, (100, 100, 97, 98, 10), QUIET, QUIET], [0, 1, 1, 1, 1], STOP, [(2, 98.0, 10.0, -20.0, "stop")]),
    Scenario("after a stop a new signal enters at the same close", [FLAT, FLAT, QUIET, (99, 100, 97, 100, 10), (100, 100, 97, 98, 10)], [0, 1, 0, 1, 0], STOP, [(3, 98.0, 10.0, -20.0, "stop"), (4, 98.0, 10.0, -20.0, "stop")]),
    # --- stages
    Scenario("stages take their parts and the target the rest", [FLAT, FLAT, (100, 102.5, 100, 102, 10), (102, 104.5, 102, 104, 10), (104, 111, 104, 110, 10)], BUY, HALVES, [(2, 102.0, 5.0, 10.0, "target"), (3, 104.0, 2.5, 10.0, "target"), (4, 110.0, 2.5, 25.0, "target")]),
    Scenario("one candle may reach several stages", [FLAT, FLAT, (100, 105, 100, 104, 10)], BUY, HALVES, [(2, 102.0, 5.0, 10.0, "target"), (2, 104.0, 2.5, 10.0, "target")], held=2.5, not_live=AT_CLOSE),
    Scenario("one candle may reach everything", [FLAT, FLAT, (100, 111, 100, 110, 10)], BUY, HALVES, [(2, 102.0, 5.0, 10.0, "target"), (2, 104.0, 2.5, 10.0, "target"), (2, 110.0, 2.5, 25.0, "target")], not_live=AT_CLOSE),
    Scenario("stop and stage in one candle: the stop, with all of it", [FLAT, FLAT, (100, 103, 97, 100, 10)], BUY, {**HALVES, **STOP}, [(2, 98.0, 10.0, -20.0, "stop")]),
    Scenario("after a stage the stop sells the rest", [FLAT, FLAT, (100, 102.5, 100, 102, 10), (102, 102, 97.5, 98, 10)], BUY, {**HALVES, **STOP}, [(2, 102.0, 5.0, 10.0, "target"), (3, 98.0, 5.0, -10.0, "stop")]),
    Scenario("a stage that is too small for the market is passed over", [FLAT, FLAT, (100, 102.5, 100, 102, 10), (104, 111, 104, 110, 10)], BUY, {"take_profit_pct": 0.1, "exits": {"take_profit_stages": stages((0.02, 0.25))}}, [(3, 110.0, 10.0, 100.0, "target")], market={"min_notional": "300"}, not_live=MINIMUMS),
    Scenario("a rest that is too small for the market goes with its stage", [FLAT, FLAT, (100, 102.5, 100, 102, 10)], BUY, {"take_profit_pct": 0.1, "exits": {"take_profit_stages": stages((0.02, 0.8))}}, [(2, 102.0, 10.0, 20.0, "target")], market={"min_notional": "300"}, not_live=MINIMUMS),
    Scenario("a stage is cut to the market's grid", [FLAT, FLAT, (100, 102.5, 100, 102, 10)], BUY, {"take_profit_pct": 0.1, "exits": {"take_profit_stages": stages((0.02, 0.33333))}}, [(2, 102.0, 3.333, 6.67, "target")], held=6.667),
    # --- exits that rest: in at 100.10, target 102.102
    Scenario("a target fills at its price also beside limit exits", [FLAT, FLAT, (100, 103, 100, 101, 10)], BUY, BOTH, [(2, 102.11, 10.0, 20.1, "target")], paper={"slippage_bp": 10}, orders={"exit": {"type": "limit"}}),
    Scenario("a stage fills at its price also beside limit exits", [FLAT, FLAT, (100, 102.5, 100, 102, 10), (102, 104.5, 102, 104, 10), (104, 111, 104, 110, 10)], BUY, HALVES, [(2, 102.0, 5.0, 10.0, "target"), (3, 104.0, 2.5, 10.0, "target"), (4, 110.0, 2.5, 25.0, "target")], orders={"exit": {"type": "limit"}}),
    Scenario("a stop beside limit exits sells at market", [FLAT, FLAT, (100, 100, 97, 98, 10)], BUY, STOP, [(2, 97.99, 10.0, -21.1, "stop")], paper={"slippage_bp": 10}, orders={"exit": {"type": "limit"}}),
    # --- ranges, entries, sizes, limits
    Scenario("a stop in average true ranges", [FLAT, FLAT, FLAT, FLAT, FLAT, QUIET, (98, 98, 96, 97, 10)], [0, 0, 0, 0, 1], {"exits": {"stop_loss_atr": 2, "atr_candles": 3}}, [(6, 96.0, 10.0, -40.0, "stop")]),
    # 5 at 100, worth 550 at 110: 450 are left, 4.09 at 110; average 104.499, stop 102.40; 9.09 * 102.40 - 949.90 = -19.08
    Scenario("adding averages the entry and lifts the stop", [FLAT, FLAT, (100, 110, 100, 110, 10), (110, 111, 109, 110, 10), (110, 110, 102, 103, 10)], [0, 1, 0, 1], {**STOP, "max_entries": 2}, [(4, 102.4, 9.09, -19.08, "stop")]),
    # 142 steps of 0.07 for 1,000 at 100; 9.94 * 3 = 29.82
    Scenario("a step that does not divide one gives a quantity on the grid", [FLAT, FLAT, QUIET, HIGH], [0, 1, 0, -1], {}, [(3, 103.0, 9.94, 29.82, "signal")], market={"quantity_step": "0.07"}, not_live=MINIMUMS),
    Scenario("what could not be sold at its stop is not bought", [FLAT, FLAT, QUIET, FLAT], [0, 1, 0, -1], STOP, [], market={"min_notional": "980.01"}, not_live=MINIMUMS),
    Scenario("what can just be sold at its stop is bought", [FLAT, FLAT, QUIET, FLAT], [0, 1, 0, -1], STOP, [(3, 100.0, 10.0, 0.0, "signal")], market={"min_notional": "980"}, not_live=MINIMUMS),
    Scenario("all that is held is sold also below the minimum", [FLAT, FLAT, QUIET, LOW], [0, 1, 0, -1], {}, [(3, 90.0, 10.0, -100.0, "signal")], market={"min_notional": "950"}, not_live=MINIMUMS),
    # 6 at 100; 1,000 less the 600 paid, fees apart, leave 4 at 100; fees 0.6 + 0.4 + 1.03
    Scenario("a position's size counts what was paid, without fees", [FLAT, FLAT, QUIET, FLAT, QUIET, HIGH], [0, 1, 0, 1, 0, -1], SECOND, [(5, 103.0, 10.0, 27.97, "signal")], paper={"fee_rate": 0.001}),
    # 6 at 100, worth 540 at 90; 400 leave 4.444 at 90; 10.444 * 90 - 600 - 399.96 = -60
    Scenario("what was paid counts, where the position is worth less", [FLAT, FLAT, QUIET, LOW, LOW, LOW], [0, 1, 0, 1, 0, -1], SECOND, [(5, 90.0, 10.444, -60.0, "signal")]),
    # 100 of 10,000 at risk over 2 a unit: 50 units, cut to 1,000 a position
    Scenario("risk per trade is cut to the position's size", [FLAT, FLAT, (100, 100, 97, 98, 10)], BUY, {**STOP, "sizing": {"method": "risk", "risk_pct": 0.01}}, [(2, 98.0, 10.0, -20.0, "stop")]),
    Scenario("risk per trade loses its share", [FLAT, FLAT, (100, 100, 97, 98, 10)], BUY, {**STOP, "max_position_size_usd": 9_000, "sizing": {"method": "risk", "risk_pct": 0.01}}, [(2, 98.0, 50.0, -100.0, "stop")]),
    Scenario("an entry is cut to the cash with its fee", [FLAT, FLAT, QUIET, FLAT], [0, 1, 0, -1], {}, [(3, 100.0, 4.995, -1.0, "signal")], paper={"cash": 500, "fee_rate": 0.001}, not_live=CASH),
    Scenario("an entry is cut to its share of the account", [FLAT, FLAT, QUIET, FLAT], [0, 1, 0, -1], {"limits": {"max_symbol_share": 0.05}}, [(3, 100.0, 5.0, 0.0, "signal")]),
    Scenario("after a stop entries wait", [FLAT, FLAT, QUIET, (99, 100, 97, 100, 10), QUIET, QUIET, QUIET], [0, 1, 0, 1, 0, 1, 0], {**STOP, "limits": {"cooldown_candles": 3}}, [(3, 98.0, 10.0, -20.0, "stop")]),
    Scenario("after a day's loss entries wait", [FLAT, FLAT, QUIET, (95, 96, 94, 95, 10), QUIET, QUIET], [0, 1, 0, 0, 1, 0], {**STOP, "limits": {"max_daily_loss_pct": 0.002}, "max_position_size_usd": 900}, [(3, 95.0, 9.0, -45.0, "stop")]),
    Scenario("a drawdown sells what is held and halts", [FLAT, FLAT, (100, 100, 90, 90, 10), LOW, LOW], [0, 1, 0, 1, 0], {"limits": {"max_drawdown_pct": 0.01}}, [(2, 90.0, 10.0, -100.0, "drawdown")]),
]  # fmt: skip
