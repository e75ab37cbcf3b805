"""The decision: a pure function of values. Backtest, paper and live trading call it, so they cannot disagree.

`choose` is the whole of it, over plain numbers, so that the backtester can compile it; `decide` puts it in words.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Final, assert_never

from app.core.enums import OrderSide
from app.domain.resting import Purpose, RestingOrder
from app.domain.values import MONEY


class Signal(IntEnum):
    """What a strategy says about one candle."""

    SELL = -1
    NEUTRAL = 0
    BUY = 1


class Action(StrEnum):
    """What the bot does about it."""

    ENTER = "enter"
    EXIT = "exit"
    CANCEL = "cancel"
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
            case Action.CANCEL | Action.HOLD | Action.NO_DECISION:
                return None
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class Decision:
    """An action and its reason in words, for the record."""

    action: Action
    reason: str


NO_SIGNAL: Final = -2  # the last signal, before there was one

# What `choose` returns.
NEUTRAL: Final = 0
UNCHANGED: Final = 1
ALREADY_LONG: Final = 2
NOTHING_HELD: Final = 3
ENTERED: Final = 4
EXITED: Final = 5
ADDED: Final = 6


def choose(signal: int, last_signal: int, is_long: bool) -> int:  # noqa: FBT001  compiled: no keywords there
    """What to do at the close of a candle, as a number.

    Args:
        signal: 1, 0 or -1 for that candle.
        last_signal: The signal that was last acted upon; NO_SIGNAL before the first.
        is_long: Whether base units are held.

    Returns:
        ENTERED on a new buy signal while flat, EXITED on a new sell signal while long, in every other case the reason
        to hold: NEUTRAL, UNCHANGED, ALREADY_LONG or NOTHING_HELD.
    """
    if signal == 0:
        return NEUTRAL
    if signal == last_signal:
        return UNCHANGED
    if signal > 0:
        return ALREADY_LONG if is_long else ENTERED
    return EXITED if is_long else NOTHING_HELD


def with_entries(chosen: int, entries: int, max_entries: int) -> int:
    """What `choose` said, where a position may consist of several entries: ALREADY_LONG becomes ADDED.

    Args:
        chosen: What `choose` returned.
        entries: Purchases in the open position.
        max_entries: How many there may be.
    """
    return ADDED if chosen == ALREADY_LONG and entries < max_entries else chosen


_ACTIONS: Final = {ENTERED: Action.ENTER, EXITED: Action.EXIT, ADDED: Action.ENTER}
_WORDS: Final = {
    NEUTRAL: "held: signal is neutral",
    UNCHANGED: "held: signal unchanged",
    ALREADY_LONG: "held: {signal} signal, but already {side} {held}",
    NOTHING_HELD: "held: {signal} signal, but nothing is held",
    ENTERED: "entered: {signal} signal while flat",
    EXITED: "exited: {signal} signal while {side} {held}",
    ADDED: "entered: {signal} signal, added to {held}",
}


def action_of(chosen: int) -> Action:
    """What follows from what `choose` and `with_entries` returned."""
    return _ACTIONS.get(chosen, Action.HOLD)


def reason_of(chosen: int, signal: int, held: Decimal) -> str:
    """Why, in words.

    Args:
        chosen: What `choose` and `with_entries` returned.
        signal: 1, 0 or -1 for the candle.
        held: Base units held, negative for a short position.
    """
    side = "short" if held < 0 else "long"
    return _WORDS[chosen].format(signal="buy" if signal > 0 else "sell", side=side, held=in_units(held))


def in_units(held: Decimal) -> str:
    """Base units as a person writes them, without a sign and without zeros at the end."""
    return f"{abs(held).normalize(MONEY):f}"


def decide(
    signal: Signal, last_signal: Signal | None, held: Decimal, *, entries: int = 0, max_entries: int = 0
) -> Decision:
    """What to do at the close of a candle, with its reason.

    Args:
        signal: The strategy's signal for that candle.
        last_signal: The signal that was last acted upon; None before the first.
        held: Base units held.
        entries: Purchases in the open position.
        max_entries: How many there may be.
    """
    chosen = choose(int(signal), NO_SIGNAL if last_signal is None else int(last_signal), held > 0)
    chosen = with_entries(chosen, entries, max_entries)
    return Decision(action_of(chosen), reason_of(chosen, int(signal), held))


def around_resting(decision: Decision, signal: Signal, resting: RestingOrder | None) -> Decision:
    """The decision where an order may already be on its way: nothing is ordered twice, and an exit goes first.

    Args:
        decision: What `decide` said, from what is held now.
        signal: The signal that it was made from.
        resting: The order that rests or is about to be replaced; None for none.
    """
    if resting is None:
        return decision
    if resting.purpose is Purpose.EXIT:
        if signal is Signal.BUY:
            return Decision(Action.NO_DECISION, f"no decision: buy signal, but {resting}")
        return Decision(Action.HOLD, f"held: {resting}")
    if decision.action is Action.EXIT:
        return Decision(Action.EXIT, f"{decision.reason}, {resting} and is cancelled first")
    if signal is Signal.SELL:
        return Decision(Action.CANCEL, f"cancelled: sell signal, and {resting}")
    return Decision(Action.HOLD, f"held: {resting}")
