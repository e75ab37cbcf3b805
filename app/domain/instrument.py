"""What a market allows: the grid on which prices and quantities lie. The one place where floats become money."""

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Final, Self

from app.domain.values import MONEY, Price, Quantity, exact

TRADING: Final = "TRADING"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What only some exchanges tell of a market, as Binance's filters name it; None means no bound.

    https://developers.binance.com/docs/binance-spot-api-docs/filters

    Attributes:
        max_quantity: The largest order, in base units.
        market_min_quantity: The smallest market order.
        market_max_quantity: The largest market order.
        market_quantity_step: Market orders are multiples of it.
        max_notional: The largest price times quantity, in quote units.
        max_position: The most that an account may hold and be about to buy, in base units.
        bid_down: A buy limit must not be below the market's price times this.
        bid_up: Nor above the price times this.
        ask_down: The same for a sell limit.
        ask_up: The same for a sell limit.
    """

    max_quantity: Decimal | None = None
    market_min_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    market_quantity_step: Decimal | None = None
    max_notional: Decimal | None = None
    max_position: Decimal | None = None
    bid_down: Decimal | None = None
    bid_up: Decimal | None = None
    ask_down: Decimal | None = None
    ask_up: Decimal | None = None

    @property
    def limits_price(self) -> bool:
        """Whether a limit may be too far from the market's price."""
        return any(bound is not None for bound in (self.bid_down, self.bid_up, self.ask_down, self.ask_up))


NO_BOUNDS: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Stops:
    """Which stop orders a market takes, and can be asked about afterwards.

    Attributes:
        at_market: A stop that sells at market.
        at_limit: A stop that sells at a limit.
        oco: A stop and a target of which one cancels the other.
    """

    at_market: bool = False
    at_limit: bool = False
    oco: bool = False

    @property
    def any(self) -> bool:
        """Whether it takes stops at all."""
        return self.at_market or self.at_limit


NO_STOPS: Final = Stops()


@dataclass(frozen=True, slots=True)
class Instrument:
    """A spot market.

    Attributes:
        symbol: As ccxt writes it, `BTC/USDT`.
        price_tick: Prices are multiples of it (quote per base); zero means no grid.
        quantity_step: Quantities are multiples of it (base); zero means no grid.
        min_quantity: The smallest order, in base units.
        min_notional: The smallest price times quantity, in quote units.
        status: `TRADING`, or why the market takes no orders, in the exchange's word (`HALT`, `CANCEL_ONLY`).
        bounds: What else the exchange tells.
        stops: Which stop orders it takes.
    """

    symbol: str
    price_tick: Decimal = Decimal("0.00000001")
    quantity_step: Decimal = Decimal("0.00000001")
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)
    status: str = TRADING
    bounds: Bounds = NO_BOUNDS
    stops: Stops = NO_STOPS

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

    @property
    def is_trading(self) -> bool:
        """Whether the market takes orders."""
        return self.status == TRADING

    def with_status(self, status: str) -> Self:
        """The same market in another state."""
        return replace(self, status=status)

    def price(self, value: Decimal | float | str, rounding: str = ROUND_HALF_EVEN) -> Price:
        """The price on the grid, rounded as asked (half-even by default)."""
        return Price(_on_grid(exact(value), self.price_tick, rounding))

    def quantity(self, value: Decimal | float | str) -> Quantity:
        """The largest quantity on the grid that is not above `value`."""
        return Quantity(_on_grid(exact(value), self.quantity_step, ROUND_DOWN))

    def market_quantity(self, value: Decimal | float | str) -> Quantity:
        """The largest quantity for a market order that is not above `value`."""
        step, most = self.bounds.market_quantity_step, self.bounds.market_max_quantity
        quantity = self.quantity(value if most is None else min(exact(value), most))
        return Quantity(_on_grid(quantity, step or Decimal(0), ROUND_DOWN))

    def refusal(self, quantity: Quantity, price: Price) -> str | None:
        """Why the market would refuse this order, in words; None when it would not."""
        if quantity <= 0:
            return f"quantity rounds down to zero on the step {self.quantity_step:f}"
        if quantity < self.min_quantity:
            return f"quantity {quantity:f} is below the market's minimum {self.min_quantity:f}"
        notional = MONEY.multiply(quantity, price)
        if notional < self.min_notional:
            return f"notional {notional:f} is below the market's minimum {self.min_notional:f}"
        if self.bounds.max_notional is not None and notional > self.bounds.max_notional:
            return f"notional {notional:f} is above the market's maximum {self.bounds.max_notional:f}"
        if self.bounds.max_quantity is not None and quantity > self.bounds.max_quantity:
            return f"quantity {quantity:f} is above the market's maximum {self.bounds.max_quantity:f}"
        return None

    def market_refusal(self, quantity: Quantity) -> str | None:
        """Why the market would refuse a market order of this size, beyond `refusal`; None when it would not."""
        least, most = self.bounds.market_min_quantity, self.bounds.market_max_quantity
        if least is not None and quantity < least:
            return f"quantity {quantity:f} is below the minimum {least:f} of market orders"
        if most is not None and quantity > most:
            return f"quantity {quantity:f} is above the maximum {most:f} of market orders"
        return None

    def price_refusal(self, side: str, limit: Price, market_price: Price) -> str | None:
        """Why a limit order would be refused as too far from the market's price; None when it would not."""
        bounds = self.bounds
        down, up = (bounds.bid_down, bounds.bid_up) if side == "buy" else (bounds.ask_down, bounds.ask_up)
        if down is not None and limit < (least := MONEY.multiply(market_price, down)):
            return f"price {limit:f} is below {least:f}, the lowest that the market takes now"
        if up is not None and limit > (most := MONEY.multiply(market_price, up)):
            return f"price {limit:f} is above {most:f}, the highest that the market takes now"
        return None

    def position_refusal(self, quantity: Quantity, held: Decimal) -> str | None:
        """Why a purchase would make the account hold too much; None when it would not."""
        most = self.bounds.max_position
        if most is not None and MONEY.add(held, quantity) > most:
            return f"{held:f} held and {quantity:f} more are above the market's maximum position {most:f}"
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
