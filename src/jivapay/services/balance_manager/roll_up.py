"""Adding insert-only postings to the balances of platform and world, by transaction horizon (hard case 5).

Row ids are not ordered like commits, so a watermark of ids would lose the postings of a slower transaction for
ever. The horizon is `pg_snapshot_xmin`: every transaction before it has ended. The lock lets postings of others
refer to the accounts meanwhile (H4): a stronger one would make roll-up and completions wait for each other.
"""

from sqlalchemy import text

from jivapay.database.session import WriteSession

ROLL_UP = text("""
with horizon as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xid),
locked as (
  select id, coalesce(rolled_xid, '0'::xid8) as rolled_xid from accounts where rolled_up order by id
     for no key update
),
added as (
  select l.id, coalesce(sum(p.amount), 0) as amount
    from locked l cross join horizon h
    left join postings p on p.account_id = l.id and p.xid >= l.rolled_xid and p.xid < h.xid
   group by l.id
)
update accounts a set balance = a.balance + added.amount, rolled_xid = h.xid
  from added cross join horizon h
 where a.id = added.id and (a.rolled_xid is null or a.rolled_xid < h.xid)
""")


async def roll_up(session: WriteSession) -> None:
    """Bring the rolled-up balances to the present horizon. Safe to run twice and beside itself."""
    await session.execute(ROLL_UP)
