"""The account's balances, remembered between two cycles: nothing has to be asked between a signal and its order."""

from typing import Final

from app.core.clock import Clock
from app.domain.reports import Balance
from app.execution.order_exchange import OrderExchange

FRESH_MS: Final = 120_000  # for how long what was told is taken for true
SETTLED_MS: Final = 60_000  # so long after an order or cancel of ours what is told may lack what came of it
UNSETTLED_MS: Final = 5_000  # for how long it is taken for true then: for the order that it was asked for


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
        self._moved_at_ms = clock.monotonic_ms()  # perhaps by the process before this one
        self._interruptions = 0

    def ask(self) -> dict[str, Balance]:
        """Free and locked of every asset, now; raises DataError."""
        interruptions, now_ms = self._exchange.interruptions, self._clock.monotonic_ms()
        self._told = self._exchange.balances()
        self._interruptions, self._told_at_ms = interruptions, now_ms
        return self._told

    def recent(self) -> dict[str, Balance]:
        """As they were at most two minutes ago, else asked; raises DataError."""
        return self._told if self.are_fresh() else self.ask()

    def are_fresh(self, left_ms: int = 0) -> bool:
        """Whether they are remembered, and will be true enough in `left_ms`."""
        return self.are_younger_than(FRESH_MS - left_ms if self.are_settled() else UNSETTLED_MS)

    def are_settled(self) -> bool:
        """Whether they were told long enough after the last order that may have changed them: reads lag."""
        return self._told_at_ms is not None and self._told_at_ms - self._moved_at_ms >= SETTLED_MS

    def are_younger_than(self, age_ms: int) -> bool:
        """Whether they are remembered, and since when."""
        if self._told_at_ms is None or self._interruptions != self._exchange.interruptions:
            return False
        return self._clock.monotonic_ms() - self._told_at_ms < age_ms

    def move(self) -> None:
        """An order or a cancel of ours changes them."""
        self._moved_at_ms = self._clock.monotonic_ms()
        self.forget()

    def forget(self) -> None:
        """Something else may have changed them."""
        self._told_at_ms = None
