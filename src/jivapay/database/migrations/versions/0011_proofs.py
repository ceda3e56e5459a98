"""The chain of postings, and the signed heads of days. Existing postings are linked by the chainer, in batches."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

APPEND_ONLY = ("posting_chain", "chain_heads", "chain_head_accounts", "chain_head_exports")


def upgrade() -> None:
    op.create_table(
        "posting_chain",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["posting_id"], ["postings.id"], name="fk_posting_chain_posting_id"),
        sa.PrimaryKeyConstraint("seq", name="pk_posting_chain"),
        sa.UniqueConstraint("posting_id", name="uq_posting_chain_posting_id"),
    )
    op.create_table(
        "chain_heads",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_chain_heads"),
    )
    op.create_table(
        "chain_head_accounts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("postings", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["day"], ["chain_heads.day"], name="fk_chain_head_accounts_day"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_chain_head_accounts_account_id"),
        sa.PrimaryKeyConstraint("day", "position", name="pk_chain_head_accounts"),
    )
    op.create_table(
        "chain_head_exports",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("exported_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(["day"], ["chain_heads.day"], name="fk_chain_head_exports_day"),
        sa.PrimaryKeyConstraint("day", name="pk_chain_head_exports"),
    )
    op.create_index("ix_postings_xid", "postings", ["xid"])
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
