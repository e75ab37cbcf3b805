"""When ledger and exchange are compared in full; in between, only what is in the open is looked at."""

from dataclasses import dataclass, field
from typing import Final

from app.core.clock import Clock

DEFAULT_EVERY_S: Final = 300


@dataclass(slots=True)
class Schedule:
    """At the start, after every interruption, and on a timer.

    Attributes:
        clock: This machine's.
        every_ms: The longest time between two full comparisons of a symbol.
    """

    clock: Clock
    every_ms: int = DEFAULT_EVERY_S * 1_000
    _last: dict[str, tuple[int, int]] = field(default_factory=dict)

    def is_due(self, symbol: str, interruptions: int) -> bool:
        """Whether a full comparison of the symbol is due; `interruptions` is the exchange's count."""
        last = self._last.get(symbol)
        return last is None or last[1] != interruptions or self.clock.monotonic_ms() - last[0] >= self.every_ms

    def compared(self, symbol: str, interruptions: int) -> None:
        """A full comparison has ended in agreement; `interruptions` is the count at its beginning."""
        self._last[symbol] = self.clock.monotonic_ms(), interruptions
