"""Withdrawals and adjustments: what is held and what has moved is what they say (I14w, I28w, I28b, I26t, I26a)."""

from jivapay.database.invariants.flow import NOT_FROZEN
from jivapay.database.invariants.model import Invariant

TREASURY = (
    Invariant(
        "I14w",
        "A withdrawal that may still be sent is held for whole, with its fee, on its owner's account",
        """
select w.id as withdrawal_id, w.status, w.amount + w.network_fee as leaves, h.total as held
  from withdrawals w
  left join lateral (
    select sum(h.amount) as total from holds h join accounts a on a.id = h.account_id
     where h.status = 'active' and h.ref_type = 'withdrawal' and h.ref_id = w.id and a.owner_type = w.owner_type
       and a.owner_id is not distinct from w.owner_id and a.kind = 'crypto' and a.currency = w.currency
       and not a.test
  ) h on true
 where w.status in ('requested', 'approved', 'sending') and h.total is distinct from w.amount + w.network_fee
""",
        freezes=True,
    ),
    Invariant(
        "I28w",
        "A sent withdrawal has taken exactly its amount and fee from its owner, once; any other has taken nothing",
        """
select w.id as withdrawal_id, w.status, w.amount + w.network_fee as leaves, m.transfers, m.moved
  from withdrawals w
 cross join lateral (
   select count(distinct t.id) as transfers, coalesce(-sum(p.amount) filter (
            where a.owner_type = w.owner_type and a.owner_id is not distinct from w.owner_id and a.kind = 'crypto'
              and a.currency = w.currency), 0) as moved
     from transfers t join postings p on p.transfer_id = t.id join accounts a on a.id = p.account_id
    where t.kind = 'withdrawal' and t.ref_type = 'withdrawal' and t.ref_id = w.id
 ) m
 where (w.created_at >= :since or w.updated_at >= :since)
   and (m.transfers, m.moved) is distinct from
       (case when w.status = 'sent' then 1 else 0 end,
        case when w.status = 'sent' then w.amount + w.network_fee else 0 end)
""",
        freezes=True,
    ),
    Invariant(
        "I28b",
        "A posted adjustment has given its owner exactly its amount, by a transfer or by undoing the one it names",
        """
select b.id as adjustment_id, b.status, b.amount, m.transfers, m.moved
  from balance_adjustments b
 cross join lateral (
   select count(distinct t.id) as transfers, coalesce(sum(p.amount) filter (
            where a.owner_type = b.owner_type and a.owner_id is not distinct from b.owner_id and a.kind = 'crypto'
              and a.currency = b.currency and a.test = b.test), 0) as moved
     from transfers t join postings p on p.transfer_id = t.id join accounts a on a.id = p.account_id
    where (b.corrects_id is null and t.kind = 'adjustment' and t.ref_type = 'balance_adjustment' and t.ref_id = b.id)
       or (b.corrects_id is not null and t.reverses_id is not null and t.ref_type = b.corrects_type
           and t.ref_id = b.corrects_id and b.status = 'posted')
 ) m
 where (b.created_at >= :since or b.decided_at >= :since)
   and (m.transfers, m.moved) is distinct from
       (case when b.status = 'posted' then 1 else 0 end, case when b.status = 'posted' then b.amount else 0 end)
""",
        freezes=True,
    ),
    Invariant(
        "I28u",
        "Nothing of a deposit, withdrawal or adjustment is undone but by an adjustment that names it",
        """
select r.id as transfer_id, r.kind, r.ref_type, r.ref_id
  from transfers r
 where r.created_at >= :since and r.reverses_id is not null
   and r.ref_type in ('deposit', 'withdrawal', 'balance_adjustment')
   and not exists (select 1 from balance_adjustments b where b.corrects_type = r.ref_type
                      and b.corrects_id = r.ref_id and b.status = 'posted')
""",
        freezes=True,
    ),
    Invariant(
        "I26t",
        "No withdrawal is forgotten for three days, and nobody has one in hand for a day",
        f"""
select w.id as withdrawal_id, w.status, w.updated_at
  from withdrawals w
 where {NOT_FROZEN}
   and ((w.status in ('requested', 'approved') and w.updated_at < app_now() - interval '3 days')
     or (w.status = 'sending' and w.updated_at < app_now() - interval '1 day'))
""",  # noqa: S608 - our own constants
        live=True,
    ),
    Invariant(
        "I26a",
        "No decision waits for its second person for three days",
        """
select id as approval_id, action, created_at
  from approvals where status = 'requested' and created_at < app_now() - interval '3 days'
""",
        live=True,
    ),
)
