"""Trades and the holdings that they add up to."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.core.enums import OrderSide
from app.domain.position import Position
from app.domain.values import Money, Price, Quantity, exact
from app.models.sql import Holding, Trade


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
        amounts = {"price": exact(price), "quantity": exact(quantity)}
        for name, value in amounts.items():
            if value <= 0:
                raise ValueError(f"{name} of a trade is {value}: it must be more than zero")
        fill = (Quantity(amounts["quantity"]), Price(amounts["price"]), Money(exact(fee)))
        with unit_of_work(self.session):
            before = self._position(symbol)
            if OrderSide(side) is OrderSide.BUY:
                after, profit = before.bought(*fill), None
            else:
                after, profit = before.sold(*fill)
            trade = Trade(
                symbol=symbol,
                side=OrderSide(side),
                price=fill[1],
                quantity=fill[0],
                fee=fill[2],
                pnl=profit if pnl is None else exact(pnl),
                order_id=order_id,
                timestamp=timestamp,
            )
            self.session.add(trade)
            self._keep(symbol, after)
            self.session.flush()
        return trade

    def get_by_symbol(self, symbol: str, limit: int | None = None) -> Sequence[Trade]:
        """The symbol's trades, newest first."""
        query = select(Trade).where(Trade.symbol == symbol).order_by(Trade.timestamp.desc(), Trade.id.desc())
        with unit_of_work(self.session):
            return self.session.scalars(query.limit(limit)).all()

    def position(self, symbol: str) -> Position:
        """What the symbol's trades add up to; the cost of asking does not grow with their number."""
        with unit_of_work(self.session):
            return self._position(symbol)

    def count(self, symbol: str) -> int:
        """How many trades the symbol has."""
        with unit_of_work(self.session):
            return self.session.scalar(select(func.count()).where(Trade.symbol == symbol)) or 0

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
