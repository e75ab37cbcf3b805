"""The causality proof of a finished backtest: every symbol, every trade as far as that costs no more than the run."""

from typing import TYPE_CHECKING, Final

import numpy as np

from app.backtesting import layout as at
from app.backtesting.causality import prove
from app.backtesting.cuts import FALSE_CANDLES, Rows
from app.backtesting.verdict import Causality, together
from app.backtesting.words import action_of
from app.core.decision import Action
from app.domain.timeframe import SUPPORTED, Timeframe
from app.strategies.event import EventStrategy

if TYPE_CHECKING:
    from app.backtesting.lanes import Lane
    from app.backtesting.result import BacktestResult

FEWEST_TRADES: Final = 100  # are examined, however long the strategy's windows are
MOST_HISTORY: Final = 2.0  # the windows of all trades hold at most that many times the history's candles
MOST_OF_EVENTS: Final = 0.1  # the same where each candle is a call


def causality_of(result: "BacktestResult", *, seed: int = 1) -> Causality:
    """Recompute signals from the windows that the live bot would have had.

    Every trade is examined unless their windows together hold more than twice the candles of the history; then as many
    as that, chosen with the seed. Strategies with a callback per candle are slow: a tenth of the history's candles.
    """
    found: list[Causality] = []
    for number, lane in enumerate(result.lanes):
        window = result.setup.buffer
        rows = _decided(result, number)
        share = MOST_OF_EVENTS if isinstance(result.strategy, EventStrategy) else MOST_HISTORY
        most = max(int(share * len(lane)) // (window + FALSE_CANDLES), FEWEST_TRADES)
        found.append(
            prove(
                result.strategy,
                lane.frame,
                lane.signal_frame,
                rows,
                window=window,
                timeframe=timeframe_of(lane, result.config.strategy.timeframe),
                seed=seed,
                trades_at_most=None if len(rows) <= most else most,
                untaught=result.untaught,
            )
        )
    return together(found)


def _decided(result: "BacktestResult", number: int) -> Rows:
    """The rows of a symbol at whose close something was bought or sold, in order."""
    notes = result.notes
    codes = notes[:, at.NOTE_CODE]
    acts = [code for code in np.unique(codes) if action_of(int(code)) in (Action.ENTER, Action.EXIT)]
    moments = notes[np.isin(codes, acts) & (notes[:, at.ROW_SYMBOL] == number), at.ROW_CANDLE].astype(np.int64)
    if len(result.lanes) > 1:
        moments = result.lanes[number].index.searchsorted(result.setup.index[moments]).astype(np.int64)
    rows: Rows = np.unique(moments)
    return rows


def timeframe_of(lane: "Lane", otherwise: str) -> Timeframe:
    """The length of a lane's candles; the settings' where it is none that has a name."""
    lengths = map(Timeframe.parse, SUPPORTED)
    return next((length for length in lengths if length.ms == lane.step_ms), Timeframe.parse(otherwise))
