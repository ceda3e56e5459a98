"""Which payout request an incoming order carries out: one that may still pay at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("incoming_orders", sa.Column("payout_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_incoming_orders_payout_id"), "incoming_orders", "payouts", ["payout_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_incoming_orders_payout_id"), "incoming_orders", "payout_id is null or direction = 'pay_out'"
    )
    op.create_index(
        "ix_incoming_orders_payout", "incoming_orders", ["payout_id"], postgresql_where=sa.text("payout_id is not null")
    )
    op.create_index(
        "uq_incoming_orders_payout_alive",
        "incoming_orders",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("payout_id is not null and status not in ('failed', 'cancelled', 'expired')"),
    )
