"""A position is the sum of its fills: quantity, what it cost, and the profit that its sales realised."""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Self

from app.domain.values import MONEY, MONEY_QUANTUM, Money, Quantity

_NO_QUANTITY: Final = Quantity(Decimal(0))
_NO_MONEY: Final = Money(Decimal(0))


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of one symbol, valued at average cost.

    Attributes:
        total_buys: Base units bought so far.
        total_sells: Base units sold so far.
        cost: Quote units paid for what is held now, fees included. The average entry price is `cost / quantity`;
            the cost is kept instead of the average because sums are exact and quotients are not.
        realized: Quote units earned by all sales so far, after fees on both sides.
    """

    total_buys: Quantity = _NO_QUANTITY
    total_sells: Quantity = _NO_QUANTITY
    cost: Money = _NO_MONEY
    realized: Money = _NO_MONEY

    @property
    def quantity(self) -> Quantity:
        """Base units held."""
        return Quantity(MONEY.normalize(MONEY.subtract(self.total_buys, self.total_sells)))

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held."""
        return self.quantity == 0

    def bought(self, quantity: Quantity, cost: Money) -> Self:
        """The position after a purchase: base units that arrived, quote units that left, fees included in both."""
        return replace(
            self,
            total_buys=Quantity(MONEY.add(self.total_buys, quantity)),
            cost=Money(MONEY.add(self.cost, cost)),
        )

    def sold(self, quantity: Quantity, proceeds: Money) -> tuple[Self, Money]:
        """The position after a sale, and the profit that it realised at average cost.

        Args:
            quantity: Base units that left. What goes beyond the holding has no cost here: it was bought elsewhere.
            proceeds: Quote units that arrived, after fees.
        """
        held = self.quantity
        if quantity >= held:
            cost_of_sold = self.cost
        else:
            share = MONEY.divide(MONEY.multiply(self.cost, quantity), held)
            cost_of_sold = Money(share.quantize(MONEY_QUANTUM, rounding=ROUND_HALF_EVEN, context=MONEY))
        profit = Money(MONEY.subtract(proceeds, cost_of_sold))
        after = replace(
            self,
            total_sells=Quantity(MONEY.add(self.total_sells, quantity)),
            cost=Money(MONEY.subtract(self.cost, cost_of_sold)),
            realized=Money(MONEY.add(self.realized, profit)),
        )
        return after, profit
