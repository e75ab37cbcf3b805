"""Protection at the exchange: the stop price of an order, and the list that it belongs to."""

import sqlalchemy as sa
from alembic import op

from app.models.types import ExactDecimal

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no older order has either."""
    op.add_column("orders", sa.Column("stop_price", ExactDecimal(), nullable=True))
    op.add_column("orders", sa.Column("list_id", sa.String(40), nullable=True))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("orders", "list_id")
    op.drop_column("orders", "stop_price")
