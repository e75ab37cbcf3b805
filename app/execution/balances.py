"""The account's balances, remembered between two cycles: nothing has to be asked between a signal and its order."""

from typing import Final

from app.core.clock import Clock
from app.domain.reports import Balance
from app.execution.order_exchange import OrderExchange

FRESH_MS: Final = 120_000  # for how long what was told is taken for true


class Balances:
    """What the account has.

    What is remembered is forgotten with every order, cancel and interruption. Only what somebody else did with the
    account in the meantime is missing from it; so it decides nothing but how much is bought, and the exchange refuses a
    purchase that cannot be paid.

    Args:
        exchange: The account.
        clock: For ages.
    """

    def __init__(self, exchange: OrderExchange, clock: Clock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._told: dict[str, Balance] = {}
        self._told_at_ms: int | None = None
        self._interruptions = 0

    def ask(self) -> dict[str, Balance]:
        """Free and locked of every asset, now; raises DataError."""
        interruptions, now_ms = self._exchange.interruptions, self._clock.monotonic_ms()
        self._told = self._exchange.balances()
        self._interruptions, self._told_at_ms = interruptions, now_ms
        return self._told

    def recent(self) -> dict[str, Balance]:
        """As they were at most two minutes ago, else asked; raises DataError."""
        return self._told if self.are_younger_than(FRESH_MS) else self.ask()

    def are_younger_than(self, age_ms: int) -> bool:
        """Whether they are remembered, and since when."""
        if self._told_at_ms is None or self._interruptions != self._exchange.interruptions:
            return False
        return self._clock.monotonic_ms() - self._told_at_ms < age_ms

    def forget(self) -> None:
        """Something happens that changes them."""
        self._told_at_ms = None
