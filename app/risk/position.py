"""An open position with what the exits know of it: follows the ledger, which is always right about the quantity."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum
from typing import Self

from app.domain.grid import Grid
from app.domain.values import MONEY, Price, Quantity
from app.risk.exits import LONG, ExitRules, Held, averaged, opened, stage_closed


class Leaving(IntEnum):
    """Which exit is under way: written down before its order, so that nobody has to guess what closed a position."""

    NOTHING = 0
    STOP = 1
    TARGET = 2
    STAGE = 3
    TIME = 4
    SIGNAL = 5
    LIMIT = 6
    BY_HAND = 7


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """What is held of one symbol.

    Attributes:
        quantity: Base units that the ledger holds.
        opening: Base units that were bought since nothing was held.
        paid: Quote units that were paid for them, without fees.
        realized_before: What the ledger had realised in this symbol before.
        entries: Purchases.
        leaving: The exit that is under way.
        held: The levels.
    """

    quantity: Quantity
    opening: Quantity
    paid: Decimal
    realized_before: Decimal
    entries: int
    leaving: Leaving
    held: Held

    @classmethod
    def entered(
        cls, quantity: Quantity, price: Price, realized_before: Decimal, atr: float, rules: ExitRules, ticks: Grid
    ) -> Self:
        """A position right after its first purchase.

        Args:
            quantity: Base units held.
            price: Quote per base, without fees.
            realized_before: What the ledger had realised in this symbol so far.
            atr: Average true range at the decision, quote per base; 0 where no rule needs it.
            rules: The exits.
            ticks: The price grid.
        """
        paid = MONEY.multiply(quantity, price)
        held = opened(LONG, float(price), atr, rules, ticks)
        return cls(quantity, quantity, paid, realized_before, 1, Leaving.NOTHING, held)

    def added(self, quantity: Quantity, price: Price, rules: ExitRules, ticks: Grid) -> Self:
        """After another purchase: levels count from the new average entry price.

        Args:
            quantity: Base units held now.
            price: Quote per base of what came, without fees.
            rules: The exits.
            ticks: The price grid.
        """
        came = MONEY.subtract(quantity, self.quantity)
        before, more = float(self.quantity), float(came)
        average = (before * self.held.entry + more * float(price)) / (before + more)
        return replace(
            self,
            quantity=quantity,
            opening=Quantity(MONEY.add(self.opening, came)),
            paid=MONEY.add(self.paid, MONEY.multiply(came, price)),
            entries=self.entries + 1,
            held=averaged(self.held, average, rules, ticks),
        )

    def reduced(self, quantity: Quantity) -> Self:
        """After a part was sold; a stage that was under way is closed with it."""
        if self.leaving is not Leaving.STAGE:
            return replace(self, quantity=quantity)
        return replace(self, quantity=quantity, leaving=Leaving.NOTHING, held=stage_closed(self.held))

    def with_held(self, held: Held) -> Self:
        """With other levels."""
        return replace(self, held=held)

    def leaves(self, leaving: Leaving) -> Self:
        """With an exit under way."""
        return replace(self, leaving=leaving)
