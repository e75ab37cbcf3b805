"""Live trading: what the exchange says of orders and trades, and positions that shrank without a trade."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.models.types import ExactDecimal, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ORDER_COLUMNS: dict[str, Any] = {
    "exchange": sa.String(40),
    "exchange_id": sa.String(40),
    "base_before": ExactDecimal,
    "note": sa.Text,
}
TRADE_COLUMNS: dict[str, Any] = {"fee_asset": sa.String(20), "exchange": sa.String(40), "trade_id": sa.String(40)}


def upgrade() -> None:
    """Add the columns; paper orders called `closed` are `filled` from now on."""
    for table, columns in (("orders", ORDER_COLUMNS), ("trades", TRADE_COLUMNS)):
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind))
    op.create_index("ix_orders_status", "orders", ["status"])
    op.create_index("ix_orders_exchange_id", "orders", ["exchange_id"])
    op.create_index("ux_trades_exchange_trade", "trades", ["exchange", "symbol", "trade_id"], unique=True)
    op.execute("UPDATE orders SET status = 'filled' WHERE status = 'closed'")
    op.create_table(
        "adjustments",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("symbol", sa.String(40), nullable=False, index=True),
        sa.Column("quantity", ExactDecimal, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("timestamp", UtcDateTime, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("adjustments")
    op.drop_index("ux_trades_exchange_trade", "trades")
    op.drop_index("ix_orders_exchange_id", "orders")
    op.drop_index("ix_orders_status", "orders")
    for table, columns in (("orders", ORDER_COLUMNS), ("trades", TRADE_COLUMNS)):
        for name in columns:
            op.drop_column(table, name)
