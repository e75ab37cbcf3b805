"""Decisions of the pass in words."""

from typing import Final

from app.backtesting import layout
from app.core import decision
from app.core.decision import Action
from app.risk.reasons import REFUSALS

_WORDS: Final = {
    decision.NEUTRAL: (Action.HOLD, "held: signal is neutral"),
    decision.UNCHANGED: (Action.HOLD, "held: signal unchanged"),
    decision.ALREADY_LONG: (Action.HOLD, "held: such a position is already held"),
    decision.NOTHING_HELD: (Action.HOLD, "held: sell signal, but nothing is held"),
    decision.ENTERED: (Action.ENTER, "entered: signal while flat"),
    decision.ADDED: (Action.ENTER, "entered: signal again, added to the position"),
    decision.EXITED: (Action.EXIT, "exited: signal against the position"),
    layout.REVERSED: (Action.EXIT, "reversed: signal against the position"),
    layout.EXIT_BY_TIME: (Action.EXIT, "exited: held for as long as it may be"),
    layout.EXIT_BY_DRAWDOWN: (Action.EXIT, "exited: the account fell by risk.limits.max_drawdown_pct"),
    layout.EXIT_WINS: (Action.HOLD, "held: the position is being closed"),
    layout.IN_WARMUP: (Action.NO_DECISION, "no decision: not enough candles yet"),
    layout.AFTER_A_HOLE: (Action.NO_DECISION, "no decision: candles are missing"),
}


def action_of(code: int) -> str:
    """What was done."""
    return Action.HOLD.value if code > layout.REFUSED else _WORDS[code][0].value


def reason_of(code: int) -> str:
    """Why."""
    return f"held: signal, but {REFUSALS[code - layout.REFUSED]}" if code > layout.REFUSED else _WORDS[code][1]
