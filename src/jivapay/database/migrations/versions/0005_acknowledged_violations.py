"""What a person knows of violated invariants; and indexes by time, so that a run over what changed reads no more."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

BY_TIME = {
    "ix_postings_created": ("postings", "created_at"),
    "ix_transfers_created": ("transfers", "created_at"),
    "ix_holds_created": ("holds", "created_at"),
    "ix_status_history_at": ("status_history", "at"),
    "ix_audit_log_at": ("audit_log", "at"),
}
"""Rows lie in the order of their times, so that a block range index of a few pages finds the newest ones."""


def upgrade() -> None:
    op.create_table(
        "acknowledged_violations",
        sa.Column("invariant", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=False),
        sa.Column("row", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("acknowledged_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "acknowledged_at", sa.DateTime(timezone=True), server_default=sa.literal_column("app_now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["users.id"], name="fk_acknowledged_violations_acknowledged_by"),
        sa.PrimaryKeyConstraint("invariant", "row_hash", name="pk_acknowledged_violations"),
    )
    op.execute(
        "create trigger acknowledged_violations_append_only before update or delete on acknowledged_violations "
        "for each row execute function refuse_change()"
    )
    for name, (table, column) in BY_TIME.items():
        op.execute(f"create index {name} on {table} using brin ({column}) with (autosummarize = on)")
