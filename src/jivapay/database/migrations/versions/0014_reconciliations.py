"""Reconciliations with their checks, and what lies in the store of a document, so that it can be compared."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("differences", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name="fk_reconciliations_requested_by"),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliations"),
        sa.UniqueConstraint("public_id", name="uq_reconciliations_public_id"),
    )
    op.create_index(
        "ix_reconciliations_waiting", "reconciliations", ["id"], postgresql_where=sa.text("finished_at is null")
    )
    op.create_index("ix_reconciliations_day", "reconciliations", ["day"])
    op.create_table(
        "reconciliation_checks",
        sa.Column("reconciliation_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("examined", sa.BigInteger(), nullable=False),
        sa.Column("differences", sa.BigInteger(), nullable=False),
        sa.Column("rows", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"], ["reconciliations.id"], name="fk_reconciliation_checks_reconciliation_id"
        ),
        sa.PrimaryKeyConstraint("reconciliation_id", "position", name="pk_reconciliation_checks"),
    )
    op.execute(
        "create trigger reconciliation_checks_append_only before update or delete on reconciliation_checks "
        "for each row execute function refuse_change()"
    )
    op.add_column("uploaded_documents", sa.Column("stored_sha256", sa.LargeBinary(), nullable=True))
