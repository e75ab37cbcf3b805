"""Risk: positions with their levels, what the limits remember, equity per candle, results per day."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from app.models.types import ExactDecimal, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; levels and days begin with the next candle and trade."""
    op.create_table(
        "risk_positions",
        sa.Column("symbol", sa.String(40), primary_key=True),
        *_columns(ExactDecimal(), "quantity", "opening", "paid", "realized_before"),
        *_columns(sa.Integer(), "entries", "leaving", "side"),
        *_columns(sa.Double(), "entry", "stop"),
        *_columns(sa.Integer(), "stop_kind"),
        *_columns(sa.Double(), "best", "atr"),
        *_columns(sa.Integer(), "stage", "candles"),
    )
    op.create_table(
        "risk_accounts",
        sa.Column("asset", sa.String(20), primary_key=True),
        *_columns(ExactDecimal(), "base"),
        *_columns(sa.Integer(), "state", "cause"),
        *_columns(sa.Double(), "high_water", "equity"),
        *_columns(sa.Integer(), "day"),
        *_columns(sa.Double(), "day_start"),
        *_columns(sa.Integer(), "losses", "wait", "closed"),
        *_columns(sa.Double(), "weight", "wins", "gained", "lost"),
    )
    op.create_table(
        "equity",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("symbol", sa.String(40), nullable=False),
        sa.Column("asset", sa.String(20), nullable=False),
        sa.Column("close_ms", sa.BigInteger, nullable=False),
        sa.Column("close", sa.Double, nullable=False),
        *_columns(ExactDecimal(), "held", "equity", "realized", "unrealized"),
    )
    op.create_index("ix_equity_symbol_id", "equity", ["symbol", "id"])
    op.create_table(
        "days",
        sa.Column("day", UtcDateTime, primary_key=True),
        sa.Column("asset", sa.String(20), primary_key=True),
        *_columns(sa.Integer(), "trades"),
        *_columns(ExactDecimal(), "realized", "fees", "funding"),
    )
    op.create_index("ix_orders_timestamp", "orders", ["timestamp"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_orders_timestamp", "orders")
    for table in ("days", "equity", "risk_accounts", "risk_positions"):
        op.drop_table(table)


def _columns(kind: TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
