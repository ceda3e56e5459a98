"""Withdrawals with their address book, and manual adjustments; and what their transfers were for."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

TRANSFER_FACTS = """
create or replace view transfer_facts as
select t.id as transfer_id, o.id as order_id, i.public_id as public_order_id, i.external_id as external_order_id,
       case t.ref_type when 'order' then i.public_id when 'deposit' then d.public_id
         when 'unmatched_payment' then u.public_id when 'withdrawal' then w.public_id
         when 'balance_adjustment' then b.public_id else ds.public_id end
         as reference_id,
       coalesce(d.network, w.network) as network
  from transfers t
  left join deposits d on t.ref_type = 'deposit' and d.id = t.ref_id
  left join unmatched_payments u on t.ref_type = 'unmatched_payment' and u.id = t.ref_id
  left join withdrawals w on t.ref_type = 'withdrawal' and w.id = t.ref_id
  left join balance_adjustments b on t.ref_type = 'balance_adjustment' and b.id = t.ref_id
  left join cover_repayments cr on t.ref_type = 'cover_repayment' and cr.id = t.ref_id
  left join covers cv on cv.id = case t.ref_type when 'cover' then t.ref_id when 'cover_repayment' then cr.cover_id end
  left join disputes ds on ds.id = case when t.ref_type = 'dispute' then t.ref_id
                                        when cv.ref_type = 'dispute' then cv.ref_id end
  left join orders o on o.id = case when t.ref_type = 'order' then t.ref_id
                                    when t.ref_type = 'unmatched_payment'
                                    then coalesce(u.attached_order_id, u.from_order_id)
                                    when cv.ref_type = 'order' then cv.ref_id else ds.order_id end
  left join incoming_orders i on i.id = o.incoming_order_id
"""
STEPPED = {"withdrawals": "withdrawal", "balance_adjustments": "balance_adjustment"}


def _addresses() -> None:
    op.create_table(
        "withdrawal_addresses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("usable_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_withdrawal_addresses_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal_addresses")),
        sa.UniqueConstraint("public_id", name=op.f("uq_withdrawal_addresses_public_id")),
    )
    op.create_index(
        "uq_withdrawal_addresses_address",
        "withdrawal_addresses",
        ["user_id", "network", "address"],
        unique=True,
        postgresql_where=sa.text("removed_at is null"),
    )


def _withdrawals() -> None:
    op.create_table(
        "withdrawals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("owner_type", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("network_fee", sa.Numeric(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'requested'"), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("tx_hash", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint("owner_type in ('store', 'trader', 'platform')", name=op.f("ck_withdrawals_owner_type")),
        sa.CheckConstraint("(owner_type = 'platform') = (owner_id is null)", name=op.f("ck_withdrawals_owner")),
        sa.CheckConstraint("amount > 0 and amount < 'Infinity'", name=op.f("ck_withdrawals_amount")),
        sa.CheckConstraint("network_fee >= 0 and network_fee < 'Infinity'", name=op.f("ck_withdrawals_network_fee")),
        sa.CheckConstraint("(status = 'sent') = (tx_hash is not null)", name=op.f("ck_withdrawals_sent")),
        sa.CheckConstraint(
            "(status in ('sending', 'sent')) = (claimed_by is not null)", name=op.f("ck_withdrawals_claimed")
        ),
        sa.ForeignKeyConstraint(["currency"], ["currencies.code"], name=op.f("fk_withdrawals_currency")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_withdrawals_requested_by")),
        sa.ForeignKeyConstraint(["claimed_by"], ["users.id"], name=op.f("fk_withdrawals_claimed_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_withdrawals_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
        sa.UniqueConstraint("public_id", name=op.f("uq_withdrawals_public_id")),
    )
    op.create_index(
        "uq_withdrawals_transaction",
        "withdrawals",
        ["network", sa.text("lower(tx_hash)")],
        unique=True,
        postgresql_where=sa.text("tx_hash is not null"),
    )
    op.create_index("ix_withdrawals_owner", "withdrawals", ["owner_type", "owner_id", "id"])
    op.create_index(
        "ix_withdrawals_open",
        "withdrawals",
        ["id"],
        postgresql_where=sa.text("status in ('requested', 'approved', 'sending')"),
    )


def _adjustments() -> None:
    op.create_table(
        "balance_adjustments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("owner_type", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("corrects_type", sa.Text(), nullable=True),
        sa.Column("corrects_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'requested'"), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "owner_type in ('store', 'trader', 'platform')", name=op.f("ck_balance_adjustments_owner_type")
        ),
        sa.CheckConstraint("(owner_type = 'platform') = (owner_id is null)", name=op.f("ck_balance_adjustments_owner")),
        sa.CheckConstraint("amount <> 0 and abs(amount) < 'Infinity'", name=op.f("ck_balance_adjustments_amount")),
        sa.CheckConstraint(
            "(corrects_type is null) = (corrects_id is null)", name=op.f("ck_balance_adjustments_corrects")
        ),
        sa.CheckConstraint(
            "status <> 'posted' or (decided_by is not null and decided_by <> requested_by)",
            name=op.f("ck_balance_adjustments_two_persons"),
        ),
        sa.ForeignKeyConstraint(["currency"], ["currencies.code"], name=op.f("fk_balance_adjustments_currency")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_balance_adjustments_requested_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_balance_adjustments_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_adjustments")),
        sa.UniqueConstraint("public_id", name=op.f("uq_balance_adjustments_public_id")),
    )
    op.create_index(
        "uq_balance_adjustments_corrects",
        "balance_adjustments",
        ["corrects_type", "corrects_id"],
        unique=True,
        postgresql_where=sa.text("corrects_id is not null and status <> 'rejected'"),
    )
    op.create_index("ix_balance_adjustments_owner", "balance_adjustments", ["owner_type", "owner_id", "id"])


def upgrade() -> None:
    _addresses()
    _withdrawals()
    _adjustments()
    op.execute(TRANSFER_FACTS)
    for table, entity in STEPPED.items():
        op.execute(
            f"create trigger {table}_step after insert or update of status, version on {table} "
            f"for each row execute function enforce_status_step('{entity}')"
        )
        op.execute(
            f"create trigger {table}_kept before delete on {table} for each row execute function refuse_change()"
        )
