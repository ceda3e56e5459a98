"""Payout requests: the entries of the payouts service, their attempts, and the sandbox's book."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "payouts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("recipient_shown", sa.Text(), nullable=False),
        sa.Column("comment_shown", sa.Text(), nullable=False),
        sa.Column("recipient_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("executor", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("execute_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint("amount > 0 and amount < 'Infinity'", name=op.f("ck_payouts_amount")),
        sa.CheckConstraint("(status = 'processed') = (processed_at is not null)", name=op.f("ck_payouts_processed_at")),
        sa.CheckConstraint(
            "deleted_at is null or status in ('pending', 'cancelled', 'failed')", name=op.f("ck_payouts_deleted")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["merchant_stores.id"], name=op.f("fk_payouts_store_id")),
        sa.ForeignKeyConstraint(["currency"], ["currencies.code"], name=op.f("fk_payouts_currency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payouts_public_id")),
    )
    op.create_index(
        "ix_payouts_user", "payouts", ["store_id", "user_id", "id"], postgresql_where=sa.text("deleted_at is null")
    )
    op.create_index("ix_payouts_due", "payouts", ["due_at"], postgresql_where=sa.text("due_at is not null"))
    op.create_table(
        "payout_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("payout_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_attempts_payout_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_attempts")),
        sa.UniqueConstraint("reference", name=op.f("uq_payout_attempts_reference")),
    )
    op.create_index(
        "uq_payout_attempts_alive",
        "payout_attempts",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index("uq_payout_attempts_number", "payout_attempts", ["payout_id", "number"], unique=True)
    op.create_table(
        "sandbox_payments",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_sandbox_payments")),
    )
    op.execute(
        "create trigger payouts_step after insert or update of status, version on payouts "
        "for each row execute function enforce_status_step('payout')"
    )
    for table in ("payouts", "payout_attempts", "sandbox_payments"):
        op.execute(
            f"create trigger {table}_kept before delete on {table} for each row execute function refuse_change()"
        )
