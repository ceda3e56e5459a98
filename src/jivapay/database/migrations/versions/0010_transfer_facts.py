"""What every transfer was for, in one view: its order, whatever it refers to, and that thing's public id"""

from alembic import op

revision = "0010"
down_revision = "0009"

TRANSFER_FACTS = """
create view transfer_facts as
select t.id as transfer_id, o.id as order_id, i.public_id as public_order_id, i.external_id as external_order_id,
       case t.ref_type when 'order' then i.public_id when 'deposit' then d.public_id else ds.public_id end
         as reference_id,
       d.network
  from transfers t
  left join deposits d on t.ref_type = 'deposit' and d.id = t.ref_id
  left join cover_repayments cr on t.ref_type = 'cover_repayment' and cr.id = t.ref_id
  left join covers cv on cv.id = case t.ref_type when 'cover' then t.ref_id when 'cover_repayment' then cr.cover_id end
  left join disputes ds on ds.id = case when t.ref_type = 'dispute' then t.ref_id
                                        when cv.ref_type = 'dispute' then cv.ref_id end
  left join orders o on o.id = case when t.ref_type = 'order' then t.ref_id
                                    when cv.ref_type = 'order' then cv.ref_id else ds.order_id end
  left join incoming_orders i on i.id = o.incoming_order_id
"""
MOVED = """
  from postings p
  join accounts a on a.id = p.account_id
  join transfers t on t.id = p.transfer_id
  join transfer_facts f on f.transfer_id = t.id
  left join transfers r on r.id = t.reverses_id
"""
SHARED = """
       f.public_order_id as order_id, t.public_id as transfer_id, t.kind as operation_type, p.amount as balance_change,
       {after} as new_balance,
       case when r.id is not null then 'reverses ' || r.public_id
            else concat_ws(' ', t.ref_type, f.reference_id) end as description,
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
        "f.network,",
        "a.owner_type = 'trader' and a.kind = 'crypto'",
    ),
    "balance_platform_history": ("a.currency as crypto_currency,", PROFIT, "a.owner_type = 'platform'"),
}


def upgrade() -> None:
    op.execute(TRANSFER_FACTS)
    for name, (owner, more, condition) in HISTORIES.items():
        after = RUNNING if name == "balance_platform_history" else "p.balance_after"
        shared = SHARED.format(after=after)
        op.execute(f"create or replace view {name} as select p.id, {owner} {more} {shared} {MOVED} where {condition}")
