"""An account whose orders are remembered until the ledger has them; it reads nothing more once the bot is to stop."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.core.stop import Stop
from app.domain.errors import CutShort, KeyRevoked, OrderRejected
from app.domain.instrument import Instrument
from app.domain.reports import Balance, FillReport, GuardTicket, OrderReport, OrderTicket
from app.domain.values import Price
from app.execution.order_exchange import OrderExchange
from app.execution.outage_journal import OutageJournal

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Placement:
    """An order that was sent at the exchange's `at_ms`, and what came back; neither answer nor refusal means doubt."""

    ticket: OrderTicket
    at_ms: int
    answer: tuple[OrderReport, list[FillReport]] | None = None
    refusal: str | None = None


class WatchedExchange(OrderExchange):
    """Passes everything on to another account; see OrderExchange for what each method promises.

    Args:
        inner: The account.
        stop: Once set, nothing is read any more but for an order that is under way: it ends, nothing new begins.
            Orders that are written down still go out, and so do cancels.

    Attributes:
        placements: Orders that the ledger may not have; emptied by `forget`.
        journal: Where orders are written down before they are sent while the database cannot be written, else None.
        before_guard: Called with the symbol before a protection is sent, which is in the ledger then.
    """

    def __init__(self, inner: OrderExchange, stop: Stop) -> None:
        self.name = inner.name
        self.abilities = inner.abilities
        self.placements: list[Placement] = []
        self.journal: OutageJournal | None = None
        self.before_guard: Callable[[str], None] = lambda _: None
        self._inner = inner
        self._stop = stop
        self._balances: dict[str, Balance] = {}
        self._now_ms = 0
        self._finishing = 0

    @property
    def interruptions(self) -> int:
        """The account's."""
        return self._inner.interruptions

    def forget(self) -> None:
        """The ledger has every order that was sent."""
        self.placements.clear()

    def place(self, ticket: OrderTicket) -> tuple[OrderReport, Sequence[FillReport]]:
        """Send the order, once; remembered with its answer."""
        placement = Placement(ticket, self._now_ms or self._inner.time_ms())
        if self.journal is not None:
            self.journal.sent(ticket, placement.at_ms)
        self.placements.append(placement)
        try:
            report, fills = self._inner.place(ticket)
        except (OrderRejected, KeyRevoked) as refusal:
            placement.refusal = str(refusal)
            self._note(placement)
            raise
        placement.answer = report, list(fills)
        self._note(placement)
        return report, fills

    def begin_journal(self, journal: OutageJournal) -> None:
        """Write everything down from now on, and what the ledger may lack already."""
        self.journal = journal
        for placement in self.placements:
            try:
                journal.was_sent(placement.ticket, placement.at_ms)
            except OSError as error:
                logger.critical("The journal cannot be written (%s): order %s", error, placement.ticket.client_id)
            self._note(placement)

    def _note(self, placement: Placement) -> None:
        """What came back; when this cannot be written, the reconciliation asks the exchange for it later."""
        if self.journal is None:
            return
        try:
            if placement.answer is not None:
                self.journal.answered(placement.ticket.client_id, *placement.answer)
            elif placement.refusal is not None:
                self.journal.refused(placement.ticket.client_id, placement.refusal)
        except OSError as error:
            logger.critical("The journal cannot be written (%s): order %s", error, placement.ticket.client_id)

    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> OrderReport | None:
        """Ask to cancel."""
        return self._inner.cancel(symbol, client_id, exchange_id)

    def place_guard(self, ticket: GuardTicket) -> Sequence[OrderReport]:
        """Send a protection, once. It is not journaled: while the database cannot be written none is placed."""
        self.before_guard(ticket.symbol)
        return self._inner.place_guard(ticket)

    def cancel_list(self, symbol: str, list_id: str) -> Sequence[OrderReport]:
        """Ask to cancel all orders of a list."""
        return self._inner.cancel_list(symbol, list_id)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """A position that is left behind should be protected: this ends before the bot does."""
        self._finishing += 1
        try:
            yield
        finally:
            self._finishing -= 1

    def find(self, symbol: str, client_id: str, exchange_id: str | None) -> OrderReport | None:
        """The order."""
        return self._reading().find(symbol, client_id, exchange_id)

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """The account's resting orders."""
        return self._reading().open_orders(symbol)

    def orders_since(self, symbol: str, since_ms: int) -> Sequence[OrderReport]:
        """The account's orders."""
        return self._reading().orders_since(symbol, since_ms)

    def fills_since(self, symbol: str, since_ms: int) -> Sequence[FillReport]:
        """The account's trades."""
        return self._reading().fills_since(symbol, since_ms)

    def balances(self) -> dict[str, Balance]:
        """The account's assets."""
        self._balances = self._reading().balances()
        return self._balances

    def last_balances(self) -> dict[str, Balance]:
        """What the account had when it was last asked; nothing before."""
        return self._balances

    def instrument(self, symbol: str) -> Instrument:
        """What the market allows."""
        return self._inner.instrument(symbol)

    def last_price(self, symbol: str) -> Price:
        """What the market traded at last."""
        return self._reading().last_price(symbol)

    def now_ms(self) -> int:
        """The exchange's time."""
        self._now_ms = self._reading().now_ms()
        return self._now_ms

    def time_ms(self) -> int:
        """The exchange's time; refused as a question when the bot is stopping: nothing new begins then."""
        self._now_ms = self._reading().time_ms()
        return self._now_ms

    def get_ready(self, symbol: str) -> None:
        """Ask what sending an order would have to ask soon."""
        self._reading().get_ready(symbol)

    def _reading(self) -> OrderExchange:
        if self._stop.is_set() and not self.placements and not self._finishing:
            raise CutShort(f"{self.name} is not asked any more: the bot is stopping")
        return self._inner
