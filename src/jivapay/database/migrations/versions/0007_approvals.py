"""Approvals: every money decision of a person is one row.

Deposits that are not rejected get theirs, so that those of the last day are counted and those that wait can be decided.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

OF_DEPOSITS = """
insert into approvals (public_id, action, entity, entity_id, entity_version, amount, currency, beneficiary_type,
                       beneficiary_id, payload, reason, needs_second_person, status, requested_by, decided_by,
                       decision_reason, decided_at, created_at)
select gen_random_uuid(), 'deposit.post', 'deposit', d.id, 0, d.amount, d.currency, d.owner_type, d.owner_id,
       jsonb_build_object('deposit_id', d.public_id, 'owner_type', d.owner_type,
                          'owner_id', coalesce(u.public_id, s.public_id), 'network', d.network,
                          'tx_hash', d.tx_hash, 'tx_output', d.tx_output),
       d.reason, d.needs_second_person, case d.status when 'posted' then 'executed' else 'requested' end,
       d.requested_by, case when d.needs_second_person then d.decided_by end,
       case when d.needs_second_person then d.decision_reason end,
       case when d.needs_second_person then d.decided_at end, d.created_at
  from deposits d
  left join traders t on d.owner_type = 'trader' and t.id = d.owner_id
  left join users u on u.id = t.user_id
  left join merchant_stores s on d.owner_type = 'store' and s.id = d.owner_id
 where d.status <> 'rejected'
"""
STEPS_OF_DEPOSITS = """
with stepped as (
  insert into status_history (entity, entity_id, version, from_status, to_status, actor_kind, actor_id, reason, at)
  select 'approval', id, 0, null, status, 'user', requested_by, reason, created_at from approvals
  returning entity, entity_id, version, to_status, actor_kind, actor_id
)
insert into audit_log (action, entity, entity_id, version, actor_kind, actor_id, details)
select 'approval.' || to_status, entity, entity_id, version, actor_kind, actor_id, '{"migrated": true}' from stepped
"""


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("entity_version", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("beneficiary_type", sa.Text(), nullable=False),
        sa.Column("beneficiary_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("needs_second_person", sa.Boolean(), nullable=False),
        sa.Column("involved", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint("amount > 0 and amount < 'Infinity'", name=op.f("ck_approvals_amount")),
        sa.CheckConstraint(
            "status <> 'executed' or not needs_second_person"
            " or (decided_by is not null and decided_by <> requested_by and decided_by <> all (involved))",
            name=op.f("ck_approvals_two_persons"),
        ),
        sa.ForeignKeyConstraint(["currency"], ["currencies.code"], name=op.f("fk_approvals_currency")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_approvals_decided_by")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_approvals_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("public_id", name=op.f("uq_approvals_public_id")),
    )
    op.create_index(
        "uq_approvals_waiting",
        "approvals",
        ["action", "entity", "entity_id"],
        unique=True,
        postgresql_where=sa.text("status = 'requested'"),
    )
    op.create_index("ix_approvals_actor", "approvals", ["requested_by", "created_at"])
    op.create_index("ix_approvals_beneficiary", "approvals", ["beneficiary_type", "beneficiary_id", "created_at"])
    op.create_index("ix_approvals_about", "approvals", ["entity", "entity_id"])
    op.execute(OF_DEPOSITS)
    op.execute(STEPS_OF_DEPOSITS)
    op.execute(
        "create trigger approvals_step after insert or update of status, version on approvals "
        "for each row execute function enforce_status_step('approval')"
    )
    op.execute("create trigger approvals_kept before delete on approvals for each row execute function refuse_change()")
