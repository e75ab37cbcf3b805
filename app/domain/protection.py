"""What protects an open position, as a desired state: whoever can make it rest somewhere keeps it true."""

from dataclasses import dataclass

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
