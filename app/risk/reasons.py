"""The words of every code, in one table: what is recorded when something is refused, closed or halted."""

from typing import Final

from app.risk import codes
from app.risk.exits import BREAK_EVEN, FIXED, TRAILING
from app.risk.limits import HALTED, REDUCING, TRADING

# Why an entry is not made; follows "held: buy signal, but ".
REFUSALS: Final = {
    codes.NOT_A_NUMBER: "a number of the account or its limits is none (NaN): everything is halted",
    codes.KILL_SWITCH: "everything is halted by hand: `keel resume` lifts it",
    codes.DRAWDOWN: "the account fell by risk.limits.max_drawdown_pct from its highest equity: `keel resume` lifts it",
    codes.DAILY_LOSS: "the account lost risk.limits.max_daily_loss_pct today: only exits until the next UTC day",
    codes.LOSSES_IN_A_ROW: (
        "risk.limits.max_consecutive_losses trades in a row lost: only exits until the next UTC day"
    ),
    codes.STALE: "the newest candle is late",
    codes.WIDE_SPREAD: "the spread is wider than risk.limits.max_spread_pct",
    codes.OUTSIDE_BAND: "the market's price is farther from the last close than risk.limits.price_band_pct",
    codes.TOO_MANY_ORDERS: "risk.limits.max_orders_per_minute were sent within the last minute",
    codes.COOLDOWN: "a stop closed a position less than risk.limits.cooldown_candles ago",
    codes.TOO_MANY_POSITIONS: "risk.limits.max_open_positions are open",
    codes.TOO_MANY_ENTRIES: "the position consists of risk.max_entries entries already",
    codes.CORRELATED: "its returns go with those of a held symbol by more than risk.limits.max_correlation",
    codes.NO_ROOM: "risk.limits leaves no room: max_symbol_share or max_total_share is used up",
    codes.POSITION_FULL: "the position costs risk.max_position_size_usd already",
    codes.NO_CASH: "the cash does not pay for the smallest order",
    codes.BELOW_MINIMUM: "the quantity is below the market's minimum, or would be at its stop",
    codes.NO_DISTANCE: "the distance to the stop, or the average true range, is not known",
    codes.KELLY_SAYS_NO: "the recent trades give no edge: Kelly's fraction is zero",
}

# Which stop closed a position; followed by its price.
STOPS: Final = {FIXED: "stop loss", BREAK_EVEN: "break-even stop", TRAILING: "trailing stop"}


def overdue(candles: int) -> str:
    """What an exit by the clock is recorded with; follows "exited: "."""
    return f"held for {candles} candles (risk.exits.max_hold_candles)"


STATES: Final = {TRADING: "trading", REDUCING: "reducing", HALTED: "halted"}
