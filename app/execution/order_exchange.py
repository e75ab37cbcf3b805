"""The port through which orders reach an exchange, and what it says comes back."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from app.domain.instrument import Instrument
from app.domain.reports import Balance, FillReport, GuardTicket, OrderReport, OrderTicket
from app.domain.values import Price
from app.exchanges.abilities import Abilities


class OrderExchange(ABC):
    """An account at an exchange. Nothing here retries an order.

    Every reading method raises DataError when the exchange did not answer, or answered what cannot be: an empty answer
    is returned only when the exchange said so.

    Attributes:
        name: Part of the identity of a fill.
        abilities: Which of the questions below it answers; asking another is a mistake.
        interruptions: A number that has grown when something ended after which the account must be compared in full:
            an outage, a ban, an answer that could not be trusted, a step of this machine's clock.
    """

    name: str
    abilities: Abilities

    @property
    @abstractmethod
    def interruptions(self) -> int:
        """See above."""

    @abstractmethod
    def place(self, ticket: OrderTicket) -> tuple[OrderReport, Sequence[FillReport]]:
        """Send the order, once.

        Returns:
            What became of it at once, with the fills that the answer held.

        Raises:
            OrderRejected: a definitive refusal; OrderPostponed when it may be different later.
            KeyRevoked: refused, and so will be everything else with this key.
            OutcomeUnknown: anything else.
        """

    @abstractmethod
    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> OrderReport | None:
        """Ask to cancel, once.

        Returns:
            What became of the order, when the answer says so: it comes from the engine and does not lag as reads do.
            None otherwise; then only `find` can tell.

        Raises:
            KeyRevoked: nothing else is raised.
        """

    @abstractmethod
    def place_guard(self, ticket: GuardTicket) -> Sequence[OrderReport]:
        """Send a position's protection, once; raises as `place`.

        Returns:
            What became of its orders at once, each with its client id.
        """

    @abstractmethod
    def cancel_list(self, symbol: str, list_id: str) -> Sequence[OrderReport]:
        """Ask to cancel all orders of a list, once, by our id of it.

        Returns:
            What became of them, when the answer says so, each with its client id; nothing otherwise, as `cancel`.

        Raises:
            KeyRevoked: nothing else is raised.
        """

    def finishing(self) -> AbstractContextManager[None]:
        """While it is entered, questions are answered although the bot was asked to stop."""
        return nullcontext()

    @abstractmethod
    def find(self, symbol: str, client_id: str, exchange_id: str | None) -> OrderReport | None:
        """The order; None when the exchange says that there is none, which right after placing proves nothing."""

    @abstractmethod
    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """The account's resting orders."""

    @abstractmethod
    def orders_since(self, symbol: str, since_ms: int) -> Sequence[OrderReport]:
        """The account's orders, in whatever state, created since."""

    @abstractmethod
    def fills_since(self, symbol: str, since_ms: int) -> Sequence[FillReport]:
        """The account's trades since, oldest first, all pages."""

    @abstractmethod
    def balances(self) -> dict[str, Balance]:
        """The account's assets; those with nothing may be absent."""

    @abstractmethod
    def instrument(self, symbol: str) -> Instrument:
        """What the market allows, at most an hour old, newer after a refusal and while it is paused."""

    @abstractmethod
    def last_price(self, symbol: str) -> Price:
        """What the market traded at last, quote per base."""

    @abstractmethod
    def now_ms(self) -> int:
        """The exchange's time, ms UTC, asked: what a proof rests on."""

    def time_ms(self) -> int:
        """The exchange's time, ms UTC, computed from this machine's clock while that is right to a second."""
        return self.now_ms()

    def get_ready(self, symbol: str) -> None:
        """Ask now what sending an order would have to ask soon: time and filters."""
        _ = self, symbol
