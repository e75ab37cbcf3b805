"""The tables. Facts are only ever added; the running sums beside them are kept in the same unit of work."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.enums import OrderSide
from app.models.types import ExactDecimal, Side, UtcDateTime


class Trade(Base):
    """A purchase or sale that happened."""

    __tablename__ = "trades"
    __table_args__ = (
        Index("ix_trades_symbol_timestamp", "symbol", "timestamp", "id"),
        Index("ux_trades_exchange_trade", "exchange", "symbol", "trade_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(String(40))
    side: Mapped[OrderSide] = mapped_column(Side)
    price: Mapped[Decimal] = mapped_column(ExactDecimal)
    quantity: Mapped[Decimal] = mapped_column(ExactDecimal)
    fee: Mapped[Decimal] = mapped_column(ExactDecimal)
    fee_asset: Mapped[str | None] = mapped_column(String(20))
    exchange: Mapped[str | None] = mapped_column(String(40))
    trade_id: Mapped[str | None] = mapped_column(String(40))
    pnl: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"))
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)


class Holding(Base):
    """The running sum of a symbol's trades, kept so that reading a position does not grow with history."""

    __tablename__ = "holdings"

    symbol: Mapped[str] = mapped_column(String(40), primary_key=True)
    total_buys: Mapped[Decimal] = mapped_column(ExactDecimal)
    total_sells: Mapped[Decimal] = mapped_column(ExactDecimal)
    cost: Mapped[Decimal] = mapped_column(ExactDecimal)
    realized: Mapped[Decimal] = mapped_column(ExactDecimal)


class Order(Base):
    """An order: written down before it is sent, and what became of it. Its id is the client order id.

    `purpose`, `candle_time` and `reason` are the decision behind it. An order that replaces another carries the id of
    the first of its kind in `first_id`, and counts up `attempt`. `follow_up` says what comes next once it is over.
    `stop_price` is set on stops; `list_id` is our id of the list of orders that it belongs to, if it does.
    """

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_newest", "symbol", "timestamp", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    symbol: Mapped[str] = mapped_column(String(40))
    side: Mapped[OrderSide] = mapped_column(Side)
    order_type: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[Decimal] = mapped_column(ExactDecimal)
    price: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    filled: Mapped[Decimal] = mapped_column(ExactDecimal)
    average: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    fee: Mapped[Decimal] = mapped_column(ExactDecimal)
    status: Mapped[str] = mapped_column(String(20), index=True)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    exchange: Mapped[str | None] = mapped_column(String(40))
    exchange_id: Mapped[str | None] = mapped_column(String(40), index=True)
    base_before: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    note: Mapped[str | None] = mapped_column(Text)
    purpose: Mapped[str | None] = mapped_column(String(10))
    candle_time: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(Text)
    first_id: Mapped[str | None] = mapped_column(String(40), index=True)
    attempt: Mapped[int | None]
    follow_up: Mapped[str | None] = mapped_column(String(10))
    stop_price: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    list_id: Mapped[str | None] = mapped_column(String(40))


class Adjustment(Base):
    """Base units that left a position without a trade of ours, and why."""

    __tablename__ = "adjustments"

    id: Mapped[int] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(String(40), index=True)
    quantity: Mapped[Decimal] = mapped_column(ExactDecimal)
    reason: Mapped[str] = mapped_column(Text)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)


class Alert(Base):
    """Something that a person should know."""

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    symbol: Mapped[str | None] = mapped_column(String(40), index=True)
    severity: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)


class PaperAccount(Base):
    """The cash of paper trading in one quote asset."""

    __tablename__ = "paper_accounts"

    asset: Mapped[str] = mapped_column(String(20), primary_key=True)
    starting_cash: Mapped[Decimal] = mapped_column(ExactDecimal)
    cash: Mapped[Decimal] = mapped_column(ExactDecimal)


class Sequence(Base):
    """Numbers that are given out once, also over restarts: order ids come from here."""

    __tablename__ = "sequences"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    last: Mapped[int]


class Identity(Base):
    """What this database knows of its bot for good, such as the prefix of its client order ids."""

    __tablename__ = "identity"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Lease(Base):
    """Which process may trade a symbol with this database."""

    __tablename__ = "leases"

    symbol: Mapped[str] = mapped_column(String(40), primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int]
    birth: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignalRecord(Base):
    """A strategy's signal for one candle, with the indicator values behind it."""

    __tablename__ = "signals"
    __table_args__ = (Index("ix_signals_symbol_id", "symbol", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(String(40))
    signal_value: Mapped[int]
    signal_metadata: Mapped[dict[str, Any]] = mapped_column(JSON)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)


class Step(Base):
    """One cycle of the bot: what it judged, what it decided and why, and what came of it."""

    __tablename__ = "steps"
    __table_args__ = (Index("ix_steps_symbol_id", "symbol", "timeframe", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    symbol: Mapped[str] = mapped_column(String(40))
    timeframe: Mapped[str] = mapped_column(String(4))
    strategy: Mapped[str] = mapped_column(Text)
    candle_time: Mapped[datetime | None] = mapped_column(UtcDateTime)
    close: Mapped[float | None] = mapped_column(Double)
    signal_value: Mapped[int | None]
    indicators: Mapped[dict[str, Any]] = mapped_column(JSON)
    action: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    order_id: Mapped[str | None] = mapped_column(Text, index=True)
    error: Mapped[str | None] = mapped_column(Text)
    is_settled: Mapped[bool]
