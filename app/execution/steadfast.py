"""Live trading that outlives its database: entries stop, exits go on from memory, everything is booked afterwards.

::

    database works ──► a write fails ──► ledger in memory, journal beside the database, CRITICAL in the log
          ▲                                  │ each cycle: does the database work again?
          └── the journal is booked, once ◄──┘
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from app.core.clock import Clock
from app.core.enums import OrderSide, OrderType
from app.core.interfaces import IExecutor, PositionView
from app.domain.errors import DatabaseError, DatabaseGone, DataError, OrderRejected, OutcomeUnknown
from app.domain.instrument import quote_of
from app.domain.order import OrderStatus
from app.domain.protection import Protection, TakenExit
from app.domain.resting import RestingOrder
from app.domain.values import Money
from app.execution.lease import DatabaseLease
from app.execution.live_executor import LiveExecutor
from app.execution.order_shape import ccxt_order
from app.execution.outage_journal import NotWrittenError, OutageJournal
from app.execution.reconcile import ORDER_SEQUENCE, Reconciler, outage_prefix
from app.execution.replay import replay
from app.execution.watched_exchange import Placement, WatchedExchange
from app.repositories import AlertRepository, OrderRepository, Severity, TradeRepository
from app.repositories.spare_ledger import LedgerState, is_flat, read_state, spare_ledger
from app.risk.gate import Purse

logger = logging.getLogger(__name__)

PATIENCE_MS: Final = 600_000
PROBE_SEQUENCE: Final = "outage-probe"
ZERO: Final = Decimal(0)
Maker = Callable[[TradeRepository], LiveExecutor]
Answer = TypeVar("Answer")


class _Outage:
    """The time in which the database cannot be written."""

    def __init__(self, states: list[LedgerState], make: Maker, since_ms: int) -> None:
        self.since_ms = since_ms
        self._opened = ExitStack()
        self.session = self._opened.enter_context(spare_ledger(states, ORDER_SEQUENCE))
        self.executor = make(TradeRepository(self.session))
        self.close = self._opened.close


class SteadfastExecutor(IExecutor):
    """A `LiveExecutor` that goes on selling when its database cannot be written.

    Args:
        make: Makes the live executor of a ledger; all of them trade with `exchange`.
        trade_repo: The real ledger.
        exchange: The account.
        journal: Beside the database.
        lease: The database's; entries and exits end when another machine may have it.
        clock: This machine's.
    """

    def __init__(
        self,
        make: Maker,
        trade_repo: TradeRepository,
        exchange: WatchedExchange,
        journal: OutageJournal,
        *,
        lease: DatabaseLease,
        clock: Clock,
    ) -> None:
        self.trade_repo = trade_repo
        self._make = make
        self._live = make(trade_repo)
        self._exchange = exchange
        self._journal = journal
        self._lease = lease
        self._clock = clock
        self._states: dict[str, LedgerState] = {}
        self._outage: _Outage | None = None
        exchange.before_guard = self._remember  # an answer that cannot be booked leaves orders that lock the coins

    @property
    def reconciler(self) -> Reconciler:
        """What compares the real ledger with the exchange."""
        return self._live.reconciler

    def synchronize(self, symbol: str) -> None:
        """Compare with the exchange; see LiveExecutor.

        Raises:
            DatabaseGone: the database could not be written for ten minutes, and there is nothing left to look after.
        """
        if self._outage is not None and not self._is_over():
            self._go_on(self._outage, symbol)
            return
        try:
            self._lease.renew()
            self._book_journal()
            self._live.synchronize(symbol)
            self._exchange.forget()
            self._remember(symbol)
        except DatabaseError as error:
            self._go_on(self._begin(symbol, error), symbol)

    def execute_order(
        self,
        symbol: str,
        side: OrderSide,
        quantity: Decimal | float,
        order_type: OrderType = OrderType.MARKET,
        price: Decimal | float | None = None,
    ) -> dict[str, Any]:
        """Send one order; while the database cannot be written only sales; see IExecutor.

        Raises:
            DatabaseError: nothing was sent, because it could not be written down.
        """
        if self._outage is not None:
            return self._from_memory(self._outage, symbol, OrderSide(side), quantity, order_type, price)
        try:
            order = self._live.execute_order(symbol, side, quantity, order_type, price)
            self._exchange.forget()
            self._remember(symbol)
        except DatabaseError as error:
            sent = list(self._exchange.placements)
            outage = self._begin(symbol, error)
            if sent:
                return _what_came_back(sent[-1], outage.executor.trade_repo)
            return self._from_memory(outage, symbol, OrderSide(side), quantity, order_type, price)
        except BaseException:
            self._exchange.forget()  # refused or in doubt: so says the ledger, too
            raise
        return order

    def get_ready(self, symbol: str) -> None:
        """See LiveExecutor; in an outage nothing is bought, so nothing is asked."""
        if self._outage is None:
            self._live.get_ready(symbol)

    def get_position(self, symbol: str) -> PositionView:
        """What our own trades add up to; see LiveExecutor."""
        return self._asked(symbol, lambda executor: executor.get_position(symbol))

    def note_decision(self, symbol: str, candle_time: datetime, reason: str) -> None:
        """Kept with the next order."""
        self._current.note_decision(symbol, candle_time, reason)

    def write_along(self, symbol: str, session: object, write: Callable[[], None]) -> bool:
        """See LiveExecutor; not while the database cannot be written."""
        return self._outage is None and self._live.write_along(symbol, session, write)

    def why_not_now(self, symbol: str) -> str | None:
        """See LiveExecutor."""
        return self._asked(symbol, lambda executor: executor.why_not_now(symbol))

    def why_no_exit(self, symbol: str) -> str | None:
        """See LiveExecutor."""
        return self._asked(symbol, lambda executor: executor.why_no_exit(symbol))

    def resting_order(self, symbol: str) -> RestingOrder | None:
        """See LiveExecutor."""
        return self._asked(symbol, lambda executor: executor.resting_order(symbol))

    def cancel_resting(self, symbol: str) -> None:
        """See LiveExecutor."""
        self._asked(symbol, lambda executor: executor.cancel_resting(symbol))

    def purse(self, symbol: str) -> Purse:
        """See LiveExecutor."""
        return self._asked(symbol, lambda executor: executor.purse(symbol))

    def protect(self, symbol: str, protection: Protection | None) -> None:
        """See LiveExecutor. While the database cannot be written, what rests stays, and nothing is placed."""
        if self._outage is not None:
            if protection is None:
                self._outage.executor.protect(symbol, None)
            return
        try:
            try:
                self._live.protect(symbol, protection)
            finally:
                self._remember(symbol)
        except DatabaseError as error:
            self._begin(symbol, error)

    def taken_exits(self, symbol: str) -> Sequence[TakenExit]:
        """See LiveExecutor; what happened while the database could not be written is told afterwards."""
        return () if self._outage is not None else self._live.taken_exits(symbol)

    def cancel_orders(self, symbol: str) -> int:
        """See LiveExecutor."""
        return self._asked(symbol, lambda executor: executor.cancel_orders(symbol))

    def get_cash(self, symbol: str) -> Money:
        """The account's quote asset; what it was when the exchange last told, when it does not tell now."""
        try:
            return self._current.get_cash(symbol)
        except DataError:
            balance = self._exchange.last_balances().get(quote_of(symbol))
            return Money(balance.total if balance else ZERO)

    def finish(self) -> None:
        """The last attempt to book everything; the journal is removed when nothing is left in it.

        Raises:
            DatabaseError: the database still cannot be written; the next start books the journal.
        """
        waiting = f"{len(self._journal.facts())} facts wait in {self._journal.path}, the next start books them"
        try:
            over = self._outage is None or self._is_over()
        except DataError as silence:
            logger.warning("%s: %s", waiting, silence)
            return
        if not over:
            raise DatabaseError(f"the database could not be written to the end: {waiting}")
        self._journal.remove()

    def _asked(self, symbol: str, question: Callable[[LiveExecutor], Answer]) -> Answer:
        """Of the real ledger, else of the one in memory."""
        if self._outage is None:
            try:
                return question(self._live)
            except DatabaseError as error:
                self._begin(symbol, error)
        return question(self._current)

    @property
    def _current(self) -> LiveExecutor:
        return self._live if self._outage is None else self._outage.executor

    def _begin(self, symbol: str, error: DatabaseError) -> _Outage:
        """Go on in memory from what was known before the failure, and what was sent since."""
        if isinstance(error, DatabaseGone) or symbol not in self._states:
            raise error
        logger.critical("The database cannot be written: entries stop, exits go on from memory: %s", error)
        outage = _Outage(list(self._states.values()), self._make, self._clock.now_ms())
        outage.executor.desk.id_prefix = outage_prefix(self._live.reconciler.prefix, symbol)
        self._outage = outage
        self._exchange.begin_journal(self._journal)
        try:
            replay(self._journal.facts(), outage.executor.reconciler)
            self._cancel_entries(symbol)
        except DataError as silence:  # what is not booked is in doubt: the symbol is frozen until it is found
            logger.warning("The exchange did not tell everything: %s", silence)
        return outage

    def _cancel_entries(self, symbol: str) -> None:
        """Nothing more is bought: take back what rests at the exchange."""
        ours = f"{self._live.reconciler.prefix}-"
        for report in self._exchange.open_orders(symbol):
            if report.side == OrderSide.BUY.value and (report.client_id or "").startswith(ours):
                self._exchange.cancel(symbol, str(report.client_id), report.exchange_id)

    def _go_on(self, outage: _Outage, symbol: str) -> None:
        """One comparison in memory; nothing to look after for long enough ends the bot, so that somebody looks."""
        flat = is_flat(read_state(outage.session, symbol, ORDER_SEQUENCE))
        if flat and self._clock.now_ms() - outage.since_ms > PATIENCE_MS:
            raise DatabaseGone(
                "the database could not be written for ten minutes and nothing is held: repair it, then start again"
            )
        outage.executor.reconciler.glance(symbol)  # not in full: of the past the memory knows only what it adds up to

    def _from_memory(
        self,
        outage: _Outage,
        symbol: str,
        side: OrderSide,
        quantity: Decimal | float,
        order_type: OrderType,
        price: Decimal | float | None,
    ) -> dict[str, Any]:
        if side is OrderSide.BUY:
            raise DatabaseError(f"no entry into {symbol}: the database cannot be written, so nothing is bought")
        if self._lease.is_over():
            raise DatabaseGone(
                f"{symbol} is not sold: the database is out of reach, and another bot may have its lease"
            )
        try:
            return outage.executor.execute_order(symbol, side, quantity, order_type, price)
        except NotWrittenError as error:
            raise DatabaseError(str(error)) from error

    def _is_over(self) -> bool:
        """Whether the database can be written again; if so, everything is booked."""
        try:
            OrderRepository(self.trade_repo.session).next_number(PROBE_SEQUENCE)
            self._book_journal()
        except DatabaseGone:
            raise
        except DatabaseError as error:
            logger.warning("The database still cannot be written: %s", error)
            return False
        if self._outage is not None:
            logger.critical("The database can be written again: everything is booked, entries are allowed")
            self._record(self._outage)
            self._outage.close()
        self._outage = self._exchange.journal = None
        self._exchange.forget()
        return True

    def _record(self, outage: _Outage) -> None:
        """For a person who did not read the log."""
        began, now = (datetime.fromtimestamp(ms / 1_000, UTC) for ms in (outage.since_ms, self._clock.now_ms()))
        text = (
            f"the database could not be written from {began:%Y-%m-%d %H:%M:%S} to {now:%H:%M:%S} UTC: all is booked now"
        )
        AlertRepository(self.trade_repo.session).add(Severity.CRITICAL, text, None, now)

    def _book_journal(self) -> None:
        if self._journal.is_empty:
            return
        told = replay(self._journal.facts(), self._live.reconciler)
        self._journal.clear()
        logger.warning("%d orders of an outage are booked from %s", told, self._journal.path)

    def _remember(self, symbol: str) -> None:
        """What an outage would begin with."""
        self._states[symbol] = read_state(self.trade_repo.session, symbol, ORDER_SEQUENCE)


def _what_came_back(placement: Placement, memory: TradeRepository) -> dict[str, Any]:
    """The order that was sent before the database failed, as IExecutor promises it."""
    order_id, symbol = placement.ticket.client_id, placement.ticket.symbol
    if placement.refusal is not None:
        raise OrderRejected(placement.refusal)
    order = OrderRepository(memory.session).get(order_id)
    if order is None or OrderStatus(order.status).is_unresolved:
        raise OutcomeUnknown(f"{symbol} is frozen: nobody knows yet what became of order {order_id}")
    return ccxt_order(order, quote_of(symbol))
