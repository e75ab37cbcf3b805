"""What protects an open position, as a desired state: whoever can make it rest somewhere keeps it true."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.values import Price, Quantity


@dataclass(frozen=True, slots=True)
class Protection:
    """The levels of an open long position.

    Attributes:
        quantity: Base units held: what the stop sells.
        stop: Where everything is sold at market, quote per base; None when no stop is armed.
        target: Where profit is taken next; None when nowhere.
        target_quantity: Base units that are sold there.
    """

    quantity: Quantity
    stop: Price | None
    target: Price | None
    target_quantity: Quantity


@dataclass(frozen=True, slots=True)
class TakenExit:
    """An exit that the exchange carried out by itself: a protective order that traded, and is over.

    Attributes:
        order_id: Our id of the order.
        is_stop: Whether it was the stop; else the target.
        quantity: Base units sold.
        price: Average, quote per base.
        time: When it was placed.
    """

    order_id: str
    is_stop: bool
    quantity: Quantity
    price: Price
    time: datetime
