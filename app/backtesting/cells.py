"""Between cells and the named tuples of the bot's rules. Plain functions, compiled into the pass."""

from app.backtesting.layout import (
    AT_CLOSE,
    ATR,
    BEST,
    CANDLES,
    CARRY_LONG,
    CARRY_SHORT,
    ENTRY,
    EXITS,
    LIMITS,
    MARKET,
    RECORD,
    SIDE,
    SIZING,
    STAGE,
    STANDING,
    STOP,
    STOP_KIND,
    TARGET,
    TARGET_PART,
    Cells,
)
from app.domain.grid import Grid
from app.risk.exits import ExitRules, Held, next_target
from app.risk.limits import Limits, Standing
from app.risk.sizing import Market, SizingRules, TrackRecord


def held_of(m: Cells, p: int) -> Held:
    """The position as the exits know it."""
    i = p
    return Held(
        int(m[i]), m[i + 1], m[i + 2], int(m[i + 3]), m[i + 4], m[i + 5], int(m[i + 6]), int(m[i + 7])
    )  # fmt: skip


def keep(m: Cells, p: int, held: Held) -> None:
    """Write a position's levels down, and its next target."""
    m[p + SIDE] = held.side
    m[p + ENTRY] = held.entry
    m[p + STOP] = held.stop
    m[p + STOP_KIND] = held.stop_kind
    m[p + BEST] = held.best
    m[p + ATR] = held.atr
    m[p + STAGE] = held.stage
    m[p + CANDLES] = held.candles
    m[p + TARGET], m[p + TARGET_PART] = next_target(held, exits_of(m), ticks_of(m, p))


def standing_of(m: Cells) -> Standing:
    """The account's standing as the limits know it."""
    s = STANDING
    return Standing(
        int(m[s]), int(m[s + 1]), m[s + 2], m[s + 3], int(m[s + 4]), m[s + 5], int(m[s + 6]), int(m[s + 7])
    )  # fmt: skip


def keep_standing(m: Cells, standing: Standing) -> None:
    """Write the standing down."""
    m[STANDING] = standing.state
    m[STANDING + 1] = standing.cause
    m[STANDING + 2] = standing.high_water
    m[STANDING + 3] = standing.equity
    m[STANDING + 4] = standing.day
    m[STANDING + 5] = standing.day_start
    m[STANDING + 6] = standing.losses
    m[STANDING + 7] = standing.wait


def record_of(m: Cells) -> TrackRecord:
    """What closed trades tell."""
    r = RECORD
    return TrackRecord(int(m[r]), m[r + 1], m[r + 2], m[r + 3], m[r + 4])


def keep_record(m: Cells, record: TrackRecord) -> None:
    """Write the record down."""
    m[RECORD] = record.closed
    m[RECORD + 1] = record.weight
    m[RECORD + 2] = record.wins
    m[RECORD + 3] = record.gained
    m[RECORD + 4] = record.lost


def ticks_of(m: Cells, p: int) -> Grid:
    """A symbol's price grid."""
    i = p + MARKET
    return Grid(m[i], m[i + 1])


def steps_of(m: Cells, p: int) -> Grid:
    """A symbol's quantity grid."""
    i = p + MARKET + 2
    return Grid(m[i], m[i + 1])


def market_of(m: Cells, p: int) -> Market:
    """What a symbol's market allows."""
    return Market(ticks_of(m, p), steps_of(m, p), m[p + MARKET + 4], m[p + MARKET + 5])


def exits_of(m: Cells) -> ExitRules:
    """The exits in force."""
    i = EXITS
    return ExitRules(
        m[i], m[i + 1], m[i + 2], m[i + 3], m[i + 4], m[i + 5], m[i + 6], m[i + 7], int(m[i + 8]),
        (m[i + 9], m[i + 10], m[i + 11]), (m[i + 12], m[i + 13], m[i + 14]),
    )  # fmt: skip


def sizing_of(m: Cells) -> SizingRules:
    """How entries are sized."""
    i = SIZING
    return SizingRules(int(m[i]), m[i + 1], m[i + 2], m[i + 3], m[i + 4], int(m[i + 5]))


def limits_of(m: Cells) -> Limits:
    """The limits in force."""
    i = LIMITS
    return Limits(
        int(m[i]), int(m[i + 1]), m[i + 2], m[i + 3], int(m[i + 4]), m[i + 5], m[i + 6], m[i + 7], m[i + 8],
        int(m[i + 9]), int(m[i + 10]), m[i + 11], int(m[i + 12]),
    )  # fmt: skip


def watches_equity(m: Cells) -> bool:
    """Whether a limit depends on what happens at every close, so that none may be passed over."""
    limits = limits_of(m)
    return limits.daily_loss > 0.0 or limits.drawdown > 0.0 or limits.losses_in_a_row > 0 or limits.cooldown > 0


def looks_at_next_open(m: Cells) -> bool:
    """Whether a limit must know what an order meets: orders that fill at their own close meet nothing else."""
    return limits_of(m).band > 0.0 and m[AT_CLOSE] == 0.0


def levels_stand_still(m: Cells) -> bool:
    """Whether a position stays as it is while no level is reached."""
    exits = exits_of(m)
    moving = exits.trail > 0.0 or exits.trail_atr > 0.0 or exits.break_even > 0.0
    return not moving and m[CARRY_LONG] == 0.0 and m[CARRY_SHORT] == 0.0


def has_levels(m: Cells) -> bool:
    """Whether a position can have a stop or a target."""
    exits = exits_of(m)
    is_stopped = exits.stop > 0.0 or exits.stop_atr > 0.0 or exits.trail > 0.0 or exits.trail_atr > 0.0
    is_aimed = exits.target > 0.0 or exits.target_atr > 0.0 or exits.stage_at[0] > 0.0
    return is_stopped or is_aimed or exits.break_even > 0.0
