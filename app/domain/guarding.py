"""What to do with the protection that rests at an exchange, given what should rest there. Pure: values in, a move out.

One position has one protection: a stop, or a stop and a target of which one cancels the other. It is never changed in
place: it is taken away, what it traded meanwhile is booked, and only then another one is placed. Between the two the
bot's own stop is the only one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.domain.instrument import Instrument
from app.domain.order import OrderStatus
from app.domain.protection import Protection
from app.domain.values import MONEY, Price, Quantity

STOP_ORDER: Final = "stop_loss"  # sells at market when the last price falls to it
STOP_LIMIT_ORDER: Final = "stop_loss_limit"  # sells at a limit instead
TARGET_ORDER: Final = "limit_maker"


@dataclass(frozen=True, slots=True)
class Guard:
    """What should rest at the exchange.

    Attributes:
        quantity: Base units, on the market's grid.
        stop: Where all of it is sold, quote per base, on the grid.
        target: Where all of it is sold with a profit; None when a stop rests alone.
    """

    quantity: Quantity
    stop: Price
    target: Price | None


@dataclass(frozen=True, slots=True)
class Leg:
    """An order of what rests there, as the ledger knows it.

    Attributes:
        status: Where it stands.
        quantity: Base units that it still sells.
        stop: Its stop price; None for a target, and for an order whose kind is not known.
        limit: Its limit; None for a stop that sells at market.
        is_leaving: Whether it was asked to be cancelled.
    """

    status: OrderStatus
    quantity: Quantity
    stop: Price | None
    limit: Price | None
    is_leaving: bool


class GuardMove(StrEnum):
    """What is to be done."""

    KEEP = "keep"  # what rests is what should, perhaps nothing
    PLACE = "place"
    CANCEL = "cancel"
    REPLACE = "replace"  # cancel; place once the cancel is confirmed and what was traded is booked
    WAIT = "wait"  # something is in doubt


def guard_of(protection: Protection | None, market: Instrument) -> Guard | None:
    """What should rest at the exchange for the levels of a position; None when nothing can.

    A target that closes only a part of the position does not rest: the bot takes it. The stop of everything does, so
    that there is one protection and not two. A target without a stop does not rest either.
    """
    if protection is None or protection.stop is None or not market.stops.any:
        return None
    quantity = market.quantity(protection.quantity)
    if quantity <= 0:
        return None
    is_all = protection.target_quantity >= protection.quantity
    target = protection.target if is_all and market.stops.oco else None
    return Guard(quantity, market.price(protection.stop), None if target is None else market.price(target))


def guard_move(wanted: Guard | None, legs: Sequence[Leg]) -> GuardMove:
    """What to do now.

    Args:
        wanted: What should rest; None for nothing.
        legs: The protection's orders that are in doubt or rest. None of them rests: it was never placed, was carried
            out, or was lost.
    """
    if any(leg.status.is_unresolved for leg in legs):
        return GuardMove.WAIT
    resting = [leg for leg in legs if leg.status.rests]
    if not resting:
        return GuardMove.KEEP if wanted is None else GuardMove.PLACE
    if wanted is None:
        return GuardMove.CANCEL
    if any(leg.is_leaving for leg in resting) or not _is(wanted, resting):
        return GuardMove.REPLACE
    return GuardMove.KEEP


def _is(wanted: Guard, resting: Sequence[Leg]) -> bool:
    """Whether what rests is what should: a target whose stop is gone (it was filled in part) is not."""
    stops = [leg for leg in resting if leg.stop is not None]
    targets = [leg for leg in resting if leg.stop is None]
    return (
        [leg.stop for leg in stops] == [wanted.stop]
        and [leg.limit for leg in targets] == ([] if wanted.target is None else [wanted.target])
        and all(leg.quantity == wanted.quantity for leg in resting)
    )


def stop_limit(stop: Price, offset: Decimal, market: Instrument) -> Price:
    """The limit of a stop-limit order, `offset` (a share of the price) below its stop."""
    return market.price(MONEY.multiply(stop, MONEY.subtract(Decimal(1), offset)))
