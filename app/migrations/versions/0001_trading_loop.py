"""The trading loop: orders, trades, holdings, paper cash, signals, steps."""

import sqlalchemy as sa
from alembic import op

from app.models.types import ExactDecimal, Side, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create_ledger()
    _create_record()


def downgrade() -> None:
    """Drop them."""
    for table in ("steps", "signals", "trades", "orders", "holdings", "paper_accounts", "sequences"):
        op.drop_table(table)


def _create_ledger() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("symbol", sa.String(40), nullable=False, index=True),
        sa.Column("side", Side, nullable=False),
        sa.Column("order_type", sa.String(20), nullable=False),
        sa.Column("quantity", ExactDecimal, nullable=False),
        sa.Column("price", ExactDecimal),
        sa.Column("filled", ExactDecimal, nullable=False),
        sa.Column("average", ExactDecimal),
        sa.Column("fee", ExactDecimal, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("timestamp", UtcDateTime, nullable=False),
    )
    op.create_table(
        "trades",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("symbol", sa.String(40), nullable=False),
        sa.Column("side", Side, nullable=False),
        sa.Column("price", ExactDecimal, nullable=False),
        sa.Column("quantity", ExactDecimal, nullable=False),
        sa.Column("fee", ExactDecimal, nullable=False),
        sa.Column("pnl", ExactDecimal),
        sa.Column("order_id", sa.String(40), sa.ForeignKey("orders.id")),
        sa.Column("timestamp", UtcDateTime, nullable=False),
    )
    op.create_index("ix_trades_symbol_timestamp", "trades", ["symbol", "timestamp", "id"])
    op.create_table(
        "holdings",
        sa.Column("symbol", sa.String(40), primary_key=True),
        *(sa.Column(name, ExactDecimal, nullable=False) for name in ("total_buys", "total_sells", "cost", "realized")),
    )
    op.create_table(
        "paper_accounts",
        sa.Column("asset", sa.String(20), primary_key=True),
        sa.Column("starting_cash", ExactDecimal, nullable=False),
        sa.Column("cash", ExactDecimal, nullable=False),
    )
    op.create_table(
        "sequences",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )


def _create_record() -> None:
    op.create_table(
        "signals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("symbol", sa.String(40), nullable=False),
        sa.Column("signal_value", sa.Integer, nullable=False),
        sa.Column("signal_metadata", sa.JSON, nullable=False),
        sa.Column("timestamp", UtcDateTime, nullable=False),
    )
    op.create_index("ix_signals_symbol_id", "signals", ["symbol", "id"])
    op.create_table(
        "steps",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.Column("symbol", sa.String(40), nullable=False),
        sa.Column("timeframe", sa.String(4), nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("candle_time", UtcDateTime),
        sa.Column("close", sa.Double),
        sa.Column("signal_value", sa.Integer),
        sa.Column("indicators", sa.JSON, nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("is_settled", sa.Boolean, nullable=False),
    )
    op.create_index("ix_steps_symbol_id", "steps", ["symbol", "timeframe", "id"])
