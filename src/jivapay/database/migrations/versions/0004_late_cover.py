"""The index by which a trader's late cover is summed: his orders that left `pending` unpaid."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(
        "ix_orders_left_unpaid",
        "orders",
        ["trader_id", "left_unpaid_at"],
        postgresql_where=sa.text("left_unpaid_at is not null"),
    )
