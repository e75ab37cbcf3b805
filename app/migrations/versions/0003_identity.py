"""What a database knows of its bot: the prefix of its client order ids; which step led to an order."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "identity",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("ix_steps_order_id", "steps", ["order_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_steps_order_id", "steps")
    op.drop_table("identity")
