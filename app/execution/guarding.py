"""Keeps a position's protection at the exchange true: a desired state, brought about by one order after the other.

What is to be done is a pure rule (`app.domain.guarding`); all that it needs is in the ledger. Every protection is
written down before it is sent, with ids of its own for each of its orders and for their list, and is sent once.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Protocol

from app.core.enums import OrderSide
from app.domain.errors import OrderRejected, OutcomeUnknown, StopReached
from app.domain.guarding import (
    STOP_LIMIT_ORDER,
    STOP_ORDER,
    TARGET_ORDER,
    Guard,
    GuardMove,
    Leg,
    guard_move,
    guard_of,
    stop_limit,
)
from app.domain.instrument import Instrument
from app.domain.order import OrderEvent, OrderStatus
from app.domain.protection import Protection, TakenExit
from app.domain.reports import GuardTicket
from app.domain.resting import FollowUp, Purpose
from app.domain.values import MONEY, Price, Quantity
from app.models.sql import Order
from app.repositories import AlertRepository, OrderRepository, Severity, TradeRepository

logger = logging.getLogger(__name__)

ZERO: Final = Decimal(0)
STOP_LIMIT_OFFSET: Final = Decimal(
    "0.02"
)  # how far below its stop a stop-limit order still sells, a share of the price
LIST: Final = "L"  # the id of a list is that of its stop with this letter


class GuardDesk(Protocol):
    """Where protection is carried out."""

    def now_ms(self) -> int:
        """The exchange's time, ms UTC."""

    def market(self, symbol: str) -> Instrument:
        """What the market allows now."""

    def last_price(self, symbol: str) -> Price:
        """What it traded at last."""

    def base_balance(self, symbol: str) -> tuple[Decimal, Decimal]:
        """The account's base units: in total, and free."""

    def new_id(self) -> str:
        """A client order id that was never used."""

    def send_guard(self, ticket: GuardTicket, orders: list[Order]) -> None:
        """Send a protection that is written down, once; OrderRejected or OutcomeUnknown when it did not go well."""

    def cancel_guard(self, orders: list[Order]) -> None:
        """Ask once to cancel orders that belong together, and bring them up to date."""


@dataclass(slots=True)
class Guarding:
    """Looks after the protection of each market.

    Attributes:
        desk: Where orders are carried out.
        orders: Our orders.
        trades: Our trades.
        alerts: What a person should know.
        exchange: Its name.
    """

    desk: GuardDesk
    orders: OrderRepository
    trades: TradeRepository
    alerts: AlertRepository
    exchange: str
    _told: set[str] = field(default_factory=set)

    def protect(self, symbol: str, protection: Protection | None) -> None:
        """Bring about what should rest now.

        Raises:
            StopReached: the price is at the stop already; what rested before still does.
            OrderRejected: the exchange refused; an alert says so.
            OutcomeUnknown: nobody knows yet whether it rests, or whether what rested was cancelled.
            DataError: the exchange did not answer.
        """
        market = self.desk.market(symbol)
        self._tell_abilities(market)
        wanted = self._within_holding(symbol, guard_of(protection, market), market)
        move = self._move(symbol, wanted)
        if move in {GuardMove.PLACE, GuardMove.REPLACE} and wanted is not None:
            wanted = self._at_this_price(wanted, self.desk.last_price(symbol), protection, market)
            move = self._move(symbol, wanted)
        if move in {GuardMove.CANCEL, GuardMove.REPLACE}:
            self.cancel(symbol)
            wanted = self._within_holding(symbol, wanted, market)
        if move in {GuardMove.PLACE, GuardMove.REPLACE} and wanted is not None:
            self._place(symbol, wanted, market)

    def is_all_in_doubt(self, symbol: str) -> bool:
        """Whether orders of the symbol are in doubt, and all of them are protection."""
        doubtful = self.orders.unresolved(symbol)
        return bool(doubtful) and all(order.purpose == Purpose.PROTECTION.value for order in doubtful)

    def why_no_exit(self, symbol: str) -> str | None:
        """Why protection in doubt forbids the bot's own sale, in words; None when it does not.

        Both sell the same coins, so the exchange refuses whichever comes second, in its engine, which does not lag: but
        only as long as the account holds no others, of which the second could sell. A lot of them is enough.
        """
        if not self.is_all_in_doubt(symbol):
            return None
        market, (total, _) = self.desk.market(symbol), self.desk.base_balance(symbol)
        held = self.trades.position(symbol).quantity
        others = max(MONEY.subtract(total, held), self._others_before_entry(symbol, held))  # the first may lag
        if market.quantity(max(ZERO, others)) <= 0:
            return None
        order = self.orders.unresolved(symbol)[0]
        return f"order {order.id} is {order.status}, and {others:f} {market.base} of the account are not the bot's"

    def cancel(self, symbol: str, *, leaves: bool = False) -> int:
        """Take away what rests, and book what it traded; how many orders there were.

        What is in doubt is asked to be cancelled, too: the engine knows it before any read does.

        Args:
            symbol: The market.
            leaves: Whether the bot sells now whatever an order in doubt may do; see `why_no_exit`.

        Raises:
            OutcomeUnknown: the exchange has not confirmed it, or nobody knows yet whether something rests.
        """
        found = self.orders.protection(symbol)
        groups: dict[str, list[Order]] = {}
        for order in found:
            groups.setdefault(order.list_id or order.id, []).append(order)
        for group in groups.values():
            for order in group:
                self.orders.plan(order, FollowUp.STOP)
            self.desk.cancel_guard(group)
        left = self.orders.protection(symbol)
        if leaves and not any(OrderStatus(order.status).rests for order in left):
            if reason := self.why_no_exit(symbol):
                raise OutcomeUnknown(f"{symbol} is frozen: {reason}")
        elif left:
            raise OutcomeUnknown(f"the protection of {symbol} (order {left[0].id}) is still being cancelled")
        return len(found)

    def _others_before_entry(self, symbol: str, held: Quantity) -> Decimal:
        """Base units that were not the bot's when it bought last: a balance told right after a purchase may lack it."""
        entry = self.orders.newest(symbol)
        if entry is None or entry.side is OrderSide.SELL or entry.base_before is None:
            return ZERO
        since = self.trades.moved_since(symbol, entry.id, entry.timestamp, with_it=True)
        return MONEY.subtract(entry.base_before, MONEY.subtract(held, since))

    def _move(self, symbol: str, wanted: Guard | None) -> GuardMove:
        return guard_move(wanted, [_leg(order) for order in self.orders.protection(symbol)])

    def _within_holding(self, symbol: str, wanted: Guard | None, market: Instrument) -> Guard | None:
        """Never more than the ledger holds: a fill may have come while the levels were computed."""
        if wanted is None:
            return None
        quantity = min(wanted.quantity, market.quantity(max(ZERO, self.trades.position(symbol).quantity)))
        return Guard(quantity, wanted.stop, wanted.target) if quantity > 0 else None

    def _at_this_price(self, wanted: Guard, last: Price, protection: Protection | None, market: Instrument) -> Guard:
        """What of it can be placed now: the exchange refuses a stop, or a target, that the price has reached."""
        if last <= wanted.stop:
            level = wanted.stop if protection is None else protection.stop
            raise StopReached(f"{market.symbol} is at {last:f}, the stop at {level:f} is reached: sold at market")
        target = wanted.target if wanted.target is not None and wanted.target > last else None
        return Guard(wanted.quantity, wanted.stop, target)

    def _place(self, symbol: str, wanted: Guard, market: Instrument) -> None:
        if refusal := _refusal(wanted, market):
            self._alert(Severity.WARNING, symbol, f"no stop rests at {self.exchange} for {symbol}: {refusal}")
            return
        limit = None
        if not market.stops.at_market:
            limit = stop_limit(wanted.stop, STOP_LIMIT_OFFSET, market)
        total, _ = self.desk.base_balance(symbol)
        stop = self._order(symbol, wanted, STOP_ORDER if limit is None else STOP_LIMIT_ORDER, limit, total)
        stop.stop_price = wanted.stop
        legs = [stop]
        if wanted.target is not None:
            legs.append(self._order(symbol, wanted, TARGET_ORDER, wanted.target, total))
            stop.list_id = legs[1].list_id = f"{stop.id}{LIST}"
        ticket = GuardTicket(
            symbol=symbol,
            quantity=wanted.quantity,
            stop_id=stop.id,
            stop=wanted.stop,
            stop_limit=limit,
            list_id=stop.list_id,
            target_id=legs[1].id if len(legs) > 1 else None,
            target=wanted.target,
        )
        self.orders.add_all(legs, OrderEvent.SUBMIT)
        try:
            self.desk.send_guard(ticket, legs)
        except StopReached:
            raise
        except OrderRejected as refusal:
            self._alert(
                Severity.CRITICAL,
                symbol,
                f"{self.exchange} refused the stop of {symbol}, only the bot's own is armed: {refusal}",
            )
            raise
        logger.info("Protection of %s: %s", symbol, wanted)

    def _order(self, symbol: str, wanted: Guard, kind: str, price: Price | None, total: Decimal) -> Order:
        identity = self.desk.new_id()
        return Order(
            id=identity,
            symbol=symbol,
            side=OrderSide.SELL,
            order_type=kind,
            quantity=wanted.quantity,
            price=price,
            filled=ZERO,
            average=None,
            fee=ZERO,
            status=OrderStatus.CREATED.value,
            timestamp=datetime.fromtimestamp(self.desk.now_ms() / 1_000, UTC),
            exchange=self.exchange,
            base_before=total,
            purpose=Purpose.PROTECTION.value,
            first_id=identity,
            attempt=1,
        )

    def _tell_abilities(self, market: Instrument) -> None:
        """Once for each market, when its stops cannot rest there."""
        if market.stops.any or market.symbol in self._told:
            return
        self._told.add(market.symbol)
        text = f"stops of {market.symbol} cannot rest at {self.exchange}: they work only while the bot runs"
        self._alert(Severity.INFO, market.symbol, text)
        logger.warning("Weaker promise: %s", text)

    def _alert(self, severity: Severity, symbol: str, text: str) -> None:
        moment = datetime.fromtimestamp(self.desk.now_ms() / 1_000, UTC)
        if self.alerts.add(severity, text, symbol, moment):
            logger.warning("Protection: %s", text)


def taken_exit(order: Order) -> TakenExit:
    """What a protective order did."""
    price = Price(order.average if order.average is not None else order.price or ZERO)
    is_stop = order.order_type != TARGET_ORDER
    return TakenExit(order.id, is_stop, Quantity(order.filled), price, order.timestamp)


def _leg(order: Order) -> Leg:
    return Leg(
        status=OrderStatus(order.status),
        quantity=Quantity(MONEY.subtract(order.quantity, order.filled)),
        stop=None if order.stop_price is None else Price(order.stop_price),
        limit=None if order.price is None else Price(order.price),
        is_leaving=order.follow_up is not None,
    )


def _refusal(wanted: Guard, market: Instrument) -> str | None:
    """Why the market would refuse it, as far as its filters tell."""
    if market.status != "TRADING":
        return f"the market is {market.status}"
    return market.refusal(wanted.quantity, wanted.stop)
