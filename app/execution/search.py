"""Looks for an order of ours at the exchange, with every question that the exchange answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.reports import FillReport, OrderReport
from app.execution.order_exchange import OrderExchange
from app.models.sql import Order
from app.repositories import OrderRepository

LOOK_BACK_MS: Final = 60_000  # before an order's creation: clocks differ


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """Finds what the exchange knows of an order.

    Attributes:
        exchange: The account.
        orders: Our orders.
    """

    exchange: OrderExchange
    orders: OrderRepository

    def find(self, order: Order, created_ms: int) -> OrderReport | None:
        """Ask by id, then look through every list: sources lag differently.

        None is evidence, no proof: nobody knows it, or not yet.
        """
        abilities = self.exchange.abilities
        by_id = abilities.finds if order.exchange_id is not None else abilities.finds_by_own_id
        if by_id and (report := self.exchange.find(order.symbol, order.id, order.exchange_id)) is not None:
            return report
        alike: dict[str, OrderReport] = {}
        for report in self._listed(order.symbol, created_ms - LOOK_BACK_MS):
            if report.client_id == order.id or (order.exchange_id and report.exchange_id == order.exchange_id):
                return report
            if self._could_be(report, order, created_ms):
                alike[report.exchange_id] = report
        if (report := self._by_trade(order, created_ms)) is not None:
            return report
        return next(iter(alike.values())) if len(alike) == 1 else None

    def _listed(self, symbol: str, since_ms: int) -> Iterator[OrderReport]:
        if self.exchange.abilities.lists_open:
            yield from self.exchange.open_orders(symbol)
        if self.exchange.abilities.lists_orders:
            yield from self.exchange.orders_since(symbol, since_ms)

    def _could_be(self, report: OrderReport, order: Order, created_ms: int) -> bool:
        """Without any id in common: the same side, quantity and time, and nobody else's. One is in flight at a time."""
        return (
            not self.exchange.abilities.finds_by_own_id
            and order.exchange_id is None
            and report.client_id is None
            and report.side == order.side.value
            and report.quantity == order.quantity
            and report.created_ms >= created_ms - LOOK_BACK_MS
            and not self._is_known(order.symbol, report.exchange_id)
        )

    def _by_trade(self, order: Order, created_ms: int) -> OrderReport | None:
        """Perhaps only its trade is visible: ask for the order of every trade that is not ours yet."""
        abilities = self.exchange.abilities
        if order.exchange_id is not None or not (abilities.lists_fills and abilities.finds):
            return None
        fills = self.exchange.fills_since(order.symbol, created_ms - LOOK_BACK_MS)
        reports = [self.exchange.find(order.symbol, order.id, exchange_id) for exchange_id in self._strangers(fills)]
        there = [report for report in reports if report is not None]
        for report in there:
            if report.client_id == order.id:
                return report
        alike = [report for report in there if self._could_be(report, order, created_ms)]
        return alike[0] if len(alike) == 1 else None

    def _strangers(self, fills: Sequence[FillReport]) -> list[str]:
        """The exchange's ids of orders that are not in the ledger."""
        ids = dict.fromkeys(fill.exchange_id for fill in fills)
        return [exchange_id for exchange_id in ids if not self._is_known(fills[0].symbol, exchange_id)]

    def _is_known(self, symbol: str, exchange_id: str) -> bool:
        return self.orders.by_exchange_id(self.exchange.name, symbol, exchange_id) is not None
