"""Many payout requests at once: batches and what became of each of their rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "payout_batches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("executor", sa.Text(), nullable=False),
        sa.Column("rows_total", sa.BigInteger(), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "rows_done >= rows_failed and rows_done <= rows_total", name=op.f("ck_payout_batches_progress")
        ),
        sa.CheckConstraint(
            "finished_at is null or (rows_done = rows_total and content_sealed is null)",
            name=op.f("ck_payout_batches_finished"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["merchant_stores.id"], name=op.f("fk_payout_batches_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_batches")),
        sa.UniqueConstraint("public_id", name=op.f("uq_payout_batches_public_id")),
    )
    op.create_index(
        "ix_payout_batches_unfinished", "payout_batches", ["id"], postgresql_where=sa.text("finished_at is null")
    )
    op.create_table(
        "payout_batch_rows",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payout_id", sa.BigInteger(), nullable=True),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("(payout_id is null) <> (errors is null)", name=op.f("ck_payout_batch_rows_result")),
        sa.ForeignKeyConstraint(["batch_id"], ["payout_batches.id"], name=op.f("fk_payout_batch_rows_batch_id")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_batch_rows_payout_id")),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_payout_batch_rows")),
    )
    for table in ("payout_batches", "payout_batch_rows"):
        op.execute(
            f"create trigger {table}_kept before delete on {table} for each row execute function refuse_change()"
        )
