"""Orders that rest and are replaced: what led to them, which attempt they are, what follows. Alerts."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.models.types import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ORDER_COLUMNS: dict[str, Any] = {
    "purpose": sa.String(10),
    "candle_time": UtcDateTime,
    "reason": sa.Text,
    "first_id": sa.String(40),
    "attempt": sa.Integer,
    "follow_up": sa.String(10),
}


def upgrade() -> None:
    """Add the columns and the table; an older order is the first and only attempt of its kind."""
    for name, kind in ORDER_COLUMNS.items():
        op.add_column("orders", sa.Column(name, kind))
    op.execute("UPDATE orders SET first_id = id, attempt = 1")
    op.execute("UPDATE orders SET purpose = CASE side WHEN 'buy' THEN 'entry' ELSE 'exit' END")
    op.create_index("ix_orders_first_id", "orders", ["first_id"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("timestamp", UtcDateTime, nullable=False),
        sa.Column("symbol", sa.String(40), index=True),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("alerts")
    op.drop_index("ix_orders_first_id", "orders")
    for name in ORDER_COLUMNS:
        op.drop_column("orders", name)
