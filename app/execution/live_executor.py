"""Real orders: written down before they are sent, sent once, and looked for until their fate is known."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from app.core.clock import Clock, SystemClock
from app.core.database import forget, unit_of_work
from app.core.enums import OrderSide, OrderType
from app.core.interfaces import IExecutor, PositionView
from app.domain.errors import (
    InsufficientFunds,
    OrderPostponed,
    OrderRejected,
    OutcomeUnknown,
)
from app.domain.instrument import Instrument, quote_of
from app.domain.order import OrderStatus
from app.domain.position import Position
from app.domain.protection import Protection, TakenExit
from app.domain.resting import FollowUp, OrderStyles, Purpose, RestingOrder
from app.domain.values import MONEY, Money, Price, Quantity, exact
from app.execution.balances import FRESH_MS
from app.execution.guarding import Guarding, taken_exit
from app.execution.live_desk import LiveDesk, total_and_free
from app.execution.order_exchange import OrderExchange
from app.execution.order_shape import ccxt_order
from app.execution.position_view import view_of
from app.execution.reconcile import Reconciler
from app.execution.schedule import DEFAULT_EVERY_S, Schedule
from app.execution.tending import Tending
from app.models.sql import Order
from app.repositories import AlertRepository, OrderRepository, Severity, TradeRepository
from app.risk.gate import Purse

logger = logging.getLogger(__name__)

ZERO: Final = Decimal(0)
JUST_NOW_MS: Final = 5_000
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
        desk: Sends orders.
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
        clock, self._alerts = clock or SystemClock(), AlertRepository(trade_repo.session)
        self._orders = OrderRepository(trade_repo.session)
        self._exchange = exchange
        self.reconciler = Reconciler(exchange, self._orders, trade_repo, self._alerts, prefix)
        self.desk = LiveDesk(exchange, self._orders, self.reconciler, clock)
        self._balances = self.desk.balances
        self._schedule = Schedule(clock, int(compare_every_s * 1_000))
        self._tending = Tending(self.desk, self._orders, trade_repo, styles or OrderStyles())
        self._guarding = Guarding(self.desk, self._orders, trade_repo, self._alerts, exchange.name)
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
        instrument = self.desk.market(symbol)
        if pause := self._why_paused(instrument):
            raise OrderPostponed(f"{side} {symbol} is not sent: {pause}")
        asked = self._clear_the_way(symbol, side, asked)
        base_before, amount = self._affordable(instrument, side, asked, order_type)
        limit = instrument.price(price) if order_type is OrderType.LIMIT and price is not None else None
        reference = limit or (Price(exact(price)) if price is not None else None)
        if refusal := self._refusal(instrument, side, amount, reference, base_before, limit):
            if side is OrderSide.SELL:
                self._tell_unsold(symbol)
            raise OrderRejected(f"{side} {symbol} refused before sending: {refusal}")
        now_ms = self.desk.now_ms()
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
            self.desk.post(order)
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
            self.desk.cancel(order)
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
        return self._why_paused(self.desk.market(symbol))

    def why_no_exit(self, symbol: str) -> str | None:
        """As `why_not_now`, but protection in doubt is an obstacle only where it could sell coins of others."""
        if not self._guarding.is_all_in_doubt(symbol):
            return self.why_not_now(symbol)
        if reason := self._guarding.why_no_exit(symbol):
            return f"{symbol} is frozen: {reason}"
        return self._why_paused(self.desk.market(symbol))

    def _is_dust(self, symbol: str, position: Position) -> bool:
        """Whether the market would refuse to sell all of it at its average cost. It stays in the ledger."""
        if position.quantity <= 0:
            return True
        instrument = self.desk.market(symbol)
        price = Price(MONEY.divide(position.cost, position.quantity))
        refusal = instrument.refusal(instrument.quantity(position.quantity), price)
        if refusal is not None and self._dust.get(symbol) != position.quantity:
            self._dust[symbol] = position.quantity
            logger.info("Dust: %s of %s stays, too small to sell: %s", f"{position.quantity:f}", symbol, refusal)
        return refusal is not None

    def _refuse_while_in_doubt(self, symbol: str) -> None:
        if frozen := self.reconciler.frozen(symbol):
            raise OutcomeUnknown(f"{symbol} is frozen: {frozen}")

    def _why_paused(self, instrument: Instrument) -> str | None:
        if instrument.is_trading:
            return None
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
            total, _ = total_and_free(self._balances.recent(), instrument.symbol)
            if not self._balances.are_settled():  # the last purchase may not be in it yet, and would look like this one
                total = max(total, self.trade_repo.position(instrument.symbol).quantity)
            return total, instrument.quantity(asked)
        total, free = self.desk.base_balance(instrument.symbol)
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
            reasons.append(instrument.price_refusal(side.value, limit, self.desk.last_price(instrument.symbol)))
        if side is OrderSide.BUY:
            reasons.append(instrument.position_refusal(amount, base_before))
        return next((reason for reason in reasons if reason is not None), None)

    def _tell_unsold(self, symbol: str) -> None:
        """A person should know of coins that cannot be sold; the numbers, which change, are in the steps."""
        text = f"{self._exchange.name} takes no sale of {symbol} now: the bot's steps say why, and it tries again"
        self._alerts.add(Severity.CRITICAL, text, symbol, datetime.fromtimestamp(self.desk.now_ms() / 1_000, UTC))

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
        identity = self.desk.new_id()
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
