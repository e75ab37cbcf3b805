"""The tape: intended trades of one symbol as columns, and the grid of prices and quantities they lie on.

A price source (synthetic or replay) writes a tape; the house turns each row into a real trade in the book, and the
past before the exchange's start is put together from it without the engine. One description for both, so the past
and the present join without a seam.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from exchange_simulator.engine.numbers import SCALE

FOREVER_US = 2**62  # the end of a market that does not open again

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Grid:
    """Price tick and quantity step of a symbol, both in units of 1e-8.

    Arrays count in ticks and steps, which keeps every sum within 64 bits. `tick * step` is a multiple of 1e-8, so
    that a quote amount is exact too: `ticks * steps * quote_unit` units of 1e-8.
    """

    tick: int
    step: int

    def __post_init__(self) -> None:
        if self.tick <= 0 or self.step <= 0 or self.tick * self.step % SCALE:
            raise ValueError(
                f"tick {self.tick} and step {self.step} (units of 1e-8) do not give whole quote amounts: "
                f"choose them so that tick * step is a positive multiple of {SCALE}"
            )

    @property
    def quote_unit(self) -> int:
        """Value of one tick times one step, in units of 1e-8 of the quote asset."""
        return self.tick * self.step // SCALE

    def spread(self, basis_points: float, ticks: int) -> int:
        """A distance in basis points of a price as ticks, at least one."""
        return max(1, round(basis_points * 1e-4 * ticks))


@dataclass(frozen=True, slots=True)
class Tape:
    """Prints in order of time. All columns have the same length.

    A print of zero steps is a mark: the price was there, but too little volume is known for a trade.

    Attributes:
        time_us: (n,) microseconds since the epoch, ascending.
        price: (n,) ticks.
        quantity: (n,) steps, not negative.
        buyer: (n,) whether the taker buys.
    """

    time_us: Ints
    price: Ints
    quantity: Ints
    buyer: Flags

    @classmethod
    def empty(cls) -> Self:
        """A tape without prints."""
        nothing = np.empty(0, np.int64)
        return cls(nothing, nothing, nothing, np.empty(0, np.bool_))

    @classmethod
    def joined(cls, parts: Sequence["Tape"]) -> Self:
        """One tape from several that follow each other in time."""
        if not parts:
            return cls.empty()
        return cls(
            np.concatenate([part.time_us for part in parts]),
            np.concatenate([part.price for part in parts]),
            np.concatenate([part.quantity for part in parts]),
            np.concatenate([part.buyer for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.time_us)

    def between(self, from_us: int, to_us: int) -> Self:
        """The prints with from_us <= time < to_us (views, no copies)."""
        first, last = np.searchsorted(self.time_us, (from_us, to_us))
        cut = slice(int(first), int(last))
        return type(self)(self.time_us[cut], self.price[cut], self.quantity[cut], self.buyer[cut])


class PriceSource(Protocol):
    """Where a symbol's prices come from. The same question gives the same answer, to the last digit, in any order."""

    @property
    def grid(self) -> Grid:
        """The grid that prices and quantities are counted on."""

    @property
    def first_us(self) -> int:
        """Before this instant there is nothing: the symbol was not listed yet."""

    @property
    def typical_quantity(self) -> int:
        """An ordinary print in steps, at least 1: the house sizes its quotes by it."""

    def tape(self, from_us: int, to_us: int) -> Tape:
        """All prints with from_us <= time < to_us."""

    def holes(self, from_us: int, to_us: int) -> list[tuple[int, int]]:
        """Spans [start, end) that touch [from_us, to_us) and in which the market was down: no candle, no quote."""
