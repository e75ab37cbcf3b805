"""The decision: a pure function of values. Backtest, paper and live trading call it, so they cannot disagree."""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import assert_never

from app.core.enums import OrderSide


class Signal(IntEnum):
    """What a strategy says about one candle."""

    SELL = -1
    NEUTRAL = 0
    BUY = 1


class Action(StrEnum):
    """What the bot does about it."""

    ENTER = "enter"
    EXIT = "exit"
    HOLD = "hold"
    NO_DECISION = "no decision"

    @property
    def side(self) -> OrderSide | None:
        """The side of the order that the action needs; None when it needs none."""
        match self:
            case Action.ENTER:
                return OrderSide.BUY
            case Action.EXIT:
                return OrderSide.SELL
            case Action.HOLD | Action.NO_DECISION:
                return None
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class Decision:
    """An action and its reason in words, for the record."""

    action: Action
    reason: str


def decide(signal: Signal, last_signal: Signal | None, held: Decimal) -> Decision:
    """What to do at the close of a candle.

    Args:
        signal: The strategy's signal for that candle.
        last_signal: The signal that was last acted upon; None before the first.
        held: Base units held.

    Returns:
        Enter on a new buy signal while flat, exit on a new sell signal while long, hold in every other case.
    """
    if signal is Signal.NEUTRAL:
        return Decision(Action.HOLD, "held: signal is neutral")
    if signal == last_signal:
        return Decision(Action.HOLD, "held: signal unchanged")
    if signal is Signal.BUY:
        if held > 0:
            return Decision(Action.HOLD, f"held: buy signal, but already long {held}")
        return Decision(Action.ENTER, "entered: buy signal while flat")
    if held > 0:
        return Decision(Action.EXIT, f"exited: sell signal while long {held}")
    return Decision(Action.HOLD, "held: sell signal, but nothing is held")
