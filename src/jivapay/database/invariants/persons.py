"""Two persons where money decisions need them (I36; hard case 14)."""

from jivapay.database.invariants.model import Invariant

PERSONS = (
    Invariant(
        "I36",
        "A money decision is recorded, and where it needed a second person one without a part in the case decided",
        """
select 'approval' as kind, a.id
  from approvals a
 where a.status = 'executed' and a.needs_second_person and (a.created_at >= :since or a.decided_at >= :since)
   and (a.decided_by is null or a.decided_by = a.requested_by or a.decided_by = any (a.involved))
 union all
select 'deposit', d.id
  from deposits d
 where d.status = 'posted' and (d.created_at >= :since or d.decided_at >= :since)
   and not exists (select 1 from approvals a where a.entity = 'deposit' and a.entity_id = d.id
                      and a.status = 'executed' and a.amount = d.amount)
 union all
select 'withdrawal', w.id
  from withdrawals w
 where w.status in ('approved', 'sending', 'sent') and (w.created_at >= :since or w.updated_at >= :since)
   and not exists (select 1 from approvals a where a.action = 'withdrawal.approve' and a.entity = 'withdrawal'
                      and a.entity_id = w.id and a.status = 'executed' and a.amount = w.amount + w.network_fee)
 union all
select 'balance_adjustment', b.id
  from balance_adjustments b
 where b.status = 'posted' and (b.created_at >= :since or b.decided_at >= :since)
   and not exists (select 1 from approvals a where a.entity = 'balance_adjustment' and a.entity_id = b.id
                      and a.status = 'executed' and a.needs_second_person and a.amount = abs(b.amount))
""",
    ),
)
