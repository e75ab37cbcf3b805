"""An index in which a symbol's newest order is the last one, however many there are."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """It takes the place of the one on the symbol alone, which is its beginning."""
    op.create_index("ix_orders_newest", "orders", ["symbol", "timestamp", "id"])
    op.drop_index("ix_orders_symbol", "orders")


def downgrade() -> None:
    """As before."""
    op.create_index("ix_orders_symbol", "orders", ["symbol"])
    op.drop_index("ix_orders_newest", "orders")
