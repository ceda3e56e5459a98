"""Pay-outs: whom to pay, the store's terms frozen with its hold, the trader's credit that has yet to clear."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("incoming_orders", sa.Column("recipient", sa.LargeBinary(), nullable=True))
    op.add_column("incoming_orders", sa.Column("recipient_last_four", sa.Text(), nullable=True))
    op.add_column("incoming_orders", sa.Column("store_percent", sa.Numeric(), nullable=True))
    op.add_column("incoming_orders", sa.Column("margin_percent", sa.Numeric(), nullable=True))
    op.add_column(
        "incoming_orders", sa.Column("earlier_steps", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_incoming_orders_recipient"), "incoming_orders", "(direction = 'pay_out') = (recipient is not null)"
    )
    for moment in ("accepted_at", "clearing_until", "cleared_at", "receipt_confirmed_at"):
        op.add_column("orders", sa.Column(moment, sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_orders_clearing"), "orders", "direction = 'pay_out' or (clearing_until is null and cleared_at is null)"
    )
    op.create_index(
        "ix_orders_declined", "orders", ["incoming_order_id"], postgresql_where=sa.text("status = 'declined'")
    )
    op.create_index("ix_orders_clearing", "orders", ["clearing_until"], postgresql_where=sa.text("cleared_at is null"))
