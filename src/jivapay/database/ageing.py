"""Everything that waits, in one table: what moves it on, when that is due, and who notices when it did not happen.

Nothing may be stuck in silence (issue 3, Build 10). `docs/ageing.md` is printed from here. An entry is watched by an
invariant that names it, or brings the query that finds what is overdue, which I26w asks for all of them. A test holds
that every status of every machine stands here or is one in which nobody waits.
"""

from dataclasses import dataclass

from jivapay.schemas_enums.enums import CallbackState, DepositStatus, IncomingOrderStatus, OrderStatus
from jivapay.schemas_enums.enums import PaymentSessionStatus as Session

I = IncomingOrderStatus  # noqa: E741 - three letters keep the table readable
O = OrderStatus  # noqa: E741
C = CallbackState

RESTING: dict[str, frozenset[str]] = {
    "incoming_order": frozenset({I.CANCELLED, I.EXPIRED}),
    "order": frozenset({O.CANCELLED, O.EXPIRED, O.COMPLETED}),
    "payment_session": frozenset({Session.CANCELLED, Session.EXPIRED}),
    "callback_delivery": frozenset({C.DELIVERED, C.DISABLED, C.EXHAUSTED, C.SKIPPED}),
    "payout": frozenset({"failed"}),
}
"""Statuses with a way out in which nobody waits: what may still come is late, or somebody's own wish."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of thing that waits."""

    thing: str
    """The machine's name, or what else it is."""
    statuses: tuple[str, ...]
    """Of the machine; empty for what has none."""
    due: str
    janitor: str
    """What moves it on by itself, or whose task it is."""
    watched_by: tuple[str, ...] = ()
    """Codes of invariants."""
    overdue: str = ""
    """Query for what is overdue: `id`, `status`, `since`."""


def _since_its_step(entity: str, table: str, statuses: tuple[str, ...], patience: str) -> str:
    listed = ", ".join(f"'{status}'" for status in statuses)
    return (
        f"select e.id::text as id, e.status, h.at as since from {table} e"  # noqa: S608 - our own constants
        f" join status_history h on h.entity = '{entity}' and h.entity_id = e.id and h.version = e.version"
        f" where e.status in ({listed}) and h.at < app_now() - interval '{patience}'"
    )


AGEING = (
    Waiting(
        "incoming_order",
        (I.NEW, I.RETRYING),
        "`next_attempt_at`; the session's end",
        "relay and `poll_new_orders` offer it, `expire_due` ends it",
        ("I26",),
    ),
    Waiting("incoming_order", (I.MANUAL_REVIEW,), "the session's end", "staff decide; `expire_due` ends it", ("I26",)),
    Waiting(
        "incoming_order",
        (I.ASSIGNED, I.CLIENT_PAYMENT_CONFIRMED, I.FAILED_PROCESSING_RECEIPT),
        "its order's deadline",
        "every step of the order moves it",
        ("I26o", "I26p", "I10p"),
    ),
    Waiting(
        "order",
        (O.PENDING, O.PENDING_TRADER_CONFIRMATION, O.IN_PROGRESS),
        "`expires_at`",
        "`expire_due`; moved on after a freeze or an outage",
        ("I26o",),
    ),
    Waiting("order", (O.REQUIRES_ATTENTION, O.DISPUTE), "three days", "staff, the trader, a dispute", ("I26p", "I26d")),
    Waiting(
        "payment_session",
        (Session.ACTIVE, Session.CONFIRMED),
        "its deal's deadline",
        "every step of the deal moves it",
        overdue="""
select s.id::text as id, s.status, i.updated_at as since
  from payment_sessions s join incoming_orders i on i.id = s.incoming_order_id
 where s.status in ('active', 'confirmed') and i.status in ('processed', 'failed', 'cancelled', 'expired')
   and i.updated_at < app_now() - interval '2 minutes'
""",
    ),
    Waiting("callback_delivery", (C.PENDING, C.RETRYING), "`next_attempt_at`", "the callback workers", ("I24",)),
    Waiting(
        "deposit",
        (DepositStatus.REQUESTED,),
        "three days",
        "a second person",
        overdue=_since_its_step("deposit", "deposits", ("requested",), "3 days"),
    ),
    Waiting("approval", ("requested",), "three days", "a second person", ("I26a",)),
    Waiting(
        "dispute",
        ("open", "waiting_trader", "waiting_merchant", "under_review"),
        "`due_at`",
        "the scheduler ends a turn; staff decide",
        ("I26d",),
    ),
    Waiting(
        "dispute",
        ("waiting_funds",),
        "seven days",
        "the scheduler tops the hold up; a person may cover it",
        overdue=_since_its_step("dispute", "disputes", ("waiting_funds",), "7 days"),
    ),
    Waiting(
        "payout",
        ("pending", "processing"),
        "`due_at` while a program carries it out; three days, from `execute_at` on where it is later",
        "the timetable offers it again; the deadlines of its order; the person who executes it by hand",
        ("I26q",),
        overdue="""
select p.id::text as id, p.status, greatest(h.at, p.execute_at) as since
  from payouts p join status_history h on h.entity = 'payout' and h.entity_id = p.id and h.version = p.version
 where p.status in ('pending', 'processing') and p.deleted_at is null
   and greatest(h.at, p.execute_at) < app_now() - interval '3 days'
""",
    ),
    Waiting(
        "unmatched_payment",
        ("open",),
        "three days",
        "staff attach or return it",
        overdue=_since_its_step("unmatched_payment", "unmatched_payments", ("open",), "3 days"),
    ),
    Waiting(
        "withdrawal",
        ("requested", "approved", "sending"),
        "three days; a day in somebody's hands",
        "a second person; who claimed it marks it sent",
        ("I26t",),
    ),
    Waiting("balance_adjustment", ("requested",), "three days", "a second person", ("I26a",)),
    Waiting("clearing", (), "`PAYOUT_CLEARING_SECONDS`", "the scheduler ends it, or the shop's word", ("I26k",)),
    Waiting("hold", (), "its object's deadline", "a step of its object, nothing else", ("I14",)),
    Waiting("cover", (), "the owner's next credit", "the scheduler repays it", ("I26c",)),
    Waiting(
        "document in quarantine",
        (),
        "seven days",
        "staff",
        overdue="""
select id::text as id, state as status, created_at as since from uploaded_documents
 where state = 'quarantined' and created_at < app_now() - interval '7 days'
""",
    ),
    Waiting(
        "idempotency key",
        (),
        "seven days",
        "`clean_up` forgets it",
        overdue="""
select scope || ' ' || key as id, 'kept' as status, created_at as since from idempotency_keys
 where created_at < app_now() - interval '8 days'
""",
    ),
    Waiting("outbox row", (), "at once", "the relay publishes it, `clean_up` forgets it", ("I25",)),
    Waiting("audit row", (), "a minute", "the chainer links it", ("I22b",)),
    Waiting("posting", (), "a minute", "the chainer links it", ("I22r",)),
    Waiting(
        "ended day",
        (),
        "a quarter of an hour after midnight (UTC)",
        "`seal_days` seals and exports it",
        overdue="""
select max(h.day)::text as id, 'sealed last' as status, max(h.sealed_at) as since from chain_heads h
having max(h.day) < (app_now() at time zone 'utc')::date - 2
 union all
select h.day::text, 'not exported', h.sealed_at from chain_heads h
 where h.sealed_at < app_now() - interval '1 day'
   and not exists (select from chain_head_exports e where e.day = h.day)
""",
    ),
    Waiting(
        "failed task",
        (),
        "a day",
        "a person: `jivapay tasks failed`, `jivapay tasks requeue`",
        overdue="""
select id::text as id, name as status, failed_at as since from failed_tasks
 where resolved_at is null and failed_at < app_now() - interval '1 day'
""",
    ),
    Waiting(
        "reconciliation",
        (),
        "an hour",
        "the scheduler makes it",
        overdue="""
select id::text as id, 'asked for' as status, requested_at as since from reconciliations
 where finished_at is null and requested_at < app_now() - interval '1 hour'
""",
    ),
    Waiting(
        "money freeze",
        (),
        "a day",
        "a person: `jivapay unfreeze`",
        overdue="""
select id::text as id, coalesce(invariant, 'by hand') as status, frozen_at as since from money_freezes
 where lifted_at is null and frozen_at < app_now() - interval '1 day'
""",
    ),
)

OVERDUE = "\n union all\n".join(
    f"select '{entry.thing}' as thing, o.id, o.status, o.since from ({entry.overdue}) o"  # noqa: S608 - our own
    for entry in AGEING
    if entry.overdue
)
"""Everything that is overdue and no other invariant speaks of."""
