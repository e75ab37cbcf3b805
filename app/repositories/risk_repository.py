"""What risk remembers: open positions with their levels, the account's standing, equity per candle."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.domain.instrument import quote_of
from app.domain.values import MONEY, Quantity, exact
from app.models.risk import DayResult, EquitySnapshot, RiskAccount, RiskPosition
from app.models.sql import Holding, Order
from app.risk.exits import Held
from app.risk.limits import Standing
from app.risk.position import Leaving, OpenPosition
from app.risk.sizing import TrackRecord


class RiskRepository:
    """Positions by symbol, accounts by quote asset."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is kept inside becomes durable together."""
        with unit_of_work(self.session):
            yield

    def position(self, symbol: str) -> OpenPosition | None:
        """The open position as it was kept last."""
        with unit_of_work(self.session):
            row = self.session.get(RiskPosition, symbol)
        if row is None:
            return None
        held = Held(*(getattr(row, name) for name in Held._fields))
        return OpenPosition(
            Quantity(row.quantity),
            Quantity(row.opening),
            row.paid,
            row.realized_before,
            row.entries,
            Leaving(row.leaving),
            held,
        )

    def keep_position(self, symbol: str, position: OpenPosition | None) -> None:
        """Write a position down, or that there is none."""
        with unit_of_work(self.session):
            row = self.session.get(RiskPosition, symbol)
            if position is None:
                if row is not None:
                    self.session.delete(row)
            else:
                if row is None:
                    row = RiskPosition(symbol=symbol)
                    self.session.add(row)
                for name in ("quantity", "opening", "paid", "realized_before", "entries"):
                    setattr(row, name, getattr(position, name))
                row.leaving = int(position.leaving)
                for name, value in position.held._asdict().items():
                    setattr(row, name, value)

    def is_any_other_held(self, symbol: str, asset: str) -> bool:
        """Whether a position in another symbol is open that is paid for in `asset`."""
        with unit_of_work(self.session):
            held = self.session.scalars(select(RiskPosition.symbol).where(RiskPosition.symbol != symbol))
            return any(quote_of(other) == asset for other in held)

    def account(self, asset: str) -> tuple[Decimal, Standing, TrackRecord] | None:
        """The account's base, standing and record; None before its first candle."""
        with unit_of_work(self.session):
            row = self.session.get(RiskAccount, asset)
        if row is None:
            return None
        standing = Standing(*(getattr(row, name) for name in Standing._fields))
        return row.base, standing, TrackRecord(*(getattr(row, name) for name in TrackRecord._fields))

    def keep_account(self, asset: str, base: Decimal, standing: Standing, record: TrackRecord) -> None:
        """Write down what the limits remember."""
        with unit_of_work(self.session):
            row = self.session.get(RiskAccount, asset)
            if row is None:
                row = RiskAccount(asset=asset)
                self.session.add(row)
            row.base = base
            for name, value in {**standing._asdict(), **record._asdict()}.items():
                setattr(row, name, value)

    def add_snapshot(self, snapshot: EquitySnapshot) -> None:
        """Write down what the account was worth at a close."""
        with unit_of_work(self.session):
            self.session.add(snapshot)

    def newest_snapshot(self, symbol: str) -> EquitySnapshot | None:
        """The symbol's newest close."""
        query = select(EquitySnapshot).where(EquitySnapshot.symbol == symbol)
        with unit_of_work(self.session):
            return self.session.scalars(query.order_by(EquitySnapshot.id.desc()).limit(1)).first()

    def snapshots(self, symbol: str, limit: int) -> list[EquitySnapshot]:
        """The newest closes of a symbol, newest first."""
        query = select(EquitySnapshot).where(EquitySnapshot.symbol == symbol)
        with unit_of_work(self.session):
            return list(self.session.scalars(query.order_by(EquitySnapshot.id.desc()).limit(limit)))

    def profits(self, asset: str) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
        """Base units held, their cost and the realised profit of every symbol that is paid for in `asset`."""
        with unit_of_work(self.session):
            return {
                row.symbol: (MONEY.subtract(row.total_buys, row.total_sells), row.cost, row.realized)
                for row in self.session.scalars(select(Holding))
                if quote_of(row.symbol) == asset
            }

    def orders_since(self, at_ms: int) -> int:
        """How many orders of all symbols are younger than a moment (ms UTC)."""
        moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
        with unit_of_work(self.session):
            return self.session.scalar(select(func.count()).where(Order.timestamp > moment)) or 0

    def day(self, day: datetime, asset: str) -> DayResult | None:
        """What a UTC day came to."""
        with unit_of_work(self.session):
            return self.session.get(DayResult, (start_of_day(day), asset))


def start_of_day(moment: datetime) -> datetime:
    """Midnight UTC before it; a naive time is UTC."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.replace(hour=0, minute=0, second=0, microsecond=0)


def book_day(
    session: Session, moment: datetime, asset: str, *, trades: int = 0, realized: Decimal | None = None, fee: Decimal
) -> None:
    """Add a trade to its day; called inside the unit of work that books the trade."""
    key = (start_of_day(moment), asset)
    row = session.get(DayResult, key)
    if row is None:
        row = DayResult(day=key[0], asset=asset, trades=0, realized=exact(0), fees=exact(0), funding=exact(0))
        session.add(row)
    row.trades += trades
    row.realized = MONEY.add(row.realized, realized or exact(0))
    row.fees = MONEY.add(row.fees, fee)
