"""Real orders: written down before they are sent, sent once, and looked for until their fate is known."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from app.core.clock import Clock, SystemClock
from app.core.database import forget, unit_of_work
from app.core.enums import OrderSide, OrderType
from app.core.interfaces import IExecutor, PositionView
from app.domain.errors import (
    InsufficientFunds,
    KeyRevoked,
    OrderPostponed,
    OrderRejected,
    OutcomeUnknown,
    StopReached,
)
from app.domain.instrument import Instrument, base_of, quote_of
from app.domain.order import OrderEvent, OrderStatus
from app.domain.position import Position
from app.domain.protection import Protection, TakenExit
from app.domain.reports import Balance, GuardTicket, OrderReport, OrderTicket
from app.domain.resting import FollowUp, OrderStyles, Purpose, RestingOrder
from app.domain.values import MONEY, Money, Price, Quantity, exact
from app.execution.balances import FRESH_MS, Balances
from app.execution.guarding import Guarding, taken_exit
from app.execution.order_exchange import OrderExchange
from app.execution.order_shape import ccxt_order
from app.execution.position_view import view_of
from app.execution.reconcile import ORDER_SEQUENCE, Reconciler, client_id_of
from app.execution.schedule import DEFAULT_EVERY_S, Schedule
from app.execution.tending import Tending
from app.models.sql import Order
from app.repositories import AlertRepository, OrderRepository, TradeRepository
from app.risk.gate import Purse

logger = logging.getLogger(__name__)

ZERO: Final = Decimal(0)
JUST_NOW_MS: Final = 5_000
LATE_MS: Final = 10_000  # so old may the time of an order be when it leaves: the proof of its absence counts from there
RESERVE: Final = 0.002  # of the notional: a taker's fee, and the price that moves while a market order travels


class LiveExecutor(IExecutor):
    """Trades with the account at an exchange.

    Args:
        trade_repo: Where fills are booked.
        exchange: The account.
        prefix: What every client id of this bot begins with, at most 20 characters of `[a-z0-9-]`; kept over restarts.
        styles: What becomes of orders that rest.
        compare_every_s: The longest time between two full comparisons with the exchange.
        clock: This machine's.

    Attributes:
        reconciler: Compares ledger and exchange.
        id_prefix: What the ids of new orders begin with.
    """

    def __init__(
        self,
        trade_repo: TradeRepository,
        exchange: OrderExchange,
        *,
        prefix: str,
        styles: OrderStyles | None = None,
        compare_every_s: float = DEFAULT_EVERY_S,
        clock: Clock | None = None,
    ) -> None:
        self.trade_repo = trade_repo
        self._clock = clock or SystemClock()
        self._told_time_at = (0, 0)
        self._orders = OrderRepository(trade_repo.session)
        self._exchange = exchange
        self.id_prefix = prefix
        self.reconciler = Reconciler(exchange, self._orders, trade_repo, AlertRepository(trade_repo.session), prefix)
        self._schedule = Schedule(self._clock, int(compare_every_s * 1_000))
        self._balances = Balances(exchange, self._clock)
        self._tending = Tending(self, self._orders, trade_repo, styles or OrderStyles())
        alerts = AlertRepository(trade_repo.session)
        self._guarding = Guarding(self, self._orders, trade_repo, alerts, exchange.name)
        self._decisions: dict[str, tuple[datetime, str]] = {}
        self._along: dict[str, Callable[[], None]] = {}
        self._dust: dict[str, Quantity] = {}

    def synchronize(self, symbol: str) -> None:
        """Compare with the exchange, in full when it is due, else only what is in the open; then tend what rests.

        Raises:
            DataError: the exchange did not answer.
            KeyRevoked: it does not accept the key.
        """
        forget(self.trade_repo.session)
        interruptions = self._exchange.interruptions
        is_due = self._schedule.is_due(symbol, interruptions) or self.reconciler.frozen(symbol) is not None
        if is_due or self._orders.resting(symbol):
            self._balances.forget()
        reason = self.reconciler.run(symbol) if is_due else self.reconciler.glance(symbol)
        if reason is not None:
            logger.warning("%s is frozen: %s", symbol, reason)
            return
        if is_due and self.reconciler.agrees(symbol):
            self._schedule.compared(symbol, interruptions)
        self._tending.tend(symbol)

    def execute_order(
        self,
        symbol: str,
        side: OrderSide,
        quantity: Decimal | float,
        order_type: OrderType = OrderType.MARKET,
        price: Decimal | float | None = None,
    ) -> dict[str, Any]:
        """Write the order down, send it once, book what came of it; see IExecutor.

        A sale cancels whatever rests first, protection too, because it locks the coins; a sale of the whole position
        takes what is left then: also what was bought while cancelling, not what was sold. Protection in doubt does not
        keep a sale waiting; see `Guarding.why_no_exit`.
        """
        along = self._along.pop(symbol, None)
        side, order_type, asked = OrderSide(side), OrderType(order_type), exact(quantity)
        if side is OrderSide.BUY or not self._guarding.is_all_in_doubt(symbol):
            self._refuse_while_in_doubt(symbol)
        instrument = self.market(symbol)
        if not instrument.is_trading:
            raise OrderPostponed(f"{side} {symbol} is not sent: {self._pause(instrument)}")
        asked = self._clear_the_way(symbol, side, asked)
        base_before, amount = self._affordable(instrument, side, asked, order_type)
        limit = instrument.price(price) if order_type is OrderType.LIMIT and price is not None else None
        reference = limit or (Price(exact(price)) if price is not None else None)
        if refusal := self._refusal(instrument, side, amount, reference, base_before, limit):
            raise OrderRejected(f"{side} {symbol} refused before sending: {refusal}")
        now_ms = self.now_ms()
        with unit_of_work(self.trade_repo.session):  # one sync of the disk for all that must be durable before the POST
            order = self._new_order(symbol, side, order_type, amount, limit, base_before, now_ms)
            if along is not None:
                along()
            self._orders.book_as_sent(order)
        self._post_what_can_be_paid(order)
        return ccxt_order(order, instrument.quote)

    def _post_what_can_be_paid(self, order: Order) -> None:
        """A purchase that cannot be paid although our balances said so is judged again, with new ones."""
        knew_the_account = order.side is OrderSide.SELL or self._balances.are_younger_than(JUST_NOW_MS)
        try:
            self._post(order)
        except InsufficientFunds as unpaid:
            if knew_the_account:
                raise
            text = f"{unpaid}: somebody else spent it, judged again with what is left"
            raise OrderPostponed(text) from unpaid

    def get_ready(self, symbol: str) -> None:
        """Compare the clocks and ask for the balances, where the next purchase would have to; raises DataError."""
        self._exchange.get_ready(symbol)
        if not self._balances.are_fresh(FRESH_MS // 2):
            self._balances.ask()

    def get_position(self, symbol: str) -> PositionView:
        """What our own trades add up to, net of fees; a remainder that is too small to sell counts as nothing."""
        position = self.trade_repo.position(symbol)
        return view_of(position, Quantity(ZERO) if self._is_dust(symbol, position) else None)

    def get_cash(self, symbol: str) -> Money:
        """The account's quote asset, free and locked."""
        balance = self._balances.ask().get(quote_of(symbol))
        return Money(balance.total if balance else ZERO)

    def purse(self, symbol: str) -> Purse:
        """The account's free quote units. What the order costs on top is not known, so some of them stay."""
        balance = self._balances.recent().get(quote_of(symbol))
        return Purse(float(balance.free) if balance else 0.0, RESERVE, RESERVE)

    def cancel_orders(self, symbol: str) -> int:
        """Cancel what rests for good, and learn what became of it."""
        resting = self._orders.resting(symbol)
        self.cancel_resting(symbol)
        self._guarding.cancel(symbol)
        for order in self._orders.resting(symbol):
            self.cancel(order)
        return len(resting)

    def protect(self, symbol: str, protection: Protection | None) -> None:
        """Make stop and target rest at the exchange, as far as the market takes them; see IExecutor.

        Nothing rests beside an exit that rests already: the coins are promised to that one.
        """
        self._refuse_while_in_doubt(symbol)
        resting = self._tending.resting(symbol)
        if resting is not None and resting.purpose is Purpose.EXIT:
            return
        with self._exchange.finishing():
            self._guarding.protect(symbol, protection)

    def taken_exits(self, symbol: str) -> list[TakenExit]:
        """From the ledger: protection that traded and of which no step tells yet."""
        return [taken_exit(order) for order in self._orders.untold_protection(symbol)]

    def note_decision(self, symbol: str, candle_time: datetime, reason: str) -> None:
        """Kept with the next order."""
        self._decisions[symbol] = candle_time, reason

    def write_along(self, symbol: str, session: object, write: Callable[[], None]) -> bool:
        """With the next order, where both are in one database: one sync of the disk less before the POST."""
        if session is not self.trade_repo.session:
            return False
        self._along[symbol] = write
        return True

    def resting_order(self, symbol: str) -> RestingOrder | None:
        """From the ledger."""
        return self._tending.resting(symbol)

    def cancel_resting(self, symbol: str) -> None:
        """Cancel it for good; raises OutcomeUnknown while the exchange has not confirmed."""
        order = self._orders.newest(symbol)
        if order is None or self._tending.resting(symbol) is None:
            return
        if not OrderStatus(order.status).rests:
            self._orders.plan(order, FollowUp.STOP)
        elif not self._tending.cancel(order, FollowUp.STOP):
            raise OutcomeUnknown(f"order {order.id} is still being cancelled")

    def why_not_now(self, symbol: str) -> str | None:
        """An order in doubt, or a market that takes none."""
        if frozen := self.reconciler.frozen(symbol):
            return f"{symbol} is frozen: {frozen}"
        instrument = self.market(symbol)
        return None if instrument.is_trading else self._pause(instrument)

    def why_no_exit(self, symbol: str) -> str | None:
        """As `why_not_now`, but protection in doubt is an obstacle only where it could sell coins of others."""
        if not self._guarding.is_all_in_doubt(symbol):
            return self.why_not_now(symbol)
        if reason := self._guarding.why_no_exit(symbol):
            return f"{symbol} is frozen: {reason}"
        instrument = self.market(symbol)
        return None if instrument.is_trading else self._pause(instrument)

    # What looks after resting orders needs (`OrderDesk`).

    def now_ms(self) -> int:
        """The exchange's time, which an order bears that is written down now."""
        self._told_time_at = self._clock.now_ms(), self._clock.monotonic_ms()
        return self._exchange.time_ms()

    def market(self, symbol: str) -> Instrument:
        """What the market allows."""
        return self._exchange.instrument(symbol)

    def last_price(self, symbol: str) -> Price:
        """What the market traded at last."""
        return self._exchange.last_price(symbol)

    def base_balance(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Base units of the account: in total, and free; asked now."""
        return _total_and_free(self._balances.ask(), symbol)

    def new_id(self) -> str:
        """From the persisted sequence."""
        return client_id_of(self.id_prefix, self._orders.next_number(ORDER_SEQUENCE))

    def cancel(self, order: Order) -> None:
        """One DELETE; its answer comes from the engine, so it is believed before any read."""
        self._balances.move()
        report = self._exchange.cancel(order.symbol, order.id, order.exchange_id)
        if report is not None:
            self.reconciler.take(order, report)
        if OrderStatus(order.status).rests:
            self.reconciler.settle(order)

    def send(self, order: Order) -> None:
        """One POST of an order that is written down."""
        self._orders.apply(order, OrderEvent.SUBMIT)
        self._post(order)

    def send_guard(self, ticket: GuardTicket, orders: list[Order]) -> None:
        """One POST of a protection that is written down."""
        self._balances.move()
        self._refuse_when_late(orders)
        try:
            reports = self._exchange.place_guard(ticket)
        except (OrderRejected, KeyRevoked) as refusal:
            for order in orders:
                self._orders.apply(order, OrderEvent.REJECT, note=str(refusal))
            if _is_about_price(refusal) and self.last_price(ticket.symbol) <= ticket.stop:
                raise StopReached(f"{ticket.symbol} fell to its stop at {ticket.stop:f} meanwhile") from refusal
            raise
        except BaseException as doubt:
            for order in orders:
                self._orders.apply(order, OrderEvent.DOUBT, note=str(doubt))
            if not isinstance(doubt, OutcomeUnknown):
                raise
            for order in orders:
                self.reconciler.settle(order)
            if self.reconciler.frozen(ticket.symbol):
                raise
            logger.warning("Protection %s was in doubt and is found: %s", orders[0].id, orders[0].status)
        else:
            self._take_all(orders, reports)

    def cancel_guard(self, orders: list[Order]) -> None:
        """One DELETE for all of them; its answer comes from the engine, so it is believed before any read."""
        self._balances.move()
        symbol, list_id = orders[0].symbol, orders[0].list_id
        if list_id is None:
            report = self._exchange.cancel(symbol, orders[0].id, orders[0].exchange_id)
            self._take_all(orders, [] if report is None else [report])
        else:
            self._take_all(orders, self._exchange.cancel_list(symbol, list_id))
        for order in orders:
            if OrderStatus(order.status).rests:
                self.reconciler.settle(order)

    def _take_all(self, orders: list[Order], reports: Sequence[OrderReport]) -> None:
        """Book what an answer says of orders that belong together; one of which it says nothing is looked for."""
        told = {report.client_id: report for report in reports}
        for order in orders:
            if order.id in told:
                self.reconciler.take(order, told[order.id])
            elif OrderStatus(order.status).is_unresolved:
                self.reconciler.settle(order)

    def _refuse_when_late(self, orders: list[Order]) -> None:
        """The machine slept, or the disk took long: what is sent now may arrive after the proof that it never did."""
        wall_ms, monotonic_ms = self._told_time_at
        late_ms = max(self._clock.now_ms() - wall_ms, self._clock.monotonic_ms() - monotonic_ms)
        if late_ms <= LATE_MS:
            return
        note = f"not sent: {late_ms / 1_000:.0f} s went by after it was written down"
        for order in orders:
            self._orders.apply(order, OrderEvent.REJECT, note=note)
        raise OrderPostponed(f"{orders[0].side} {orders[0].symbol} is {note}")

    def _post(self, order: Order) -> None:
        self._balances.move()
        self._refuse_when_late([order])
        price = None if order.price is None else Price(order.price)
        ticket = OrderTicket(
            order.id, order.symbol, order.side.value, order.order_type, Quantity(order.quantity), price
        )
        try:
            report, fills = self._exchange.place(ticket)
        except (OrderRejected, KeyRevoked) as refusal:
            self._orders.apply(order, OrderEvent.REJECT, note=str(refusal))
            raise
        except BaseException as doubt:
            self._orders.apply(order, OrderEvent.DOUBT, note=str(doubt))
            if not isinstance(doubt, OutcomeUnknown) or not self.reconciler.settle(order):
                raise
            logger.warning("Order %s was in doubt and is found: %s", order.id, order.status)
            if OrderStatus(order.status) is OrderStatus.REJECTED:
                raise OrderRejected(f"order {order.id} never arrived: {doubt}") from doubt
        else:
            self.reconciler.take(order, report, fills)

    def _is_dust(self, symbol: str, position: Position) -> bool:
        """Whether the market would refuse to sell all of it at its average cost. It stays in the ledger."""
        if position.quantity <= 0:
            return True
        instrument = self.market(symbol)
        price = Price(MONEY.divide(position.cost, position.quantity))
        refusal = instrument.refusal(instrument.quantity(position.quantity), price)
        if refusal is not None and self._dust.get(symbol) != position.quantity:
            self._dust[symbol] = position.quantity
            logger.info("Dust: %s of %s stays, too small to sell: %s", f"{position.quantity:f}", symbol, refusal)
        return refusal is not None

    def _refuse_while_in_doubt(self, symbol: str) -> None:
        if frozen := self.reconciler.frozen(symbol):
            raise OutcomeUnknown(f"{symbol} is frozen: {frozen}")

    def _pause(self, instrument: Instrument) -> str:
        return f"{instrument.symbol} takes no orders now, {self._exchange.name} says {instrument.status}"

    def _clear_the_way(self, symbol: str, side: OrderSide, asked: Decimal) -> Decimal:
        """Nothing may rest beside a new order: a sale cancels it, a purchase waits. Returns the quantity to order."""
        resting = self._tending.resting(symbol)
        if side is OrderSide.BUY:
            if resting is not None:
                raise OrderPostponed(f"buy {symbol} is not sent: {resting}")
            return asked
        before = self.trade_repo.position(symbol).quantity
        was_protected = self._guarding.cancel(symbol, leaves=True) > 0
        if resting is not None:
            self.cancel_resting(symbol)
        held = self.trade_repo.position(symbol).quantity
        if was_protected and held < before and self._is_dust(symbol, self.trade_repo.position(symbol)):
            raise OrderRejected(f"sell {symbol} is not sent: its protection sold it while it was being cancelled")
        return held if asked >= before else asked

    def _affordable(
        self, instrument: Instrument, side: OrderSide, asked: Decimal, order_type: OrderType
    ) -> tuple[Decimal, Quantity]:
        """The base balance before the order, and the quantity: a sale never takes more than is ours and free.

        A sale asks what is free, because somebody may have taken or locked coins, and an exit must not fail for that. A
        purchase is content with what was told since the last cycle.
        """
        if side is OrderSide.BUY:
            total, _ = _total_and_free(self._balances.recent(), instrument.symbol)
            if not self._balances.are_settled():  # the last purchase may not be in it yet, and would look like this one
                total = max(total, self.trade_repo.position(instrument.symbol).quantity)
            return total, instrument.quantity(asked)
        total, free = self.base_balance(instrument.symbol)
        round_down = instrument.market_quantity if order_type is OrderType.MARKET else instrument.quantity
        held = self.trade_repo.position(instrument.symbol).quantity
        sellable = round_down(min(asked, held, free))
        if sellable <= 0:
            raise InsufficientFunds(
                f"sell {instrument.symbol} refused before sending: {asked:f} asked, {held:f} held, {free:f} free"
            )
        return total, sellable

    def _refusal(
        self,
        instrument: Instrument,
        side: OrderSide,
        amount: Quantity,
        reference: Price | None,
        base_before: Decimal,
        limit: Price | None,
    ) -> str | None:
        """Why the market would refuse the order, as far as its filters tell."""
        reasons = [instrument.refusal(amount, reference) if reference is not None else None]
        if limit is None:
            reasons.append(instrument.market_refusal(amount))
        elif instrument.bounds.limits_price:
            reasons.append(instrument.price_refusal(side.value, limit, self.last_price(instrument.symbol)))
        if side is OrderSide.BUY:
            reasons.append(instrument.position_refusal(amount, base_before))
        return next((reason for reason in reasons if reason is not None), None)

    def _new_order(
        self,
        symbol: str,
        side: OrderSide,
        order_type: OrderType,
        amount: Quantity,
        limit: Price | None,
        base_before: Decimal,
        now_ms: int,
    ) -> Order:
        """Durable before anything is sent; if that fails, nothing is sent."""
        candle_time, reason = self._decisions.pop(symbol, (None, None))
        identity = self.new_id()
        return Order(
            id=identity,
            symbol=symbol,
            side=side,
            order_type=order_type.value,
            quantity=amount,
            price=limit,
            filled=ZERO,
            average=None,
            fee=ZERO,
            status=OrderStatus.CREATED.value,
            timestamp=datetime.fromtimestamp(now_ms / 1_000, UTC),
            exchange=self._exchange.name,
            base_before=base_before,
            purpose=(Purpose.ENTRY if side is OrderSide.BUY else Purpose.EXIT).value,
            candle_time=candle_time,
            reason=reason,
            first_id=identity,
            attempt=1,
        )


def _total_and_free(balances: Mapping[str, Balance], symbol: str) -> tuple[Decimal, Decimal]:
    balance = balances.get(base_of(symbol))
    return (balance.total, balance.free) if balance else (ZERO, ZERO)


def _is_about_price(refusal: Exception) -> bool:
    """Whether an exchange says that a stop is beyond the price: Binance's two sentences for it."""
    return "trigger immediately" in str(refusal) or "relationship of the prices" in str(refusal)
