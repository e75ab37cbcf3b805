"""When a position is closed without a signal: stop, target, trailing stop, break-even, stages, time.

Levels are fixed while a candle runs and move only after it has closed, so within a candle nothing is known that was not
known at its open. What a candle does to the levels is `app.simulation.candle.first_exit`.
"""

from typing import Final, NamedTuple

from app.domain.grid import Grid, ceil_to, floor_to

LONG: Final = 1
SHORT: Final = -1

# What the armed stop is; also why it closed the position.
NO_STOP: Final = 0
FIXED: Final = 1
BREAK_EVEN: Final = 2
TRAILING: Final = 3

STAGES: Final = 3


class ExitRules(NamedTuple):
    """All exits of a strategy; 0 switches one off.

    Attributes:
        stop: Fraction of the entry price below it (above it for a short position).
        target: Fraction of the entry price above it, where all that is left is closed.
        trail: How far the stop follows the best price, as a fraction of that.
        trail_from: Profit, as a fraction of the entry price, from which on it follows.
        break_even: Profit, as a fraction of the entry price, from which on the stop is not worse than the entry price.
        stop_atr: The stop's distance in average true ranges of the entry's decision; instead of `stop`.
        target_atr: The target's distance, likewise.
        trail_atr: The trailing distance, likewise.
        max_hold: Candles after which the position is closed at the close.
        stage_at: Profits, ascending, at which a part is closed.
        stage_part: Which part of the opening quantity each stage closes.
    """

    stop: float = 0.0
    target: float = 0.0
    trail: float = 0.0
    trail_from: float = 0.0
    break_even: float = 0.0
    stop_atr: float = 0.0
    target_atr: float = 0.0
    trail_atr: float = 0.0
    max_hold: int = 0
    stage_at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    stage_part: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Held(NamedTuple):
    """What the exits know of an open position.

    Attributes:
        side: LONG or SHORT.
        entry: Average entry price, quote per base, without fees.
        stop: The armed stop, on the price grid; 0 when there is none.
        stop_kind: NO_STOP, FIXED, BREAK_EVEN or TRAILING.
        best: The best price since the entry, of closed candles.
        atr: Average true range when the entry was decided, quote per base; 0 when no rule needs it.
        stage: How many stages were closed.
        candles: Candles that closed since the entry, the entry's own included.
    """

    side: int
    entry: float
    stop: float
    stop_kind: int
    best: float
    atr: float
    stage: int
    candles: int


def opened(side: int, entry: float, atr: float, rules: ExitRules, ticks: Grid) -> Held:
    """A position right after its entry, with its first stop armed.

    Args:
        side: LONG or SHORT.
        entry: Fill price, quote per base.
        atr: Average true range at the decision, quote per base.
        rules: The exits.
        ticks: The price grid; a stop lies on it, rounded away from the entry.
    """
    distance = rules.stop_atr * atr if rules.stop_atr > 0.0 else rules.stop * entry
    stop = _away(side, entry - side * distance, ticks) if distance > 0.0 else 0.0
    return Held(side, entry, max(stop, 0.0), FIXED if stop > 0.0 else NO_STOP, entry, atr, 0, 0)


def after_candle(held: Held, high: float, low: float, rules: ExitRules, ticks: Grid) -> Held:
    """The position after a candle that it survived: the best price, and a stop that only ever moves towards profit."""
    best = max(held.best, high) if held.side > 0 else min(held.best, low)
    stop, kind = held.stop, held.stop_kind
    profit = held.side * (best - held.entry) / held.entry
    if rules.break_even > 0.0 and profit >= rules.break_even and _is_better(held.side, held.entry, stop):
        stop, kind = _away(held.side, held.entry, ticks), BREAK_EVEN
    distance = rules.trail_atr * held.atr if rules.trail_atr > 0.0 else rules.trail * best
    if distance > 0.0 and profit >= rules.trail_from:
        follows = _away(held.side, best - held.side * distance, ticks)
        if follows > 0.0 and _is_better(held.side, follows, stop):
            stop, kind = follows, TRAILING
    return Held(held.side, held.entry, stop, kind, best, held.atr, held.stage, held.candles + 1)


def next_target(held: Held, rules: ExitRules, ticks: Grid) -> tuple[float, float]:
    """Where profit is taken next, and how much.

    Returns:
        The price on the grid, rounded away from the entry (0: nowhere), and the part of the opening quantity that is
        closed there; 1 means all that is left.
    """
    if held.stage < STAGES and rules.stage_at[held.stage] > 0.0:
        level = held.entry * (1.0 + held.side * rules.stage_at[held.stage])
        return _beyond(held.side, level, ticks), rules.stage_part[held.stage]
    distance = rules.target_atr * held.atr if rules.target_atr > 0.0 else rules.target * held.entry
    if distance > 0.0:
        return max(_beyond(held.side, held.entry + held.side * distance, ticks), 0.0), 1.0
    return 0.0, 0.0


def stage_closed(held: Held) -> Held:
    """The position after a stage was closed; the next one is armed."""
    return Held(held.side, held.entry, held.stop, held.stop_kind, held.best, held.atr, held.stage + 1, held.candles)


def averaged(held: Held, entry: float, rules: ExitRules, ticks: Grid) -> Held:
    """The position after it was added to: levels count from the new average entry, the stop never moves away."""
    again = opened(held.side, entry, held.atr, rules, ticks)
    stop, kind = held.stop, held.stop_kind
    if again.stop > 0.0 and _is_better(held.side, again.stop, stop):
        stop, kind = again.stop, FIXED
    return Held(held.side, entry, stop, kind, held.best, held.atr, held.stage, held.candles)


def is_overdue(held: Held, rules: ExitRules) -> bool:
    """Whether the position was held for as long as it may be."""
    return rules.max_hold > 0 and held.candles >= rules.max_hold


def needs_atr(rules: ExitRules) -> bool:
    """Whether a distance is measured in average true ranges."""
    return rules.stop_atr > 0.0 or rules.target_atr > 0.0 or rules.trail_atr > 0.0


def _is_better(side: int, stop: float, than: float) -> bool:
    """Whether a stop is closer to profit; any stop is better than none (0)."""
    return than == 0.0 or (stop > than if side > 0 else stop < than)


def _away(side: int, price: float, ticks: Grid) -> float:
    """A stop on the grid: rounded so that it loses rather more."""
    return floor_to(price, ticks) if side > 0 else ceil_to(price, ticks)


def _beyond(side: int, price: float, ticks: Grid) -> float:
    """A target on the grid: rounded so that it is rather harder to reach."""
    return ceil_to(price, ticks) if side > 0 else floor_to(price, ticks)
