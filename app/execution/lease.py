"""Keeps the database's lease while a bot runs."""

from dataclasses import dataclass, field
from typing import Final

from app.core.clock import Clock
from app.core.holder import Holder
from app.repositories import LeaseRepository

SLOWEST_CYCLE_MS: Final = 300_000  # a cycle in which every request runs into its timeout
RENEWALS: Final = 3  # attempts within the validity


@dataclass(slots=True)
class DatabaseLease:
    """The lease of one symbol.

    Attributes:
        leases: Where it is written down.
        symbol: The market.
        clock: This machine's.
        valid_ms: How long it lasts without a renewal.
        is_shared: Whether bots on other machines reach the same database.
        holder: Us.
    """

    leases: LeaseRepository
    symbol: str
    clock: Clock
    valid_ms: int
    is_shared: bool = False
    holder: Holder = field(default_factory=Holder.of_this_process)
    _taken_ms: int = 0

    def take(self) -> None:
        """See `LeaseRepository.take`."""
        now_ms = self.clock.now_ms()
        self.leases.take(self.symbol, self.holder, now_ms=now_ms, valid_ms=self.valid_ms)
        self._taken_ms = now_ms

    def renew(self) -> None:
        """Renew it when a third of its time is over; called in each cycle."""
        now_ms = self.clock.now_ms()
        if 0 <= now_ms - self._taken_ms < self.valid_ms // RENEWALS:
            return
        self.leases.renew(self.symbol, self.holder, now_ms=now_ms, valid_ms=self.valid_ms)
        self._taken_ms = now_ms

    def is_over(self) -> bool:
        """Whether a bot on another machine may have taken it by now."""
        return self.is_shared and not 0 <= self.clock.now_ms() - self._taken_ms < self.valid_ms

    def give_back(self) -> None:
        """At the end."""
        self.leases.give_back(self.symbol, self.holder)


def validity_ms(sleep_s: float) -> int:
    """How long a lease must last so that a bot that sleeps this long between two cycles keeps it."""
    return SLOWEST_CYCLE_MS + 2 * int(sleep_s * 1_000)
