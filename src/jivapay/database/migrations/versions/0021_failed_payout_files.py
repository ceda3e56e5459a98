"""A file of payout requests that nobody can read ends, and says why."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("payout_batches", sa.Column("failure", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_payout_batches_finished"), "payout_batches", type_="check")
    op.create_check_constraint(
        op.f("ck_payout_batches_finished"),
        "payout_batches",
        "finished_at is null or failure is not null or (rows_done = rows_total and content_sealed is null)",
    )
    op.create_check_constraint(
        op.f("ck_payout_batches_failure"), "payout_batches", "failure is null or finished_at is not null"
    )
