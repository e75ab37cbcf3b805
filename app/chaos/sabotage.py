"""Mistakes that other bots make, to be built into this one: a suite that cannot fail would show nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from app.domain.errors import OutcomeUnknown
from app.domain.order import OrderEvent, OrderStatus
from app.domain.reports import FillReport, OrderReport, OrderTicket
from app.domain.values import Money
from app.execution.ccxt_exchange import CcxtExchange
from app.execution.guarding import Guarding
from app.execution.live_executor import LiveExecutor
from app.execution.reconcile import Reconciler
from app.models.sql import Order
from app.repositories import OrderRepository, TradeRepository

Placed = tuple[OrderReport, Sequence[FillReport]]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A mistake.

    Attributes:
        text: What the bot does then.
        fault: Name of the fault under which it must show, `none` if it must always show.
        build_in: Puts it into this process.
    """

    text: str
    fault: str
    build_in: Callable[[], None]


def _retry_post() -> None:
    place = CcxtExchange.place

    def stubborn(exchange: CcxtExchange, ticket: OrderTicket) -> Placed:
        for _ in range(2):
            try:
                return place(exchange, ticket)
            except OutcomeUnknown:
                continue
        return place(exchange, ticket)

    _replace(CcxtExchange, "place", stubborn)


def _send_before_writing() -> None:
    write, place = OrderRepository.add, CcxtExchange.place
    unwritten: list[tuple[OrderRepository, Order]] = []

    def later(orders: OrderRepository, order: Order) -> Order:
        order.status = OrderStatus.SUBMITTED.value
        unwritten.append((orders, order))
        return order

    def early(exchange: CcxtExchange, ticket: OrderTicket) -> Placed:
        try:
            return place(exchange, ticket)
        finally:
            for orders, order in unwritten:
                write(orders, order)
            unwritten.clear()

    _replace(OrderRepository, "book_as_sent", later)
    _replace(CcxtExchange, "place", early)


def _forget_doubt() -> None:
    apply = OrderRepository.apply

    def careless(orders: OrderRepository, order: Order, event: OrderEvent, **more: Any) -> None:  # noqa: ANN401
        apply(orders, order, OrderEvent.REJECT if event is OrderEvent.DOUBT else event, **more)

    _replace(OrderRepository, "apply", careless)
    _replace(Reconciler, "settle", lambda *_: True)


def _forget_fees() -> None:
    book = TradeRepository.book

    def careless(trades: TradeRepository, fill: FillReport, exchange: str, order_id: str) -> bool:
        free = FillReport(
            fill.trade_id, fill.exchange_id, fill.symbol, fill.side, fill.price, fill.quantity,
            fee=Money(Decimal(0)), fee_asset=fill.fee_asset, time_ms=fill.time_ms,
        )  # fmt: skip
        return book(trades, free, exchange, order_id)

    _replace(TradeRepository, "book", careless)


def _sell_all_there_is() -> None:
    affordable = LiveExecutor._affordable  # noqa: SLF001  # a mistake has to be made inside

    def greedy(executor: LiveExecutor, instrument: Any, side: Any, *more: Any) -> tuple[Decimal, Any]:  # noqa: ANN401
        total, quantity = affordable(executor, instrument, side, *more)
        return total, quantity if side == "buy" else instrument.quantity(total)

    _replace(LiveExecutor, "_affordable", greedy)


def _protect_nothing() -> None:
    _replace(LiveExecutor, "protect", lambda *_: None)


def _wait_with_exits() -> None:
    _replace(Guarding, "is_all_in_doubt", lambda *_: False)


SABOTAGES: Final = {
    "retry-post": Sabotage("sends an order again when its answer is lost", "answer lost", _retry_post),
    "send-first": Sabotage("sends an order before it is written down", "none", _send_before_writing),
    "forget-doubt": Sabotage("takes an order without an answer for refused", "answer lost", _forget_doubt),
    "forget-fees": Sabotage("books fills without their fees", "none", _forget_fees),
    "frozen-stop": Sabotage("sells nothing while its protection is in doubt", "protection lost", _wait_with_exits),
    "no-stop": Sabotage("leaves its stops with itself alone", "none, stop and target", _protect_nothing),
    "sell-all": Sabotage("sells all coins of the account", "none", _sell_all_there_is),
}


def _replace(kind: type, name: str, mistake: Callable[..., Any]) -> None:
    """Replace a method; fails when there is none of that name, so that no sabotage is forgotten."""
    getattr(kind, name)
    setattr(kind, name, mistake)
