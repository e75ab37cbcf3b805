"""The house: real orders around the price of one symbol, and the trades that make the price move.

Every print of the price source becomes a trade in the book: the house moves its quotes so that the print's price is
its best ask (the taker buys) or best bid (the taker sells), then takes from itself. Others meet these orders by
price-time priority like any other: whoever stands at the price in front of the house is filled first, whoever stands
inside the spread is traded through, and whoever buys more than the best level walks up the ladder.

A trade of somebody else that reaches beyond the best level moves the house's idea of the price by `impact_kept` of
the distance; this displacement halves every `half_life_us`, and the house quotes around the displaced price.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypedDict

from exchange_simulator.market.tape import Grid


class Venue(Protocol):
    """The book of the exchange as the house sees it. Prices and quantities are in units of 1e-8.

    Orders of the house pass no filter and need no balance; they are otherwise like any other.
    """

    def is_trading(self, symbol: str) -> bool:
        """Whether orders are taken; while they are not, what is due does not happen."""

    def rest(self, symbol: str, price: int, quantity: int, *, buy: bool) -> int:
        """Put a limit order into the book and return its id; it does not cross the book."""

    def take(self, symbol: str, price: int, quantity: int, *, buy: bool) -> None:
        """Trade at once up to `price`; what finds no counterpart is dropped."""

    def withdraw(self, symbol: str, order_id: int) -> None:
        """Cancel an order; one that is already gone is none of the caller's concern."""

    def remaining(self, symbol: str, order_id: int) -> int:
        """What is still open of an order, 0 when it is gone."""

    def crossing(self, symbol: str, price: int, *, buy: bool) -> int:
        """How much a taker of that side could trade at `price` or better."""


@dataclass(frozen=True, slots=True)
class HouseSettings:
    """How the house quotes.

    Attributes:
        levels: price levels on each side beyond the best one.
        spacing_bp: distance of the levels, in basis points of the first price, at least a tick.
        touch_prints: size of the best level, in ordinary prints.
        growth: how much larger each level is than the one before, as a part of the best.
        impact_kept: part of a displacement by others that the house believes in, from 0 to 1.
        half_life_us: time in which a displacement halves, in microseconds.
    """

    levels: int = 20
    spacing_bp: float = 2.0
    touch_prints: int = 10
    growth: float = 0.5
    impact_kept: float = 0.5
    half_life_us: int = 30_000_000

    def __post_init__(self) -> None:
        if self.levels < 0 or self.touch_prints < 1 or self.half_life_us < 1 or not 0 <= self.impact_kept <= 1:
            raise ValueError(
                f"{self} cannot be quoted: give levels >= 0, touch_prints >= 1, half_life_us >= 1 and "
                "impact_kept from 0 to 1"
            )


class HouseState(TypedDict):
    """All that a house remembers; the orders themselves are the engine's."""

    bids: dict[str, int]
    asks: dict[str, int]
    quote: list[int]
    shift: list[int]
    disturbed: bool


class House:
    """The house in one symbol.

    Args:
        symbol: name of the symbol.
        grid: its tick and step.
        first_ticks: a price to scale distances by.
        spread: distance of bid and ask in ticks.
        typical_quantity: an ordinary print in steps.
        settings: how to quote.
    """

    def __init__(
        self, symbol: str, grid: Grid, *, first_ticks: int, spread: int, typical_quantity: int, settings: HouseSettings
    ) -> None:
        self.symbol = symbol
        self._grid = grid
        self._settings = settings
        self._spread = spread
        self._spacing = max(1, round(first_ticks * settings.spacing_bp * 1e-4))
        self._touch_size = typical_quantity * settings.touch_prints
        self._bids: dict[int, int] = {}  # price in ticks: order id
        self._asks: dict[int, int] = {}
        self._bid = self._ask = 0
        self._shift = self._shift_us = self._shift_quoted = 0
        self._disturbed = False

    def trade(self, venue: Venue, time_us: int, ticks: int, steps: int, *, buyer: bool) -> int:
        """Make a print happen (a mark when `steps` is 0: only the quotes move), and return its price in ticks."""
        self._shift_quoted = self._shift_at(time_us)
        price = max(ticks + self._shift_quoted, self._spread + 1)
        ask = price if buyer else price + self._spread
        if self._disturbed or (ask - self._spread, ask) != (self._bid, self._ask):
            self._requote(venue, ask - self._spread, ask)
        if steps:
            self._ensure(venue, price, steps, buy=not buyer)
            venue.take(self.symbol, price * self._grid.tick, steps * self._grid.step, buy=buyer)
        return price

    def withdraw(self, venue: Venue) -> None:
        """Take all quotes out of the book: the market is down."""
        for order_id in sorted((*self._bids.values(), *self._asks.values())):
            venue.withdraw(self.symbol, order_id)
        self._bids.clear()
        self._asks.clear()
        self._bid = self._ask = 0

    def on_foreign_trade(self, time_us: int, ticks: int, *, buyer: bool) -> None:
        """Somebody else took: refill what is gone at the next print, and let the price be displaced."""
        self._disturbed = True
        if not self._ask:
            return
        beyond = max(ticks - self._ask, 0) if buyer else min(ticks - self._bid, 0)
        shift = self._shift_quoted + round(beyond * self._settings.impact_kept)
        if beyond and abs(shift) > abs(self._shift_at(time_us)):
            self._shift, self._shift_us = shift, time_us

    def displace(self, time_us: int, ticks: int) -> None:
        """Move the house's idea of the price by so many ticks from now on; it halves like any displacement."""
        self._shift, self._shift_us = self._shift_at(time_us) + ticks, time_us

    def state(self) -> HouseState:
        """What `restore` needs, as plain values."""
        return {
            "bids": {str(price): order_id for price, order_id in sorted(self._bids.items())},
            "asks": {str(price): order_id for price, order_id in sorted(self._asks.items())},
            "quote": [self._bid, self._ask],
            "shift": [self._shift, self._shift_us, self._shift_quoted],
            "disturbed": self._disturbed,
        }

    def restore(self, state: HouseState) -> None:
        """Take over a saved state."""
        self._bids = {int(price): order_id for price, order_id in state["bids"].items()}
        self._asks = {int(price): order_id for price, order_id in state["asks"].items()}
        self._bid, self._ask = state["quote"]
        self._shift, self._shift_us, self._shift_quoted = state["shift"]
        self._disturbed = state["disturbed"]

    def _shift_at(self, time_us: int) -> int:
        """Displacement of the price by others, in ticks."""
        if not self._shift:
            return 0
        halvings = (time_us - self._shift_us) / self._settings.half_life_us
        return round(self._shift * math.pow(0.5, halvings))

    def _requote(self, venue: Venue, bid: int, ask: int) -> None:
        """Withdraw what is in the way, trade through others who are in the way, then fill up the ladder."""
        levels, spacing = self._settings.levels, self._spacing
        eaten, self._disturbed = self._disturbed, False
        below = (bid - 1) // spacing
        above = ask // spacing + 1
        bids = {bid, *(place * spacing for place in range(max(below - levels + 1, 1), below + 1))}
        asks = {ask, *(place * spacing for place in range(above, above + levels))}
        self._clear(venue, self._bids, bids, eaten=eaten)
        self._clear(venue, self._asks, asks, eaten=eaten)
        self._trade_through(venue, ask, buy=False)
        self._trade_through(venue, bid, buy=True)
        self._fill(venue, self._bids, sorted(bids, reverse=True), buy=True)
        self._fill(venue, self._asks, sorted(asks), buy=False)
        self._bid, self._ask = bid, ask

    def _clear(self, venue: Venue, book: dict[int, int], wanted: set[int], *, eaten: bool) -> None:
        """Withdraw quotes at prices that are not wanted, and when others have eaten those that are less than half."""
        for price in sorted(book.keys() - wanted):
            venue.withdraw(self.symbol, book.pop(price))
        if eaten:
            for price, order_id in sorted(book.items()):
                if venue.remaining(self.symbol, order_id) * 2 < self._size(price) * self._grid.step:
                    venue.withdraw(self.symbol, book.pop(price))

    def _trade_through(self, venue: Venue, price: int, *, buy: bool) -> None:
        """Fill orders of others that the new quotes would cross."""
        quantity = venue.crossing(self.symbol, price * self._grid.tick, buy=buy)
        if quantity:
            venue.take(self.symbol, price * self._grid.tick, quantity, buy=buy)

    def _fill(self, venue: Venue, book: dict[int, int], prices: Iterable[int], *, buy: bool) -> None:
        for price in prices:
            if price not in book:
                book[price] = self._rest(venue, price, self._size(price), buy=buy)

    def _ensure(self, venue: Venue, price: int, steps: int, *, buy: bool) -> None:
        """Have one order at `price` that the coming print fits into, so that it is one trade."""
        book = self._bids if buy else self._asks
        if venue.remaining(self.symbol, book[price]) < steps * self._grid.step:
            venue.withdraw(self.symbol, book[price])
            book[price] = self._rest(venue, price, max(self._size(price), 2 * steps), buy=buy)

    def _rest(self, venue: Venue, price: int, steps: int, *, buy: bool) -> int:
        return venue.rest(self.symbol, price * self._grid.tick, steps * self._grid.step, buy=buy)

    def _size(self, price: int) -> int:
        """Steps quoted at a price: larger further away, and uneven so that it looks like a book."""
        away = abs(price - (self._bid if price <= self._bid else self._ask)) // self._spacing if self._ask else 0
        even = self._touch_size * (1 + self._settings.growth * min(away, self._settings.levels))
        return max(1, round(even * (0.6 + (price * 2_654_435_761 % 1024) / 1280)))
