"""commissions by method and from a moment on, with their history; the margin frozen on the order"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

OWNERS = (("store_commissions", "store_id"), ("trader_commissions", "trader_id"))


def upgrade() -> None:
    op.create_table(
        "commission_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("trader_id", sa.BigInteger(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("payment_method", sa.Text(), nullable=True),
        sa.Column("percent", sa.Numeric(), nullable=True),
        sa.Column("percent_before", sa.Numeric(), nullable=True),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("app_now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(store_id, trader_id) = 1", name=op.f("ck_commission_changes_owner")),
        sa.CheckConstraint("direction in ('pay_in', 'pay_out')", name=op.f("ck_commission_changes_direction")),
        sa.CheckConstraint(
            "percent is null or (percent >= 0 and percent < 100)", name=op.f("ck_commission_changes_percent")
        ),
        sa.CheckConstraint(
            "percent is not null or payment_method is not null",
            name=op.f("ck_commission_changes_default_has_percent"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["merchant_stores.id"], name=op.f("fk_commission_changes_store_id")),
        sa.ForeignKeyConstraint(["trader_id"], ["traders.id"], name=op.f("fk_commission_changes_trader_id")),
        sa.ForeignKeyConstraint(
            ["payment_method"], ["payment_methods.code"], name=op.f("fk_commission_changes_payment_method")
        ),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_commission_changes_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_changes")),
        sa.UniqueConstraint("public_id", name=op.f("uq_commission_changes_public_id")),
    )
    for owner in ("store", "trader"):
        op.create_index(
            f"ix_commission_changes_{owner}",
            "commission_changes",
            [f"{owner}_id", "direction", "payment_method", "effective_from", "id"],
            unique=False,
            postgresql_where=sa.text(f"{owner}_id is not null"),
        )
    op.create_index("ix_commission_changes_effective", "commission_changes", ["effective_from"], unique=False)
    op.execute(
        "create trigger commission_changes_append_only before update or delete on commission_changes "
        "for each row execute function refuse_change()"
    )
    op.execute(
        "create trigger commission_changes_not_truncated before truncate on commission_changes "
        "for each statement execute function refuse_change()"
    )
    for table, owner in OWNERS:
        op.execute(f"""
            insert into commission_changes (public_id, {owner}, direction, percent, effective_from, reason)
            select gen_random_uuid(), {owner}, d.direction, d.percent, updated_at, 'in force when the history began'
              from {table}
             cross join lateral (values ('pay_in', commission_payin), ('pay_out', commission_payout))
                     as d (direction, percent)
             order by {owner}, d.direction
        """)
    op.add_column("orders", sa.Column("margin_percent", sa.Numeric(), nullable=True))
    op.execute("""
        update orders o set margin_percent = s.rate_margin_percent
          from merchant_stores s
         where s.id = o.store_id
           and o.rate = money_round(
             o.base_rate * (1 + case o.direction when 'pay_in' then 1 else -1 end * s.rate_margin_percent / 100), 8)
    """)
