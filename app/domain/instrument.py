"""What a market allows: the grid on which prices and quantities lie. The one place where floats become money."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Self

from app.domain.values import MONEY, Price, Quantity, exact


@dataclass(frozen=True, slots=True)
class Instrument:
    """A spot market.

    Attributes:
        symbol: As ccxt writes it, `BTC/USDT`.
        price_tick: Prices are multiples of it (quote per base); zero means no grid.
        quantity_step: Quantities are multiples of it (base); zero means no grid.
        min_quantity: The smallest order, in base units.
        min_notional: The smallest price times quantity, in quote units.
    """

    symbol: str
    price_tick: Decimal = Decimal("0.00000001")
    quantity_step: Decimal = Decimal("0.00000001")
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)

    @classmethod
    def default(cls, symbol: str) -> Self:
        """A market of which nothing is known: eight decimals, no minimum."""
        return cls(symbol)

    @property
    def base(self) -> str:
        """The asset that is bought and sold."""
        return base_of(self.symbol)

    @property
    def quote(self) -> str:
        """The asset in which is paid."""
        return quote_of(self.symbol)

    def price(self, value: Decimal | float | str, rounding: str = ROUND_HALF_EVEN) -> Price:
        """The price on the grid, rounded as asked (half-even by default)."""
        return Price(_on_grid(exact(value), self.price_tick, rounding))

    def quantity(self, value: Decimal | float | str) -> Quantity:
        """The largest quantity on the grid that is not above `value`."""
        return Quantity(_on_grid(exact(value), self.quantity_step, ROUND_DOWN))

    def refusal(self, quantity: Quantity, price: Price) -> str | None:
        """Why the market would refuse this order, in words; None when it would not."""
        if quantity <= 0:
            return f"quantity rounds down to zero on the step {self.quantity_step:f}"
        if quantity < self.min_quantity:
            return f"quantity {quantity:f} is below the market's minimum {self.min_quantity:f}"
        notional = MONEY.multiply(quantity, price)
        if notional < self.min_notional:
            return f"notional {notional:f} is below the market's minimum {self.min_notional:f}"
        return None


def base_of(symbol: str) -> str:
    """`BTC` of `BTC/USDT`."""
    return symbol.split("/", maxsplit=1)[0]


def quote_of(symbol: str) -> str:
    """`USDT` of `BTC/USDT` or `BTC/USDT:USDT`."""
    return symbol.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0]


def _on_grid(value: Decimal, grid: Decimal, rounding: str) -> Decimal:
    if grid == 0:
        return value
    units = MONEY.divide(value, grid).quantize(Decimal(1), rounding=rounding, context=MONEY)
    return MONEY.normalize(MONEY.multiply(units, grid))
