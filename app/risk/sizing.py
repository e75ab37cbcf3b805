"""How much is bought: a wish by one of five methods, cut to what the account, the limits and the market allow.

Every method ends in the same cuts, so none can buy more than `max_position_size_usd`, than the exposure limits leave,
than the cash pays for with its fee, or than lies on the market's grid.
"""

import math
from typing import Final, NamedTuple

from app.domain.grid import Grid, floor_to
from app.risk.codes import (
    BELOW_MINIMUM,
    KELLY_SAYS_NO,
    NO_CASH,
    NO_DISTANCE,
    NO_ROOM,
    NOT_A_NUMBER,
    OK,
    POSITION_FULL,
)

FIXED_AMOUNT: Final = 0
EQUITY_SHARE: Final = 1
RISK_PER_TRADE: Final = 2
VOLATILITY_TARGET: Final = 3
KELLY: Final = 4

# Cash is compared with a product of three floats: this much of it stays, so that the exact decimals never exceed it.
CASH_MARGIN: Final = 1e-12


class Market(NamedTuple):
    """What a market allows, as floats.

    Attributes:
        ticks: The price grid, quote per base.
        steps: The quantity grid, base units.
        min_quantity: The smallest order, base units.
        min_notional: The smallest price times quantity, quote units.
    """

    ticks: Grid
    steps: Grid
    min_quantity: float
    min_notional: float


class SizingRules(NamedTuple):
    """How entries are sized.

    Attributes:
        method: FIXED_AMOUNT, EQUITY_SHARE, RISK_PER_TRADE, VOLATILITY_TARGET or KELLY.
        amount: Quote units of one entry; what FIXED_AMOUNT buys, and KELLY while it knows too few trades.
        most: Quote units that a whole position may cost (`max_position_size_usd`), with every method.
        share: Of the equity: what EQUITY_SHARE buys; what RISK_PER_TRADE loses at the stop; what a move of one average
            true range makes of it (VOLATILITY_TARGET); the most that KELLY buys.
        kelly_part: Which part of the Kelly fraction is used.
        kelly_trades: From how many closed trades on KELLY is used; older trades fade over about as many.
    """

    method: int = FIXED_AMOUNT
    amount: float = 0.0
    most: float = 0.0
    share: float = 0.0
    kelly_part: float = 0.0
    kelly_trades: int = 0


class TrackRecord(NamedTuple):
    """What closed trades tell; older ones fade, so that it is as large after a million trades as after one.

    Attributes:
        closed: Trades closed so far.
        weight: Their faded number.
        wins: The faded number of those with a profit.
        gained: Their profits, as fractions of what the position cost, faded.
        lost: The losses of the others, as positive fractions, faded.
    """

    closed: int = 0
    weight: float = 0.0
    wins: float = 0.0
    gained: float = 0.0
    lost: float = 0.0


class Funds(NamedTuple):
    """What there is to buy with, at the close of the candle on which is decided.

    Attributes:
        equity: Quote units: cash and what is held, at the close.
        cash: Quote units that are free; infinite where nobody knows.
        fee_rate: Fraction of the notional that is paid in cash on top.
        in_position: Quote units that the open position cost, or is worth if that is more; 0 when there is none.
        room: Quote units that the exposure limits leave; see `app.risk.limits.room`.
    """

    equity: float
    cash: float
    fee_rate: float
    in_position: float
    room: float


def entry_quantity(
    rules: SizingRules,
    market: Market,
    funds: Funds,
    close: float,
    fill: float,
    stop: float,
    atr: float,
    record: TrackRecord,
) -> tuple[float, int]:
    """How many base units an entry buys.

    Args:
        rules: How entries are sized.
        market: Its grid and minimums.
        funds: What there is to buy with.
        close: Quote per base at the decision: amounts are divided by it.
        fill: Quote per base that is expected to be paid (with slippage): cash must pay for it.
        stop: Where the stop will lie; 0 when there is none. RISK_PER_TRADE needs it.
        atr: Average true range, quote per base; VOLATILITY_TARGET needs it.
        record: What closed trades tell; KELLY needs it.

    Returns:
        The quantity on the grid and OK, or 0 and the code of the reason.
    """
    wanted, code = _wish(rules, funds.equity, close, fill, stop, atr, record)
    if code != OK:
        return 0.0, code
    left = rules.most - funds.in_position
    if left <= 0.0:
        return 0.0, POSITION_FULL
    if funds.room <= 0.0:
        return 0.0, NO_ROOM
    affordable = funds.cash * (1.0 - CASH_MARGIN) / (fill * (1.0 + funds.fee_rate))
    if math.isnan(left + affordable) or math.isnan(funds.room):
        return 0.0, NOT_A_NUMBER
    quantity = floor_to(min(min(wanted, left, funds.room) / close, affordable), market.steps)
    lowest = min(close, stop) if stop > 0.0 else close  # what cannot be sold at its stop is not bought
    if quantity <= 0.0 or is_too_small(quantity, lowest, market):
        return 0.0, NO_CASH if is_too_small(affordable, lowest, market) or affordable <= 0.0 else BELOW_MINIMUM
    return quantity, OK


def part_to_close(part: float, opening: float, held: float, price: float, market: Market) -> float:
    """How many base units a stage closes.

    Args:
        part: Of the opening quantity; 1 or more means all that is left.
        opening: Base units that were bought since nothing was held.
        held: Base units that are left.
        price: Where the stage lies, quote per base.
        market: Its grid and minimums.

    Returns:
        The part on the grid; all that is left when the rest would be too small to be sold later; 0 when the part itself
        is too small, then the stage passes without a sale.
    """
    if part >= 1.0:
        return held
    quantity = min(floor_to(opening * part, market.steps), held)
    rest = held - quantity
    if rest < market.steps.step or is_too_small(rest, price, market):
        return held
    return 0.0 if quantity <= 0.0 or is_too_small(quantity, price, market) else quantity


def remembered(record: TrackRecord, profit: float, memory: int) -> TrackRecord:
    """The record after one more closed trade.

    Args:
        record: The record so far.
        profit: Of what the position cost, after fees; negative for a loss.
        memory: Over how many trades older ones fade: each weighs `1 - 1 / memory` of the one after it.
    """
    keep = 1.0 - 1.0 / max(memory, 1)
    return TrackRecord(
        record.closed + 1,
        record.weight * keep + 1.0,
        record.wins * keep + (1.0 if profit > 0.0 else 0.0),
        record.gained * keep + max(profit, 0.0),
        record.lost * keep + max(-profit, 0.0),
    )


def kelly_share(record: TrackRecord) -> float:
    """The fraction of the equity that makes it grow fastest: p - (1 - p) / b, not below 0.

    p is the share of winning trades, b the average gain divided by the average loss. Kelly, A New Interpretation of
    Information Rate, 1956; Thorp, The Kelly Criterion in Blackjack, Sports Betting and the Stock Market, 2006.
    """
    if record.weight <= 0.0 or record.gained <= 0.0:
        return 0.0
    losses = record.weight - record.wins
    if record.lost <= 0.0 or losses <= 0.0:
        return record.wins / record.weight
    rate = record.wins / record.weight
    payoff = (record.gained / record.wins) / (record.lost / losses)
    return max(rate - (1.0 - rate) / payoff, 0.0)


def is_too_small(quantity: float, price: float, market: Market) -> bool:
    """Whether the market would refuse an order of this quantity."""
    return quantity < market.min_quantity or quantity * price < market.min_notional


def _wish(
    rules: SizingRules, equity: float, close: float, fill: float, stop: float, atr: float, record: TrackRecord
) -> tuple[float, int]:
    """Quote units that the method would buy for, at the close, and OK or why it cannot tell."""
    if math.isnan(equity) or math.isnan(close) or math.isnan(fill) or math.isnan(stop) or math.isnan(atr):
        return 0.0, NOT_A_NUMBER
    share, code = rules.share, OK
    if rules.method == FIXED_AMOUNT or (rules.method == KELLY and record.closed < rules.kelly_trades):
        return rules.amount, OK
    if rules.method == RISK_PER_TRADE:
        share, code = (share / (fill - stop) * close, OK) if 0.0 < stop < fill else (0.0, NO_DISTANCE)
    elif rules.method == VOLATILITY_TARGET:
        share, code = (share / atr * close, OK) if atr > 0.0 else (0.0, NO_DISTANCE)
    elif rules.method == KELLY:
        share = min(kelly_share(record) * rules.kelly_part, share)
        code = OK if share > 0.0 else KELLY_SAYS_NO
    return equity * share, code
