"""Limits outside the strategy's reach: what may be opened, when only exits are made, when nothing at all.

::

    trading ──► reducing ──► trading     a day's loss, losses in a row: only exits until the next UTC day
       │            ▲  │
       └────────────┘  └──► halted       a drawdown: only exits, and halted as soon as nothing is held
       └──────────────────► halted       a number that is none, the kill switch

Halted means that no order of any kind is made; only a person lifts it. A NaN halts, it never switches a rule off.
"""

import math
from typing import Final, NamedTuple

from app.risk.codes import (
    COOLDOWN,
    CORRELATED,
    DAILY_LOSS,
    DRAWDOWN,
    LOSSES_IN_A_ROW,
    NO_ROOM,
    NOT_A_NUMBER,
    OK,
    OUTSIDE_BAND,
    STALE,
    TOO_MANY_ENTRIES,
    TOO_MANY_ORDERS,
    TOO_MANY_POSITIONS,
    WIDE_SPREAD,
)

TRADING: Final = 0
REDUCING: Final = 1
HALTED: Final = 2

DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000


class Limits(NamedTuple):
    """All limits; 0 switches one off (`max_entries` is at least 1).

    Attributes:
        max_positions: Symbols that may be held at once.
        max_entries: Purchases of which one position may consist.
        symbol_share: Of the equity, that one symbol may be worth.
        total_share: Of the equity, that all symbols together may be worth.
        orders_per_minute: Entries are refused when so many orders were sent within the last minute.
        band: How far the price of an entry may be from the last closed candle, as a fraction.
        max_spread: Between the best bid and ask, as a fraction of the price.
        daily_loss: Of the equity at the day's start.
        drawdown: From the highest equity so far, as a fraction of it.
        losses_in_a_row: Closed trades with a loss, one after the other.
        cooldown: Candles at whose close no entry is made after a stop; the stop's own is the first.
        max_correlation: Of the returns with those of any other symbol that is held.
        close_on_drawdown: 1 when what is held is sold at once on a drawdown, else its exits are awaited.
    """

    max_positions: int = 0
    max_entries: int = 1
    symbol_share: float = 0.0
    total_share: float = 0.0
    orders_per_minute: int = 0
    band: float = 0.0
    max_spread: float = 0.0
    daily_loss: float = 0.0
    drawdown: float = 0.0
    losses_in_a_row: int = 0
    cooldown: int = 0
    max_correlation: float = 0.0
    close_on_drawdown: int = 1


class Standing(NamedTuple):
    """What the limits remember from candle to candle, and over restarts.

    Attributes:
        state: TRADING, REDUCING or HALTED.
        cause: Why it is not TRADING; OK when it is.
        high_water: The highest equity so far, quote units.
        equity: At the newest close, quote units.
        day: The day of the newest close; see `day_of`.
        day_start: Equity when that day began, quote units.
        losses: Closed trades with a loss since the last one with a profit.
        wait: Closes, this one included, at which the last stop still forbids an entry.
    """

    state: int
    cause: int
    high_water: float
    equity: float
    day: int
    day_start: float
    losses: int
    wait: int


class Account(NamedTuple):
    """What is known at the moment of an entry.

    Attributes:
        equity: Quote units.
        exposure: What is held of the symbol, at the close, quote units.
        total_exposure: What is held of all symbols, quote units.
        positions: Symbols that are held, this one not counted.
        entries: Purchases in the open position of this symbol.
        orders: Orders sent within the last minute.
        age: Candles that the newest one is late.
        gap: Distance of the price at which would be bought from the last close, as a fraction; 0 where nobody knows.
        spread: Between best bid and ask, as a fraction of the price; 0 where nobody knows.
        correlation: The largest with another symbol that is held; 0 when none is.
    """

    equity: float
    exposure: float = 0.0
    total_exposure: float = 0.0
    positions: int = 0
    entries: int = 0
    orders: int = 0
    age: int = 0
    gap: float = 0.0
    spread: float = 0.0
    correlation: float = 0.0


def day_of(close_ms: int) -> int:
    """The UTC day to which a close belongs, as days since 1970-01-01: midnight ends a day."""
    return (close_ms - 1) // DAY_MS


def begun(equity: float, day: int) -> Standing:
    """The standing of an account at its first candle."""
    return Standing(TRADING, OK, equity, equity, day, equity, 0, 0)


def marked(before: Standing, equity: float, day: int, limits: Limits, is_flat: bool) -> Standing:  # noqa: FBT001
    """The standing after a candle has closed; called once for each, before anything is decided at its close.

    Args:
        before: The standing after the candle before, and after the trades that this candle closed.
        equity: At the close, quote units.
        day: The day of the close; see `day_of`.
        limits: The limits.
        is_flat: Whether nothing is held.
    """
    if before.state == HALTED:
        return before
    if math.isnan(equity) or is_broken(limits):
        return halted(before, NOT_A_NUMBER)
    state, cause, losses = before.state, before.cause, before.losses
    day_start = before.day_start
    if day != before.day:
        day_start = before.equity  # a day begins with what the last one ended with
        if cause in (DAILY_LOSS, LOSSES_IN_A_ROW):
            state, cause, losses = TRADING, OK, 0
    high_water = max(before.high_water, equity)
    wait = max(before.wait - 1, 0)
    if limits.drawdown > 0.0 and equity <= high_water * (1.0 - limits.drawdown):
        state, cause = REDUCING, DRAWDOWN
    if state == TRADING and limits.daily_loss > 0.0 and equity <= day_start * (1.0 - limits.daily_loss):
        state, cause = REDUCING, DAILY_LOSS
    if state == TRADING and 0 < limits.losses_in_a_row <= losses:
        state, cause = REDUCING, LOSSES_IN_A_ROW
    if cause == DRAWDOWN and is_flat:
        state = HALTED
    return Standing(state, cause, high_water, equity, day, day_start, losses, wait)


def trade_closed(before: Standing, profit: float, by_stop: bool, limits: Limits) -> Standing:  # noqa: FBT001
    """The standing after a position was closed completely.

    Args:
        before: The standing before.
        profit: Quote units after fees, all its exits together.
        by_stop: Whether the last exit was a stop: it starts the cooldown.
        limits: The limits.
    """
    if math.isnan(profit):
        return halted(before, NOT_A_NUMBER)
    losses = before.losses + 1 if profit < 0.0 else 0
    wait = limits.cooldown + 1 if by_stop and limits.cooldown > 0 else before.wait
    return Standing(
        before.state, before.cause, before.high_water, before.equity, before.day, before.day_start, losses, wait
    )


def halted(before: Standing, cause: int) -> Standing:
    """The standing after everything was stopped."""
    return Standing(
        HALTED, cause, before.high_water, before.equity, before.day, before.day_start, before.losses, before.wait
    )


def lifted(before: Standing, equity: float) -> Standing:
    """The standing after a person allowed trading again: losses and high-water mark count from here."""
    return Standing(TRADING, OK, equity, equity, before.day, equity, 0, 0)


def must_close(standing: Standing, limits: Limits) -> bool:
    """Whether what is held is to be sold at this close, whatever the signal says."""
    return standing.state == REDUCING and standing.cause == DRAWDOWN and limits.close_on_drawdown > 0


def entry_refusal(standing: Standing, limits: Limits, account: Account) -> int:
    """Why an entry is refused, as a code; OK when it is not.

    After NOT_A_NUMBER the caller halts: see `halted`.
    """
    if standing.state != TRADING:
        return standing.cause
    if is_unknown(account) or is_broken(limits) or math.isnan(standing.high_water + standing.day_start):
        return NOT_A_NUMBER
    code = market_refusal(limits, account)
    if code == OK and standing.wait > 0:
        code = COOLDOWN
    return code if code != OK else position_refusal(limits, account)


def market_refusal(limits: Limits, account: Account) -> int:
    """Why the market as it is now is no place for an entry, as a code."""
    if account.age > 0:
        return STALE
    if 0.0 < limits.max_spread < account.spread:
        return WIDE_SPREAD
    if 0.0 < limits.band < account.gap:
        return OUTSIDE_BAND
    return TOO_MANY_ORDERS if 0 < limits.orders_per_minute <= account.orders else OK


def position_refusal(limits: Limits, account: Account) -> int:
    """Why what is held already leaves no place for an entry, as a code."""
    if account.entries >= limits.max_entries:
        return TOO_MANY_ENTRIES
    if account.entries == 0 and 0 < limits.max_positions <= account.positions:
        return TOO_MANY_POSITIONS
    if 0.0 < limits.max_correlation < account.correlation:
        return CORRELATED
    return OK if room(limits, account) > 0.0 else NO_ROOM


def room(limits: Limits, account: Account) -> float:
    """Quote units that may still be bought within both exposures; infinite when neither is limited."""
    left = math.inf
    if limits.symbol_share > 0.0:
        left = min(left, limits.symbol_share * account.equity - account.exposure)
    if limits.total_share > 0.0:
        left = min(left, limits.total_share * account.equity - account.total_exposure)
    return left


def is_unknown(account: Account) -> bool:
    """Whether a number of the account is none."""
    return (
        math.isnan(account.equity)
        or math.isnan(account.exposure)
        or math.isnan(account.total_exposure)
        or math.isnan(account.gap)
        or math.isnan(account.spread)
        or math.isnan(account.correlation)
    )


def is_broken(limits: Limits) -> bool:
    """Whether a limit is no number."""
    return (
        math.isnan(limits.symbol_share + limits.total_share + limits.band + limits.max_spread)
        or math.isnan(limits.daily_loss + limits.drawdown)
        or math.isnan(limits.max_correlation)
    )
