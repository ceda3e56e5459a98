"""Addresses that answered 410, until the merchant enables them again."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "disabled_callback_addresses",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["merchant_stores.id"], name="fk_disabled_callback_addresses_store_id"),
        sa.PrimaryKeyConstraint("store_id", "url", name="pk_disabled_callback_addresses"),
    )
