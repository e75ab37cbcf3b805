"""Decisions of the pass in words: those that the bot records."""

from collections.abc import Callable
from typing import Final

from app.backtesting import layout
from app.core import decision
from app.core.decision import Action, in_units
from app.domain.values import exact
from app.risk.codes import DRAWDOWN
from app.risk.reasons import REFUSALS, overdue

_ACTIONS: Final = {
    layout.REVERSED: Action.EXIT,
    layout.EXIT_BY_TIME: Action.EXIT,
    layout.EXIT_BY_DRAWDOWN: Action.EXIT,
    layout.EXIT_WINS: Action.HOLD,
    layout.IN_WARMUP: Action.NO_DECISION,
    layout.AFTER_A_HOLE: Action.NO_DECISION,
}
_WORDS: Final[dict[int, Callable[[int, float, int], str]]] = {
    layout.REVERSED: lambda signal, held, _: f"reversed: {_named(signal)} signal while {_position(held)}",
    layout.EXIT_BY_TIME: lambda *known: f"exited: {overdue(known[2])}",
    layout.EXIT_BY_DRAWDOWN: lambda *_: f"exited: {REFUSALS[DRAWDOWN]}",
    layout.EXIT_WINS: lambda *_: "held: the position is being closed",
    layout.IN_WARMUP: lambda *_: "no decision: not enough candles yet",
    layout.AFTER_A_HOLE: lambda *_: "no decision: candles are missing",
}


def action_of(code: int) -> str:
    """What was done."""
    if code > layout.REFUSED:
        return Action.HOLD.value
    return (_ACTIONS.get(code) or decision.action_of(code)).value


def reason_of(code: int, signal: int, held: float, candles: int) -> str:
    """Why, as the bot says it.

    Args:
        code: Of the decision.
        signal: 1, 0 or -1.
        held: Base units held, negative for a short position.
        candles: For how many candles they had been held.
    """
    if code > layout.REFUSED:
        return f"held: {_named(signal)} signal, but {REFUSALS[code - layout.REFUSED]}"
    words = _WORDS.get(code)
    return decision.reason_of(code, signal, exact(held)) if words is None else words(signal, held, candles)


def entry_reason(*, is_long: bool, is_reversed: bool) -> str:
    """Why a position was opened."""
    signal, other = ("buy", "short") if is_long else ("sell", "long")
    return f"reversed: {signal} signal while {other}" if is_reversed else f"entered: {signal} signal while flat"


def _named(signal: int) -> str:
    return "buy" if signal > 0 else "sell"


def _position(held: float) -> str:
    return f"{'short' if held < 0 else 'long'} {in_units(exact(held))}"
