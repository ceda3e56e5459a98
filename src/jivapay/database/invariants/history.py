"""Status history, the audit log and its chain (I18 to I22)."""

from jivapay.database import audit_digest, posting_digest
from jivapay.database.invariants.model import Invariant

STEPPED = {
    "incoming_order": "incoming_orders",
    "order": "orders",
    "payment_session": "payment_sessions",
    "deposit": "deposits",
    "approval": "approvals",
    "dispute": "disputes",
    "payout": "payouts",
    "unmatched_payment": "unmatched_payments",
    "withdrawal": "withdrawals",
    "balance_adjustment": "balance_adjustments",
}
"""Entity → table of everything whose status only moves by steps."""

_CHANGED = "select entity_id from status_history where entity = '{entity}' and at >= :since"
_STATES = "\n union all\n".join(
    f"select '{entity}' as entity, id, status, version from {table}"  # noqa: S608 - our own constants
    f" where created_at >= :since or id in ({_CHANGED.format(entity=entity)})"
    for entity, table in STEPPED.items()
)

NEVER_LEFT = {
    "incoming_order": ("processed", "failed"),
    "order": ("failed", "reversed", "declined"),
    "payment_session": ("completed", "completed_with_issues", "failed"),
    "deposit": ("posted", "rejected"),
    "approval": ("executed", "rejected", "lapsed"),
    "dispute": ("resolved_completed", "resolved_adjusted", "resolved_cancelled"),
    "payout": ("processed", "cancelled"),
    "unmatched_payment": ("attached", "returned"),
    "withdrawal": ("sent", "rejected", "cancelled"),
    "balance_adjustment": ("posted", "rejected"),
}
"""Written out and not read from the transitions, which this is to prove."""

_LEFT = "\n    or ".join(
    f"(a.entity = '{entity}' and a.to_status in ({', '.join(repr(status) for status in statuses)}))"
    for entity, statuses in NEVER_LEFT.items()
)

HISTORY = (
    Invariant(
        "I18",
        "Every status is the one its last step led to",
        f"""
select e.entity, e.id, e.status, h.to_status as last_step
  from ({_STATES}) e
  left join status_history h on h.entity = e.entity and h.entity_id = e.id and h.version = e.version
 where h.to_status is distinct from e.status
""",  # noqa: S608 - our own constants
    ),
    Invariant(
        "I18v",
        "The version of a row is the number of its steps",
        f"""
select e.entity, e.id, e.version, h.steps
  from ({_STATES}) e
 cross join lateral (
   select count(*) as steps from status_history h where h.entity = e.entity and h.entity_id = e.id
 ) h
 where h.steps <> e.version + 1
""",  # noqa: S608 - our own constants
    ),
    Invariant(
        "I19",
        "The history has no gap, and every step of it stands in the table of allowed steps",
        """
select h.id as history_id, h.entity, h.entity_id, h.from_status, h.to_status
  from status_history h
  left join status_history p on p.entity = h.entity and p.entity_id = h.entity_id and p.version = h.version - 1
  left join status_transitions s
    on s.entity = h.entity and s.from_status = coalesce(h.from_status, '') and s.to_status = h.to_status
 where h.at >= :since
   and (h.from_status is distinct from p.to_status or s.entity is null or (h.version = 0) <> (p.id is null))
""",
    ),
    Invariant(
        "I20",
        "A terminal status is left only where the tables say so; a lapsed pay-in revives once, else by a person",
        f"""
select a.entity, a.entity_id, a.to_status as terminal, b.to_status as left_for
  from status_history b
  join status_history a on a.entity = b.entity and a.entity_id = b.entity_id and a.version = b.version - 1
 where b.at >= :since
   and ({_LEFT}
    or (a.entity = 'order' and a.to_status = 'completed' and b.to_status not in ('completed', 'reversed'))
    or (a.entity = 'order' and a.to_status in ('cancelled', 'expired')
        and not (b.to_status = 'requires_attention' and b.actor_kind = 'user')
        and (a.from_status is distinct from 'pending' or exists (
             select 1 from status_history x where x.entity = 'order' and x.entity_id = a.entity_id
                and x.version < a.version and x.to_status in ('cancelled', 'expired')))))
""",  # noqa: S608 - our own constants
    ),
    Invariant(
        "I21",
        "Every step has its audit row",
        """
select h.id as history_id, h.entity, h.entity_id, h.version
  from status_history h
  left join audit_log a on a.entity = h.entity and a.entity_id = h.entity_id and a.version = h.version
 where h.at >= :since
   and (a.id is null or a.actor_kind <> h.actor_kind or a.actor_id is distinct from h.actor_id)
""",
    ),
    Invariant(
        "I22",
        "The audit chain is whole: no link missing, none altered, each continues the one before",
        audit_digest.BROKEN_LINKS,
        freezes=True,
    ),
    Invariant(
        "I22c",
        "No audit row was left out of the chain or slipped in behind it",
        """
select a.id as audit_id, a.action
  from audit_log a
 where a.at >= :since and a.xid < (select xid from horizons where name = 'audit_chain')
   and not exists (select 1 from audit_chain c where c.audit_id = a.id)
""",
        freezes=True,
    ),
    Invariant(
        "I22p",
        "The chain of postings is whole: no link missing, no posting altered, each link continues the one before",
        posting_digest.BROKEN_LINKS,
        freezes=True,
    ),
    Invariant(
        "I22q",
        "No posting was left out of the chain or slipped in behind it",
        """
select p.id as posting_id, p.transfer_id
  from postings p
 where p.created_at >= :since and p.xid < (select xid from horizons where name = 'posting_chain')
   and not exists (select 1 from posting_chain c where c.posting_id = p.id)
""",
        freezes=True,
    ),
    Invariant(
        "I22h",
        "A sealed day has the postings that its head counted, and no other",
        """
select h.day, h.postings as sealed, d.postings, a.postings as in_accounts
  from chain_heads h
 cross join lateral (
   select count(*) as postings from postings p
    where p.created_at >= h.day::timestamp at time zone 'utc'
      and p.created_at < (h.day + 1)::timestamp at time zone 'utc'
 ) d
 cross join lateral (
   select coalesce(sum(c.postings), 0) as postings from chain_head_accounts c where c.day = h.day
 ) a
 where (h.day + 1)::timestamp at time zone 'utc' >= :since
   and (h.postings <> d.postings or h.postings <> a.postings)
""",
        freezes=True,
    ),
    Invariant(
        "I22r",
        "A posting is chained within a minute",
        """
select p.id as posting_id, p.created_at
  from postings p
 where p.created_at < app_now() - interval '60 seconds' and p.created_at >= :since
   and not exists (select 1 from posting_chain c where c.posting_id = p.id)
""",
        live=True,
    ),
    Invariant(
        "I22b",
        "An audit row is chained within a minute",
        """
select a.id as audit_id, a.at
  from audit_log a
 where a.at < app_now() - interval '60 seconds' and a.at >= :since
   and not exists (select 1 from audit_chain c where c.audit_id = a.id)
""",
        live=True,
    ),
)
