"""Late and wrong payments: what was stated, until when a rate covers it, money without an order, who takes a case."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

LATE_RATE_SECONDS = 1800
"""As it was by default, for orders that left `pending` before the column was there."""

TRANSFER_FACTS = """
create or replace view transfer_facts as
select t.id as transfer_id, o.id as order_id, i.public_id as public_order_id, i.external_id as external_order_id,
       case t.ref_type when 'order' then i.public_id when 'deposit' then d.public_id
                       when 'unmatched_payment' then u.public_id else ds.public_id end as reference_id,
       d.network
  from transfers t
  left join deposits d on t.ref_type = 'deposit' and d.id = t.ref_id
  left join unmatched_payments u on t.ref_type = 'unmatched_payment' and u.id = t.ref_id
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
"""As in the revision before, and unmatched payments with the order they were attached to or left over from."""


def upgrade() -> None:
    _orders()
    _stores_and_documents()
    _unmatched_payments()
    _case_assignments()
    op.execute(TRANSFER_FACTS)


def _orders() -> None:
    for name in ("amount_by_trader", "amount_by_payer", "amount_by_store"):
        op.add_column("orders", sa.Column(name, sa.Numeric()))
    op.add_column("orders", sa.Column("from_third_party", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("orders", sa.Column("payer_bank", sa.Text()))
    op.add_column("orders", sa.Column("payer_name", sa.Text()))
    op.add_column("orders", sa.Column("rate_until", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_orders_amounts_stated"), "orders", "least(amount_by_trader, amount_by_payer, amount_by_store) > 0"
    )
    op.execute(
        f"update orders set rate_until = left_unpaid_at + interval '{LATE_RATE_SECONDS} seconds'"
        " where left_unpaid_at is not null and revived_at is null"
    )


def _stores_and_documents() -> None:
    op.add_column(
        "merchant_stores",
        sa.Column("amount_policy", sa.Text(), server_default=sa.text("'always_ask'"), nullable=False),
    )
    op.add_column(
        "merchant_stores", sa.Column("amount_percent", sa.Numeric(), server_default=sa.text("0"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_merchant_stores_amount_policy"),
        "merchant_stores",
        "amount_policy in ('always_ask', 'accept_within_percent')",
    )
    op.create_check_constraint(
        op.f("ck_merchant_stores_amount_percent"), "merchant_stores", "amount_percent >= 0 and amount_percent <= 5"
    )
    op.add_column(
        "uploaded_documents", sa.Column("seen_before", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def _unmatched_payments() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "unmatched_payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("trader_id", sa.BigInteger(), nullable=False),
        sa.Column("requisite_id", sa.BigInteger(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("from_order_id", sa.BigInteger()),
        sa.Column("fiat_currency", sa.Text(), nullable=False),
        sa.Column("amount_fiat", sa.Numeric(), nullable=False),
        sa.Column("crypto_currency", sa.Text(), nullable=False),
        sa.Column("amount_crypto", sa.Numeric(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("rate_source", sa.Text(), nullable=False),
        sa.Column("rate_at", moment, nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("payer_bank", sa.Text()),
        sa.Column("payer_name", sa.Text()),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("attached_order_id", sa.BigInteger()),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("decided_at", moment),
        sa.Column("decision_reason", sa.Text()),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("app_now()"), nullable=False),
        sa.Column("updated_at", moment, server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint(
            "amount_fiat > 0 and amount_fiat < 'Infinity'", name=op.f("ck_unmatched_payments_amount_fiat")
        ),
        sa.CheckConstraint(
            "amount_crypto > 0 and amount_crypto < 'Infinity'", name=op.f("ck_unmatched_payments_amount_crypto")
        ),
        sa.CheckConstraint("rate > 0 and rate < 'Infinity'", name=op.f("ck_unmatched_payments_rate")),
        sa.CheckConstraint(
            "(status = 'attached') = (attached_order_id is not null)", name=op.f("ck_unmatched_payments_attached")
        ),
        sa.CheckConstraint("(status = 'open') = (decided_at is null)", name=op.f("ck_unmatched_payments_decided")),
        sa.CheckConstraint(
            "source <> 'overpayment' or from_order_id is not null", name=op.f("ck_unmatched_payments_overpayment")
        ),
        sa.ForeignKeyConstraint(
            ["requisite_id", "trader_id", "test"],
            ["requisites.id", "requisites.trader_id", "requisites.test"],
            name="fk_unmatched_payments_requisite",
        ),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_unmatched_payments_{column}"))
            for column, target in (
                ("trader_id", "traders.id"),
                ("from_order_id", "orders.id"),
                ("fiat_currency", "currencies.code"),
                ("crypto_currency", "currencies.code"),
                ("attached_order_id", "orders.id"),
                ("decided_by", "users.id"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmatched_payments")),
        sa.UniqueConstraint("public_id", name=op.f("uq_unmatched_payments_public_id")),
    )
    op.create_index("ix_unmatched_payments_trader", "unmatched_payments", ["trader_id", "id"])
    op.create_index(
        "ix_unmatched_payments_open", "unmatched_payments", ["id"], postgresql_where=sa.text("status = 'open'")
    )
    op.create_index(
        "ix_unmatched_payments_attached",
        "unmatched_payments",
        ["attached_order_id"],
        postgresql_where=sa.text("attached_order_id is not null"),
    )
    op.execute(
        "create trigger unmatched_payments_step after insert or update of status, version on unmatched_payments "
        "for each row execute function enforce_status_step('unmatched_payment')"
    )
    op.execute(
        "create trigger unmatched_payments_kept before delete on unmatched_payments "
        "for each row execute function refuse_change()"
    )


def _case_assignments() -> None:
    op.create_table(
        "case_assignments",
        sa.Column("incoming_order_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("deal_version", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["incoming_order_id"], ["incoming_orders.id"], name=op.f("fk_case_assignments_incoming_order_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_case_assignments_user_id")),
        sa.PrimaryKeyConstraint("incoming_order_id", name=op.f("pk_case_assignments")),
    )
    op.create_index(op.f("ix_case_assignments_user_id"), "case_assignments", ["user_id"])
