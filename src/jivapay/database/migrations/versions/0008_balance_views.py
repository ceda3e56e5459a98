"""the documents' balance tables as views, and the index that statements are read by"""

from alembic import op

revision = "0008"
down_revision = "0007"

NEWEST = (
    "coalesce((select p.created_at from postings p where p.account_id = a.id order by p.id desc limit 1), a.created_at)"
)

BALANCE_STORES = f"""
create view balance_stores as
select a.id, a.owner_id as store_id, a.currency as crypto_currency, a.balance, a.held, a.balance - a.held as available,
       a.test, {NEWEST} as updated_at
  from accounts a
 where a.owner_type = 'store'
"""

BALANCE_TRADERS = f"""
create view balance_traders as
select a.id, a.owner_id as trader_id, a.kind, a.currency, a.balance, a.held, a.balance - a.held as available,
       a.test, {NEWEST} as updated_at
  from accounts a
 where a.owner_type = 'trader'
"""

BALANCE_PLATFORM = f"""
create view balance_platform as
select a.id, a.currency as crypto_currency,
       a.balance + coalesce((
         select sum(p.amount) from postings p
          where p.account_id = a.id and p.xid >= coalesce(a.rolled_xid, '0'::xid8)), 0) as balance,
       a.test, {NEWEST} as updated_at
  from accounts a
 where a.owner_type = 'platform'
"""

MOVED = """
  from postings p
  join accounts a on a.id = p.account_id
  join transfers t on t.id = p.transfer_id
  left join transfers r on r.id = t.reverses_id
  left join orders o on t.ref_type = 'order' and o.id = t.ref_id
  left join incoming_orders i on i.id = o.incoming_order_id
  left join deposits d on t.ref_type = 'deposit' and d.id = t.ref_id
"""
SHARED = """
       i.public_id as order_id, t.public_id as transfer_id, t.kind as operation_type, p.amount as balance_change,
       {after} as new_balance,
       case when r.id is not null then 'reverses ' || r.public_id
            when d.id is not null then 'deposit ' || d.public_id
            else t.ref_type end as description,
       a.test, p.created_at
"""
RUNNING = "sum(p.amount) over (partition by p.account_id order by p.id)"
PROFIT = """
       case when t.kind in ('settlement', 'adjustment', 'settlement_reversal', 'adjustment_reversal')
             and t.ref_type in ('order', 'dispute') then p.amount else 0 end as platform_profit,
"""

HISTORIES = {
    "balance_store_history": ("a.owner_id as store_id, a.currency as crypto_currency,", "", "a.owner_type = 'store'"),
    "balance_trader_fiat_history": (
        "a.owner_id as trader_id, a.currency as fiat_currency,",
        "",
        "a.owner_type = 'trader' and a.kind = 'fiat'",
    ),
    "balance_trader_crypto_history": (
        "a.owner_id as trader_id, a.currency as crypto_currency,",
        "d.network,",
        "a.owner_type = 'trader' and a.kind = 'crypto'",
    ),
    "balance_platform_history": ("a.currency as crypto_currency,", PROFIT, "a.owner_type = 'platform'"),
}


def upgrade() -> None:
    op.create_index(
        "ix_postings_account_created",
        "postings",
        ["account_id", "created_at", "id"],
        unique=False,
        postgresql_include=["amount"],
    )
    for view in (BALANCE_STORES, BALANCE_TRADERS, BALANCE_PLATFORM):
        op.execute(view)
    for name, (owner, more, condition) in HISTORIES.items():
        after = RUNNING if name == "balance_platform_history" else "p.balance_after"
        shared = SHARED.format(after=after)
        op.execute(f"create view {name} as select p.id, {owner} {more} {shared} {MOVED} where {condition}")
