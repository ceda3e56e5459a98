"""Late claims are counted by an index of their own, and entries of the fraud list have a public name."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index(
        "ix_orders_revived", "orders", ["store_id", "revived_at"], postgresql_where=sa.text("revived_at is not null")
    )
    op.add_column(
        "fraud_list_entries",
        sa.Column("public_id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
    )
    op.create_unique_constraint(op.f("uq_fraud_list_entries_public_id"), "fraud_list_entries", ["public_id"])
