"""Both truths side by side: what the ledger says and what the exchange says. Changes neither."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from app.domain.instrument import base_of, quote_of
from app.domain.order import IllegalTransitionError, OrderEvent, OrderStatus, after
from app.domain.reports import Balance, OrderReport
from app.domain.values import MONEY
from app.execution.order_exchange import OrderExchange
from app.models.sql import Order
from app.repositories import OrderRepository, TradeRepository

WINDOW_MS = 23 * 3_600_000  # exchanges list a day at most
MARGIN_MS = 300_000  # at the beginning of the window, where one side may just have forgotten
NOTHING = Balance(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Row:
    """One fact, twice; None where a side does not know it."""

    what: str
    ledger: str | None
    exchange: str | None
    agrees: bool


@dataclass(slots=True)
class Comparison:
    """The last day of one symbol, and what is held now.

    Attributes:
        symbol: The market.
        exchange: Its name.
        orders: Our orders: state and filled quantity.
        fills: Trades of our orders, by trade id.
        position: What our trades add up to, beside the account's balance: coins beyond the position are not the bot's.
        balances: Of base and quote: free and locked.
        others: Resting orders of the account that are not ours.
    """

    symbol: str
    exchange: str
    orders: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    position: Row | None = None
    balances: dict[str, Balance] = field(default_factory=dict)
    others: int = 0

    @property
    def differences(self) -> list[Row]:
        """Where the two do not agree."""
        rows = [*self.orders, *self.fills, *([self.position] if self.position else [])]
        return [row for row in rows if not row.agrees]


def compare(
    exchange: OrderExchange, orders: OrderRepository, trades: TradeRepository, symbol: str, prefix: str | None
) -> Comparison:
    """Read both sides.

    Args:
        exchange: The account.
        orders: The ledger's orders.
        trades: The ledger's trades.
        symbol: The market.
        prefix: What our client ids begin with; None when the ledger never traded live.

    Raises:
        DataError: the exchange did not answer.
    """
    since_ms = exchange.now_ms() - WINDOW_MS
    written = {order.id: order for order in _recent(orders, symbol, since_ms)}
    resting = (
        {report.exchange_id for report in exchange.open_orders(symbol)} if exchange.abilities.lists_open else set()
    )
    reports = {report.exchange_id: report for report in _reports(exchange, symbol, since_ms, list(written.values()))}
    ours = {
        str(report.client_id): report
        for report in reports.values()
        if prefix is not None and (report.client_id or "").startswith(f"{prefix}-")
    }
    result = Comparison(symbol, exchange.name)
    result.others = len(resting - {report.exchange_id for report in ours.values()})
    for client_id in sorted({*ours, *written}):
        result.orders.append(_order_row(client_id, written.get(client_id), ours.get(client_id)))
    result.fills = _fill_rows(exchange, trades, orders, symbol, since_ms, {one.exchange_id for one in ours.values()})
    account = exchange.balances()
    result.balances = {asset: account.get(asset, NOTHING) for asset in (base_of(symbol), quote_of(symbol))}
    held, has = trades.position(symbol).quantity, result.balances[base_of(symbol)].total
    result.position = Row("position", f"{held:f}", f"{has:f}", agrees=held <= has)
    return result


def _reports(exchange: OrderExchange, symbol: str, since_ms: int, written: list[Order]) -> list[OrderReport]:
    """From the exchange's lists; where it has none, by asking for each order that we know."""
    if exchange.abilities.lists_orders:
        rest = exchange.open_orders(symbol) if exchange.abilities.lists_open else ()
        return [*rest, *exchange.orders_since(symbol, since_ms)]
    asked = [exchange.find(symbol, order.id, order.exchange_id) for order in written if order.exchange_id]
    return [report for report in asked if report is not None]


def _recent(orders: OrderRepository, symbol: str, since_ms: int) -> list[Order]:
    """Orders of the window, and older ones that are not over."""
    begin = datetime.fromtimestamp((since_ms + MARGIN_MS) / 1_000, UTC)
    young = [order for order in orders.by_symbol(symbol, limit=2_000) if order.timestamp >= begin]
    return [*young, *orders.unresolved(symbol), *orders.resting(symbol)]


def _order_row(client_id: str, order: Order | None, report: OrderReport | None) -> Row:
    ledger = None if order is None else f"{order.status} {MONEY.normalize(order.filled):f}"
    exchange = None if report is None else f"{_state(report.event)} {MONEY.normalize(report.filled):f}"
    return Row(f"order {client_id}", ledger, exchange, agrees=_is_same(order, report))


def _is_same(order: Order | None, report: OrderReport | None) -> bool:
    if order is None:
        return False
    status = OrderStatus(order.status)
    if report is None:
        return status is OrderStatus.REJECTED
    try:
        return order.filled == report.filled and after(status, report.event) is status
    except IllegalTransitionError:
        return False


def _state(event: OrderEvent) -> str:
    return after(OrderStatus.SUBMITTED, event).value


def _fill_rows(
    exchange: OrderExchange,
    trades: TradeRepository,
    orders: OrderRepository,
    symbol: str,
    since_ms: int,
    ours: set[str],
) -> list[Row]:
    if not exchange.abilities.lists_fills:
        return []
    told = {
        fill.trade_id: f"{fill.side} {MONEY.normalize(fill.quantity):f} at {MONEY.normalize(fill.price):f}"
        for fill in exchange.fills_since(symbol, since_ms)
        if fill.exchange_id in ours or orders.by_exchange_id(exchange.name, symbol, fill.exchange_id) is not None
    }
    begin = datetime.fromtimestamp((since_ms + MARGIN_MS) / 1_000, UTC)
    booked = {
        str(trade.trade_id): f"{trade.side} {MONEY.normalize(trade.quantity):f} at {MONEY.normalize(trade.price):f}"
        for trade in trades.get_by_symbol(symbol, limit=5_000)
        if trade.trade_id is not None and (trade.timestamp >= begin or trade.trade_id in told)
    }
    return [
        Row(f"trade {key}", booked.get(key), told.get(key), agrees=booked.get(key) == told.get(key))
        for key in sorted({*told, *booked}, key=lambda key: (len(key), key))
    ]
