"""Reading a price source forward: the next print, or the instant at which the market goes down."""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from exchange_simulator.market.intervals import HOUR_US
from exchange_simulator.market.tape import FOREVER_US, PriceSource, Tape


@dataclass(frozen=True, slots=True)
class Print:
    """What is due at an instant: a trade of `steps` at `ticks`, a mark (no steps), or `ticks` 0: the market is down."""

    time_us: int
    ticks: int
    steps: int
    buyer: bool


class CursorState(TypedDict):
    """How far a source has been read."""

    chunk_us: int
    place: int


class Cursor:
    """Walks through a source from an instant on, an hour's chunk in memory at a time (40 kB at 20 prints a minute).

    Args:
        source: what to read.
        from_us: where to begin; prints at this very instant are included.
    """

    def __init__(self, source: PriceSource, from_us: int) -> None:
        self._source = source
        self._tape = Tape.empty()
        self._chunk_us = self._to_us = from_us
        self._place = 0
        self.next_us: int | None = from_us
        self._seek()

    def pop(self) -> Print:
        """What is due at `next_us`, which moves on. Only while `next_us` is not None."""
        tape, place = self._tape, self._place
        due = Print(
            int(tape.time_us[place]), int(tape.price[place]), int(tape.quantity[place]), bool(tape.buyer[place])
        )
        self._place += 1
        self._seek()
        return due

    def state(self) -> CursorState:
        """What `restore` needs."""
        return {"chunk_us": self._chunk_us, "place": self._place}

    def restore(self, state: CursorState) -> None:
        """Go where a saved cursor of the same source stood."""
        self._load(state["chunk_us"])
        self._place = state["place"]
        self._seek()

    def _seek(self) -> None:
        while self._place >= len(self._tape):
            start_us = self._after_hole(self._to_us)
            if start_us >= FOREVER_US:
                self.next_us = None
                return
            self._load(start_us)
        self.next_us = int(self._tape.time_us[self._place])

    def _load(self, chunk_us: int) -> None:
        self._chunk_us, self._place = chunk_us, 0
        self._to_us = (chunk_us // HOUR_US + 1) * HOUR_US
        tape = self._source.tape(chunk_us, self._to_us)
        downs = [start for start, _ in self._source.holes(chunk_us, self._to_us) if chunk_us <= start < self._to_us]
        places = np.searchsorted(tape.time_us, downs)
        self._tape = Tape(
            np.insert(tape.time_us, places, downs),
            np.insert(tape.price, places, 0),
            np.insert(tape.quantity, places, 0),
            np.insert(tape.buyer, places, values=False),
        )

    def _after_hole(self, instant_us: int) -> int:
        """The instant itself, or the end of the hole that it lies inside of."""
        inside = [end for start, end in self._source.holes(instant_us, instant_us + 1) if start < instant_us]
        return max([instant_us, *inside])
