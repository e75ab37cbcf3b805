"""Trades and the holdings that they add up to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.database import remembered, unit_of_work
from app.core.enums import OrderSide
from app.domain.instrument import base_of, quote_of
from app.domain.position import Position
from app.domain.reports import FillReport
from app.domain.values import MONEY, Money, Quantity, exact
from app.models.sql import Adjustment, Holding, Trade
from app.repositories.risk_repository import book_day

CLOCKS_DIFFER: Final = timedelta(minutes=1)


class TradeRepository:
    """All trades. Each `create` is durable when it returns, together with the holding that it changes."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def create(
        self,
        symbol: str,
        side: OrderSide | str,
        price: Decimal | float | str,
        quantity: Decimal | float | str,
        pnl: Decimal | float | str | None,
        timestamp: datetime,
        *,
        fee: Decimal | float | str = 0,
        order_id: str | None = None,
    ) -> Trade:
        """Book a trade.

        Args:
            symbol: The market, `BTC/USDT`.
            side: Buy or sell.
            price: Quote per base, more than zero.
            quantity: Base units, more than zero.
            pnl: Realised profit in quote units; None for a sale means profit on average cost after fees.
            timestamp: When it happened; a naive time is UTC.
            fee: Quote units.
            order_id: The order that it belongs to.

        Raises:
            ValueError: a number is not finite, or price or quantity is not positive.
        """
        return self._book(
            Trade(
                symbol=symbol,
                side=OrderSide(side),
                price=_positive("price", price),
                quantity=_positive("quantity", quantity),
                fee=exact(fee),
                fee_asset=quote_of(symbol),
                pnl=None if pnl is None else exact(pnl),
                order_id=order_id,
                timestamp=timestamp,
            )
        )

    def book(self, fill: FillReport, exchange: str, order_id: str) -> bool:
        """Book a fill that an exchange reported, once: whether it was new.

        The fee counts in the asset in which it was taken: base units that never arrived, quote units that left; a fee
        in a third asset touches neither.
        """
        known = select(Trade.id).where(
            Trade.exchange == exchange, Trade.symbol == fill.symbol, Trade.trade_id == fill.trade_id
        )
        with unit_of_work(self.session):
            if self.session.scalar(known) is not None:
                return False
            self._book(
                Trade(
                    symbol=fill.symbol,
                    side=OrderSide(fill.side),
                    price=fill.price,
                    quantity=fill.quantity,
                    fee=fill.fee,
                    fee_asset=fill.fee_asset,
                    order_id=order_id,
                    exchange=exchange,
                    trade_id=fill.trade_id,
                    timestamp=datetime.fromtimestamp(fill.time_ms / 1_000, UTC),
                )
            )
        return True

    def of_order(self, order_id: str) -> Sequence[Trade]:
        """The trades of an order, in the order in which they were booked."""
        with unit_of_work(self.session):
            return self.session.scalars(select(Trade).where(Trade.order_id == order_id).order_by(Trade.id)).all()

    def booked_of(self, order_id: str) -> Quantity:
        """Base units that the booked trades of an order add up to."""
        return Quantity(reduce(MONEY.add, (trade.quantity for trade in self.of_order(order_id)), Decimal(0)))

    def moved_since(self, symbol: str, order_id: str, timestamp: datetime, *, with_it: bool = False) -> Decimal:
        """By how many base units the trades of the orders that were written down after an order changed the account.

        Args:
            symbol: The market.
            order_id: The order; ids end with a number that only grows.
            timestamp: When it was written down.
            with_it: Count its own trades, too.
        """
        number = order_id.rpartition("-")[2]
        query = select(Trade).where(
            Trade.symbol == symbol, Trade.timestamp >= timestamp - CLOCKS_DIFFER, Trade.order_id.is_not(None)
        )
        with unit_of_work(self.session):
            trades = self.session.scalars(query).all()
        later = (trade for trade in trades if _number(trade) > number or (with_it and trade.order_id == order_id))
        return reduce(MONEY.add, (_change_of(trade) for trade in later), Decimal(0))

    def write_off(self, symbol: str, quantity: Quantity, reason: str, timestamp: datetime) -> None:
        """Shrink a position by base units that left it without a trade of ours; their cost is a loss."""
        with unit_of_work(self.session):
            after, loss = self._position(symbol).sold(quantity, Money(Decimal(0)))
            self.session.add(Adjustment(symbol=symbol, quantity=quantity, reason=reason, timestamp=timestamp))
            self._keep(symbol, after)
            book_day(self.session, timestamp, quote_of(symbol), realized=loss, fee=Decimal(0))
            self.session.flush()

    def get_by_symbol(self, symbol: str, limit: int | None = None) -> Sequence[Trade]:
        """The symbol's trades, newest first."""
        query = select(Trade).where(Trade.symbol == symbol).order_by(Trade.timestamp.desc(), Trade.id.desc())
        with unit_of_work(self.session):
            return self.session.scalars(query.limit(limit)).all()

    def position(self, symbol: str) -> Position:
        """What the symbol's trades add up to; the cost of asking does not grow with their number."""
        return remembered(self.session, ("position", symbol), lambda: self._position(symbol))

    def holdings(self) -> dict[str, Quantity]:
        """Base units held of every symbol of which any are, in the order of their names."""
        with unit_of_work(self.session):
            symbols = self.session.scalars(select(Holding.symbol).order_by(Holding.symbol)).all()
            held = {symbol: self._position(symbol).quantity for symbol in symbols}
        return {symbol: quantity for symbol, quantity in held.items() if quantity != 0}

    def count(self, symbol: str) -> int:
        """How many trades the symbol has."""
        with unit_of_work(self.session):
            return self.session.scalar(select(func.count()).where(Trade.symbol == symbol)) or 0

    def restore(self, symbol: str, position: Position) -> None:
        """Begin with a position that other trades added up to: of a ledger in memory, never of the real one."""
        with unit_of_work(self.session):
            self._keep(symbol, position)
            self.session.flush()

    def _book(self, trade: Trade) -> Trade:
        """Add a trade and what it does to the holding."""
        base_fee = trade.fee if trade.fee_asset == base_of(trade.symbol) else Decimal(0)
        quote_fee = trade.fee if trade.fee_asset == quote_of(trade.symbol) else Decimal(0)
        notional = MONEY.multiply(trade.quantity, trade.price)
        with unit_of_work(self.session):
            before = self._position(trade.symbol)
            if trade.side is OrderSide.BUY:
                received = Quantity(MONEY.subtract(trade.quantity, base_fee))
                after = before.bought(received, Money(MONEY.add(notional, quote_fee)))
            else:
                given = Quantity(MONEY.add(trade.quantity, base_fee))
                after, profit = before.sold(given, Money(MONEY.subtract(notional, quote_fee)))
                trade.pnl = profit if trade.pnl is None else trade.pnl
                after = replace(after, realized=Money(MONEY.add(before.realized, trade.pnl)))
            self.session.add(trade)
            self._keep(trade.symbol, after)
            self._book_day(trade, MONEY.add(quote_fee, MONEY.multiply(base_fee, trade.price)))
            self.session.flush()
        return trade

    def _book_day(self, trade: Trade, fee: Decimal) -> None:
        """Add the trade to its day: its fee in quote units, or in the third asset in which it was taken."""
        quote = quote_of(trade.symbol)
        book_day(self.session, trade.timestamp, quote, trades=1, realized=trade.pnl, fee=fee)
        if trade.fee and trade.fee_asset not in (None, quote, base_of(trade.symbol)):
            book_day(self.session, trade.timestamp, str(trade.fee_asset), fee=trade.fee)

    def _position(self, symbol: str) -> Position:
        row = self.session.get(Holding, symbol)
        if row is None:
            return Position()
        return Position(Quantity(row.total_buys), Quantity(row.total_sells), Money(row.cost), Money(row.realized))

    def _keep(self, symbol: str, position: Position) -> None:
        self.session.merge(
            Holding(
                symbol=symbol,
                total_buys=position.total_buys,
                total_sells=position.total_sells,
                cost=position.cost,
                realized=position.realized,
            )
        )


def _number(trade: Trade) -> str:
    return (trade.order_id or "").rpartition("-")[2]


def _change_of(trade: Trade) -> Decimal:
    fee = trade.fee if trade.fee_asset == base_of(trade.symbol) else Decimal(0)
    signed = trade.quantity if trade.side is OrderSide.BUY else MONEY.minus(trade.quantity)
    return MONEY.subtract(signed, fee)


def _positive(name: str, value: Decimal | float | str) -> Decimal:
    number = exact(value)
    if number <= 0:
        raise ValueError(f"{name} of a trade is {number}: it must be more than zero")
    return number
