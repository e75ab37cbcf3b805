"""What to do now with the newest order of a market: wait, cancel, replace, or let it be. Pure: values in, a plan out.

A wish to enter or to leave is carried out by one order after the other: a limit order rests, is cancelled when its time
is over, and what is left of it is ordered again, at a new price or at the market's. Everything that the rule needs is
in the ledger, so that it goes on after a restart where it was.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Final

from app.domain.instrument import Instrument
from app.domain.order import OrderStatus
from app.domain.values import MONEY, Price

BASIS_POINT: Final = Decimal("0.0001")
PATIENT_ATTEMPTS: Final = 3  # an exit that fails is tried again at once so often, then once a minute
PAUSE_MS: Final = 60_000


class Purpose(StrEnum):
    """Why an order was sent."""

    ENTRY = "entry"
    EXIT = "exit"
    PROTECTION = "protection"  # rests beside a position: app.domain.guarding


class FollowUp(StrEnum):
    """What comes after a cancelled order, for what is left of it."""

    REPRICE = "reprice"  # a limit order at a new price
    MARKET = "market"  # a market order
    STOP = "stop"  # nothing


class Move(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"  # the order is over, and so is the wish behind it
    WAIT = "wait"
    CANCEL = "cancel"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class OrderStyle:
    """How entries, or exits, are ordered.

    Attributes:
        is_limit: With limit orders; else with market orders.
        offset_bp: How much better than the market's price the limit is, basis points; negative is worse.
        time_to_live_ms: How long a limit order rests.
        most_repricings: How often it is replaced at a new price.
        falls_back: Whether a market order comes in the end; else what is left is given up.
        chase_bp: How far beyond its first limit an entry may follow the market, basis points; None without limit.
    """

    is_limit: bool = False
    offset_bp: Decimal = Decimal(0)
    time_to_live_ms: int = 60_000
    most_repricings: int = 3
    falls_back: bool = True
    chase_bp: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderStyles:
    """For both purposes."""

    entry: OrderStyle = OrderStyle()
    exit: OrderStyle = OrderStyle()

    def of(self, purpose: Purpose) -> OrderStyle:
        """The style of one of them."""
        return self.entry if purpose is Purpose.ENTRY else self.exit


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest order of a market, as the ledger knows it.

    Attributes:
        purpose: Why it was sent; None for one that was adopted: the wish behind it is not known.
        status: Where it stands.
        is_limit: Whether it may rest.
        age_ms: Since it was written down, on the exchange's clock.
        attempt: 1 for the first order of a wish, and so on.
        follow_up: What was decided to come after it, before its cancel was sent.
    """

    purpose: Purpose | None
    status: OrderStatus
    is_limit: bool
    age_ms: int
    attempt: int
    follow_up: FollowUp | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and what comes after it."""

    move: Move
    follow_up: FollowUp | None = None


def next_move(order: Standing, style: OrderStyle) -> Plan:
    """What to do with the newest order of a market now.

    An order in doubt waits until it is found. An entry that ended without our doing (the owner, the exchange) is over;
    an exit that did is ordered again, because a position must not be left without its exit.
    """
    if order.status.is_unresolved:
        return Plan(Move.WAIT)
    return _while_resting(order, style) if order.status.rests else _once_over(order)


def _once_over(order: Standing) -> Plan:
    if order.purpose is None or order.status is OrderStatus.FILLED or order.follow_up is FollowUp.STOP:
        return Plan(Move.NOTHING)
    if order.follow_up is not None:
        return Plan(Move.REPLACE, order.follow_up)
    if order.purpose is Purpose.ENTRY or (order.status is OrderStatus.REJECTED and order.attempt == 1):
        return Plan(Move.NOTHING)  # whoever asked for the first order was told that it was refused
    if order.attempt > PATIENT_ATTEMPTS and order.age_ms < PAUSE_MS:
        return Plan(Move.WAIT)
    return Plan(Move.REPLACE, FollowUp.MARKET)


def _while_resting(order: Standing, style: OrderStyle) -> Plan:
    if order.follow_up is not None:
        return Plan(Move.CANCEL, order.follow_up)  # it was asked for already, and nobody knows whether it arrived
    if not order.is_limit or order.purpose is None or order.age_ms < style.time_to_live_ms:
        return Plan(Move.WAIT)
    if order.attempt <= style.most_repricings:
        return Plan(Move.CANCEL, FollowUp.REPRICE)
    falls_back = style.falls_back or order.purpose is Purpose.EXIT
    return Plan(Move.CANCEL, FollowUp.MARKET if falls_back else FollowUp.STOP)


def limit_price(purpose: Purpose, market_price: Price, offset_bp: Decimal, instrument: Instrument) -> Price:
    """The limit that is `offset_bp` better than the market's price, on the grid and never worse than asked."""
    offset = MONEY.multiply(offset_bp, BASIS_POINT)
    if purpose is Purpose.ENTRY:
        return instrument.price(MONEY.multiply(market_price, MONEY.subtract(Decimal(1), offset)), ROUND_FLOOR)
    return instrument.price(MONEY.multiply(market_price, MONEY.add(Decimal(1), offset)), ROUND_CEILING)


def runs_away(first_limit: Price, market_price: Price, chase_bp: Decimal | None) -> bool:
    """Whether the market is further beyond an entry's first limit than it may be followed."""
    if chase_bp is None:
        return False
    most = MONEY.multiply(first_limit, MONEY.add(Decimal(1), MONEY.multiply(chase_bp, BASIS_POINT)))
    return market_price > most


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An order that may still trade, or that is about to be replaced.

    Attributes:
        order_id: Our id.
        purpose: Why it was sent.
        filled: Base units traded so far.
        quantity: Base units ordered.
    """

    order_id: str
    purpose: Purpose
    filled: Decimal
    quantity: Decimal

    def __str__(self) -> str:
        side = "buy" if self.purpose is Purpose.ENTRY else "sell"
        percent = MONEY.divide(MONEY.multiply(self.filled, Decimal(100)), self.quantity)
        return f"{side} order {self.order_id} is resting, {percent:.0f} % filled"
