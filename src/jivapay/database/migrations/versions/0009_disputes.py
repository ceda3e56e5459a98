"""Disputes with what is said in them and their evidence, and covers: what the platform lends by a decision."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NOW = sa.text("app_now()")
ZERO = sa.text("0")
OPEN = sa.text("status not like 'resolved%'")
APPEND_ONLY = ("dispute_messages", "cover_repayments")


def upgrade() -> None:
    _create_disputes()
    _create_covers()
    op.add_column("uploaded_documents", sa.Column("dispute_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_uploaded_documents_dispute_id"), "uploaded_documents", "disputes", ["dispute_id"], ["id"]
    )
    op.create_index(op.f("ix_uploaded_documents_dispute_id"), "uploaded_documents", ["dispute_id"])
    op.execute(
        "create trigger disputes_step after insert or update of status, version on disputes "
        "for each row execute function enforce_status_step('dispute')"
    )
    for table in ("disputes", "covers"):
        op.execute(
            f"create trigger {table}_kept before delete on {table} for each row execute function refuse_change()"
        )
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
        op.execute(
            f"create trigger {table}_not_truncated before truncate on {table} "
            "for each statement execute function refuse_change()"
        )


def _create_disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("incoming_order_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("order_status", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_by_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("claimed_amount", sa.Numeric(), nullable=True),
        sa.Column("hold_target", sa.Numeric(), server_default=ZERO, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trader_seconds_left", sa.Integer(), nullable=False),
        sa.Column("merchant_seconds_left", sa.Integer(), nullable=False),
        sa.Column("assigned_to", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_amount", sa.Numeric(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=ZERO, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "opened_by in ('trader', 'merchant', 'staff', 'customer')", name=op.f("ck_disputes_opened_by")
        ),
        sa.CheckConstraint(
            "claimed_amount > 0 and claimed_amount < 'Infinity'", name=op.f("ck_disputes_claimed_amount")
        ),
        sa.CheckConstraint(
            "decided_amount > 0 and decided_amount < 'Infinity'", name=op.f("ck_disputes_decided_amount")
        ),
        sa.CheckConstraint("hold_target >= 0 and hold_target < 'Infinity'", name=op.f("ck_disputes_hold_target")),
        sa.CheckConstraint(
            "trader_seconds_left >= 0 and merchant_seconds_left >= 0", name=op.f("ck_disputes_seconds_left")
        ),
        sa.CheckConstraint(
            "decision in ('completed', 'adjusted', 'cancelled', 'failed')"
            " and (decision = 'adjusted') = (decided_amount is not null)",
            name=op.f("ck_disputes_decision"),
        ),
        sa.CheckConstraint(
            "(status like 'resolved%' or status = 'waiting_funds') = (decision is not null and decided_at is not null)",
            name=op.f("ck_disputes_decided"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_disputes_order_id")),
        sa.ForeignKeyConstraint(
            ["incoming_order_id"], ["incoming_orders.id"], name=op.f("fk_disputes_incoming_order_id")
        ),
        sa.ForeignKeyConstraint(["assigned_to"], ["users.id"], name=op.f("fk_disputes_assigned_to")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_disputes_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("public_id", name=op.f("uq_disputes_public_id")),
    )
    op.create_index(op.f("ix_disputes_order_id"), "disputes", ["order_id"])
    op.create_index("uq_disputes_open", "disputes", ["order_id"], unique=True, postgresql_where=OPEN)
    op.create_index("ix_disputes_due", "disputes", ["due_at"], postgresql_where=OPEN)
    op.create_table(
        "dispute_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "side in ('trader', 'merchant', 'staff', 'customer')", name=op.f("ck_dispute_messages_side")
        ),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.id"], name=op.f("fk_dispute_messages_dispute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_messages")),
        sa.UniqueConstraint("public_id", name=op.f("uq_dispute_messages_public_id")),
    )
    op.create_index(op.f("ix_dispute_messages_dispute_id"), "dispute_messages", ["dispute_id"])


def _create_covers() -> None:
    op.create_table(
        "covers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("outstanding", sa.Numeric(), nullable=False),
        sa.Column("ref_type", sa.Text(), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("repaid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0 and amount < 'Infinity'", name=op.f("ck_covers_amount")),
        sa.CheckConstraint("outstanding >= 0 and outstanding <= amount", name=op.f("ck_covers_outstanding")),
        sa.CheckConstraint("(outstanding = 0) = (repaid_at is not null)", name=op.f("ck_covers_repaid")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_covers_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_covers")),
    )
    op.create_index("ix_covers_open", "covers", ["account_id"], postgresql_where=sa.text("outstanding > 0"))
    op.create_table(
        "cover_repayments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("cover_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("amount > 0 and amount < 'Infinity'", name=op.f("ck_cover_repayments_amount")),
        sa.ForeignKeyConstraint(["cover_id"], ["covers.id"], name=op.f("fk_cover_repayments_cover_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover_repayments")),
    )
    op.create_index(op.f("ix_cover_repayments_cover_id"), "cover_repayments", ["cover_id"])
