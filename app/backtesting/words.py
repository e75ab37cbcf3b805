"""Decisions of the pass in words."""

from typing import Final

from app.backtesting import layout
from app.core import decision
from app.core.decision import Action

_WORDS: Final = {
    decision.NEUTRAL: (Action.HOLD, "held: signal is neutral"),
    decision.UNCHANGED: (Action.HOLD, "held: signal unchanged"),
    decision.ALREADY_LONG: (Action.HOLD, "held: such a position is already held"),
    decision.NOTHING_HELD: (Action.HOLD, "held: sell signal, but nothing is held"),
    decision.ENTERED: (Action.ENTER, "entered: signal while flat"),
    decision.EXITED: (Action.EXIT, "exited: signal against the position"),
    layout.REVERSED: (Action.EXIT, "reversed: signal against the position"),
    layout.EXIT_BY_TIME: (Action.EXIT, "exited: held for as long as it may be"),
    layout.IN_WARMUP: (Action.NO_DECISION, "no decision: not enough candles yet"),
    layout.AFTER_A_HOLE: (Action.NO_DECISION, "no decision: candles are missing"),
    layout.TOO_SMALL: (Action.HOLD, "held: the order would be below the market's minimum"),
    layout.NO_CASH: (Action.HOLD, "held: no cash is left"),
}


def action_of(code: int) -> str:
    """What was done."""
    return _WORDS[code][0].value


def reason_of(code: int) -> str:
    """Why."""
    return _WORDS[code][1]
