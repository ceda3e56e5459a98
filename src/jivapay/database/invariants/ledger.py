"""The ledger: postings, balances and holds (I01 to I08, I13, I28, I29)."""

from jivapay.database.invariants.deals import CHANGED_ORDERS, OF_ORDERS
from jivapay.database.invariants.model import Invariant

LEDGER = (
    Invariant(
        "I01",
        "The postings of a transfer sum to zero in each currency",
        """
select p.transfer_id, a.currency, sum(p.amount) as total
  from transfers t join postings p on p.transfer_id = t.id join accounts a on a.id = p.account_id
 where t.created_at >= :since
 group by p.transfer_id, a.currency having sum(p.amount) <> 0
""",
        freezes=True,
    ),
    Invariant(
        "I02",
        "A transfer has at least two postings, none of them zero or no number",
        """
select t.id as transfer_id, count(p.id) as postings
  from transfers t left join postings p on p.transfer_id = t.id
 where t.created_at >= :since
 group by t.id
having count(p.id) < 2 or bool_or(p.amount = 0 or p.amount = 'NaN' or abs(p.amount) = 'Infinity')
""",
        freezes=True,
    ),
    Invariant(
        "I03",
        "A balance is the sum of its postings; a rolled-up one of those before its horizon",
        """
select a.id as account_id, a.balance, coalesce(s.total, 0) as postings
  from accounts a
  left join lateral (
    select sum(p.amount) as total from postings p
     where p.account_id = a.id and (not a.rolled_up or p.xid < coalesce(a.rolled_xid, '0'::xid8))
  ) s on true
 where a.balance is distinct from coalesce(s.total, 0)
""",
        freezes=True,
        complete_only=True,
    ),
    Invariant(
        "I03c",
        "A balance is what its last posting left",
        """
select a.id as account_id, a.balance, last.balance_after
  from accounts a
  left join lateral (
    select p.balance_after from postings p where p.account_id = a.id order by p.id desc limit 1
  ) last on true
 where not a.rolled_up and a.balance is distinct from coalesce(last.balance_after, 0)
""",
        freezes=True,
    ),
    Invariant(
        "I04",
        "What an account holds is the sum of its active holds",
        """
select a.id as account_id, a.held, coalesce(h.total, 0) as holds
  from accounts a
  left join (select account_id, sum(amount) as total from holds where status = 'active' group by account_id) h
    on h.account_id = a.id
 where a.held is distinct from coalesce(h.total, 0)
""",
        freezes=True,
    ),
    Invariant(
        "I05",
        "No account is overdrawn that may not be, and every balance is a number",
        """
select id as account_id, owner_type, owner_id, kind, balance, held
  from accounts
 where (not may_go_negative and not (balance - held >= 0)) or not (held >= 0)
    or balance = 'NaN' or held = 'NaN' or abs(balance) = 'Infinity' or held = 'Infinity'
    or (owner_type in ('store', 'trader') and kind = 'crypto' and not test and may_go_negative)
""",
        freezes=True,
    ),
    Invariant(
        "I06",
        "Nothing is created and nothing is lost: in each world all postings of a currency sum to zero",
        """
select a.currency, a.test, sum(p.amount) as total
  from postings p join accounts a on a.id = p.account_id
 where p.created_at >= :since
 group by a.currency, a.test having sum(p.amount) <> 0
""",
        freezes=True,
    ),
    Invariant(
        "I07",
        "No amount has more decimals than its currency",
        """
select 'posting' as kind, p.id, p.amount, c.scale
  from postings p join accounts a on a.id = p.account_id join currencies c on c.code = a.currency
 where p.created_at >= :since and p.amount <> round(p.amount, c.scale)
 union all
select 'hold', h.id, h.amount, c.scale
  from holds h join accounts a on a.id = h.account_id join currencies c on c.code = a.currency
 where h.created_at >= :since and h.amount <> round(h.amount, c.scale)
""",
        freezes=True,
    ),
    Invariant(
        "I08",
        "Each posting continues its account's running balance; those of rolled-up accounts have none",
        """
select p.id as posting_id, p.account_id, p.balance_after
  from postings p join accounts a on a.id = p.account_id
 where p.created_at >= :since
   and p.balance_after is distinct from case when a.rolled_up then null else p.amount + coalesce((
         select q.balance_after from postings q
          where q.account_id = p.account_id and q.id < p.id order by q.id desc limit 1), 0) end
""",
        freezes=True,
    ),
    Invariant(
        "I13",
        "What the platform was paid by settlements and adjustments is the profit of the completed orders",
        f"""
select coalesce(o.currency, s.currency) as currency, coalesce(o.test, s.test) as test, o.profit, s.posted
  from (select crypto_currency as currency, test, sum(platform_profit) as profit from orders
         where status = 'completed' and id in ({CHANGED_ORDERS}) group by 1, 2) o
  full join (
    select a.currency, a.test, sum(p.amount) as posted
      from ({OF_ORDERS}) t join postings p on p.transfer_id = t.id
      join accounts a on a.id = p.account_id and a.owner_type = 'platform'
     where not t.undone and t.order_id in ({CHANGED_ORDERS})
     group by a.currency, a.test
  ) s on s.currency = o.currency and s.test = o.test
 where coalesce(o.profit, 0) <> coalesce(s.posted, 0)
""",  # noqa: S608 - our own constants
        freezes=True,
    ),
    Invariant(
        "I28",
        "A posted deposit has moved exactly its amount to its owner, once; any other has moved nothing",
        """
select d.id as deposit_id, d.status, d.amount, m.transfers, m.moved
  from deposits d
 cross join lateral (
   select count(distinct t.id) as transfers, coalesce(sum(p.amount) filter (
            where a.owner_type = d.owner_type and a.owner_id = d.owner_id and a.kind = 'crypto'
              and a.currency = d.currency), 0) as moved
     from transfers t join postings p on p.transfer_id = t.id join accounts a on a.id = p.account_id
    where t.kind = 'deposit' and t.ref_type = 'deposit' and t.ref_id = d.id
 ) m
 where (d.created_at >= :since or d.decided_at >= :since)
   and (m.transfers, m.moved) is distinct from
       (case when d.status = 'posted' then 1 else 0 end, case when d.status = 'posted' then d.amount else 0 end)
""",
        freezes=True,
    ),
    Invariant(
        "I28c",
        "A cover has lent exactly its amount, and what is outstanding of it is what its repayments left",
        """
select c.id as cover_id, c.amount, c.outstanding, lent.moved as lent, back.repaid, back.moved as returned
  from covers c
 cross join lateral (
   select coalesce(sum(p.amount) filter (where p.account_id = c.account_id), 0) as moved
     from transfers t join postings p on p.transfer_id = t.id
    where t.kind = 'cover' and t.ref_type = 'cover' and t.ref_id = c.id
 ) lent
 cross join lateral (
   select coalesce(sum(r.amount), 0) as repaid,
          coalesce(sum((select -sum(p.amount) from transfers t join postings p on p.transfer_id = t.id
                         where t.kind = 'cover_repayment' and t.ref_type = 'cover_repayment' and t.ref_id = r.id
                           and p.account_id = c.account_id)), 0) as moved
     from cover_repayments r where r.cover_id = c.id
 ) back
 where (c.outstanding > 0 or c.created_at >= :since or c.repaid_at >= :since)
   and (c.amount, c.outstanding, back.repaid)
       is distinct from (lent.moved, c.amount - back.repaid, back.moved)
""",
        freezes=True,
    ),
    Invariant(
        "I29",
        "Every transfer is about something that exists",
        """
select t.id as transfer_id, t.kind, t.ref_type, t.ref_id
  from transfers t
 where t.created_at >= :since
   and not coalesce(case t.ref_type
         when 'order' then exists (select 1 from orders o where o.id = t.ref_id)
         when 'dispute' then exists (select 1 from disputes d where d.id = t.ref_id)
         when 'cover' then exists (select 1 from covers c where c.id = t.ref_id)
         when 'cover_repayment' then exists (select 1 from cover_repayments r where r.id = t.ref_id)
         when 'withdrawal' then exists (select 1 from withdrawals w where w.id = t.ref_id)
         when 'balance_adjustment' then exists (select 1 from balance_adjustments b where b.id = t.ref_id)
         when 'deposit' then exists (select 1 from deposits d where d.id = t.ref_id)
         when 'unmatched_payment' then exists (select 1 from unmatched_payments u where u.id = t.ref_id) end, false)
""",
        freezes=True,
    ),
)
