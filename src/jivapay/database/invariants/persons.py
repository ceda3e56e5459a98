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
""",
    ),
)
