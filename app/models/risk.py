"""The tables of risk: what is held under which levels, what the limits remember, what days and candles came to."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Double, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.models.types import ExactDecimal, UtcDateTime


class RiskPosition(Base):
    """An open position as the exits know it (`app.risk.exits.Held`); its row ends with the position.

    `quantity` is what the ledger held when the row was written: where they differ, the ledger is right. `leaving` says
    which exit was under way, so that a process that died in it knows what closed the position.
    """

    __tablename__ = "risk_positions"

    symbol: Mapped[str] = mapped_column(String(40), primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(ExactDecimal)
    opening: Mapped[Decimal] = mapped_column(ExactDecimal)
    paid: Mapped[Decimal] = mapped_column(ExactDecimal)
    realized_before: Mapped[Decimal] = mapped_column(ExactDecimal)
    entries: Mapped[int]
    leaving: Mapped[int]
    side: Mapped[int]
    entry: Mapped[float] = mapped_column(Double)
    stop: Mapped[float] = mapped_column(Double)
    stop_kind: Mapped[int]
    best: Mapped[float] = mapped_column(Double)
    atr: Mapped[float] = mapped_column(Double)
    stage: Mapped[int]
    candles: Mapped[int]


class RiskAccount(Base):
    """What the limits remember of the account in one quote asset (`Standing`, `TrackRecord`).

    `base` is the equity with which it began: equity is base plus realised plus unrealised profit.
    """

    __tablename__ = "risk_accounts"

    asset: Mapped[str] = mapped_column(String(20), primary_key=True)
    base: Mapped[Decimal] = mapped_column(ExactDecimal)
    state: Mapped[int]
    cause: Mapped[int]
    high_water: Mapped[float] = mapped_column(Double)
    equity: Mapped[float] = mapped_column(Double)
    day: Mapped[int]
    day_start: Mapped[float] = mapped_column(Double)
    losses: Mapped[int]
    wait: Mapped[int]
    closed: Mapped[int]
    weight: Mapped[float] = mapped_column(Double)
    wins: Mapped[float] = mapped_column(Double)
    gained: Mapped[float] = mapped_column(Double)
    lost: Mapped[float] = mapped_column(Double)


class EquitySnapshot(Base):
    """The account at the close of a candle. The newest one of a symbol is also how far its candles were looked at."""

    __tablename__ = "equity"
    __table_args__ = (Index("ix_equity_symbol_id", "symbol", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(String(40))
    asset: Mapped[str] = mapped_column(String(20))
    close_ms: Mapped[int] = mapped_column(BigInteger)
    close: Mapped[float] = mapped_column(Double)
    held: Mapped[Decimal] = mapped_column(ExactDecimal)
    equity: Mapped[Decimal] = mapped_column(ExactDecimal)
    realized: Mapped[Decimal] = mapped_column(ExactDecimal)
    unrealized: Mapped[Decimal] = mapped_column(ExactDecimal)


class DayResult(Base):
    """What a UTC day's trades came to, in one asset: kept in the same unit of work as each trade.

    Fees are in `asset`: what was taken in base units is counted in quote units at the trade's price, a fee in a third
    asset has a row of its own.
    """

    __tablename__ = "days"

    day: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    asset: Mapped[str] = mapped_column(String(20), primary_key=True)
    trades: Mapped[int]
    realized: Mapped[Decimal] = mapped_column(ExactDecimal)
    fees: Mapped[Decimal] = mapped_column(ExactDecimal)
    funding: Mapped[Decimal] = mapped_column(ExactDecimal)
