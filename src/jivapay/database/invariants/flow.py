"""What must reach somebody or happen in time: callbacks, outbox, deadlines, idempotency, receipts (I23 to I30, I39)."""

from jivapay.database.ageing import OVERDUE
from jivapay.database.invariants.model import Invariant
from jivapay.domain.callback_events import INCOMING_EVENTS, ORDER_EVENTS

_ORDER_TOLD = ", ".join(f"'{status.value}'" for status in ORDER_EVENTS)
_INCOMING_TOLD = ", ".join(f"'{status.value}'" for status in INCOMING_EVENTS)

NOT_FROZEN = """
not exists (select 1 from money_freezes where lifted_at is null or lifted_at > app_now() - interval '10 minutes')
"""
"""While money is frozen no deadline passes; those that passed in it move on by five minutes afterwards."""

FLOW = (
    Invariant(
        "I23",
        "The store is told of every step of an order that concerns it",
        f"""
select h.entity_id as order_id, h.to_status, count(*) as steps, c.told
  from status_history h
 cross join lateral (
   select count(*) as told from callback_deliveries c
    where c.order_type = 'order' and c.order_id = h.entity_id and c.order_status = h.to_status
 ) c
 where h.entity = 'order' and h.to_status in ({_ORDER_TOLD})
   and h.entity_id in (select entity_id from status_history where entity = 'order' and at >= :since)
 group by h.entity_id, h.to_status, c.told having count(*) <> c.told
""",  # noqa: S608 - our own constants
    ),
    Invariant(
        "I23i",
        "The store is told how an incoming order without an order ended or why it waits",
        f"""
select h.entity_id as incoming_order_id, h.to_status, count(*) as steps, c.told
  from status_history h
 cross join lateral (
   select count(*) as told from callback_deliveries c
    where c.order_type = 'incoming_order' and c.order_id = h.entity_id and c.order_status = h.to_status
 ) c
 where h.entity = 'incoming_order' and h.to_status in ({_INCOMING_TOLD})
   and h.entity_id in (select entity_id from status_history where entity = 'incoming_order' and at >= :since)
   and (not exists (select 1 from status_history a where a.entity = 'incoming_order' and a.entity_id = h.entity_id
                       and a.version < h.version and a.to_status = 'assigned')
        or exists (select 1 from incoming_orders i where i.id = h.entity_id and i.direction = 'pay_out'
                      and i.assigned_order_id is null))
 group by h.entity_id, h.to_status, c.told having count(*) <> c.told
""",  # noqa: S608 - our own constants
    ),
    Invariant(
        "I24",
        "No callback is forgotten: it has a number and a next attempt that is not overdue, and it ends only once tried",
        """
select id as delivery_id, state, attempts, next_attempt_at, store_seq
  from callback_deliveries
 where (state in ('pending', 'retrying')
        and (next_attempt_at is null or next_attempt_at < app_now() - interval '5 minutes'))
    or (state = 'delivered') <> (delivered_at is not null)
    or (state = 'exhausted' and attempts < 10)
    or (store_seq is null and created_at < app_now() - interval '5 minutes')
""",
        live=True,
    ),
    Invariant(
        "I25",
        "The outbox drains",
        """
select id as outbox_id, topic, created_at
  from outbox where dispatched_at is null and created_at < app_now() - interval '5 minutes'
""",
        live=True,
    ),
    Invariant(
        "I26",
        "No incoming order is forgotten while a requisite is looked for",
        f"""
select id as incoming_order_id, status, next_attempt_at, expires_at
  from incoming_orders
 where status in ('new', 'retrying', 'manual_review') and {NOT_FROZEN}
   and ((status <> 'manual_review' and next_attempt_at < app_now() - interval '10 minutes')
        or (status = 'retrying' and next_attempt_at is null)
        or (status = 'new' and next_attempt_at is null and amount_fiat is not null and payment_method is not null)
        or expires_at < app_now() - interval '2 minutes')
""",  # noqa: S608 - our own constants
        live=True,
    ),
    Invariant(
        "I26o",
        "No order outlives its deadline, and every order with a clock has one",
        f"""
select id as order_id, status, expires_at
  from orders
 where status in ('pending', 'in_progress', 'pending_trader_confirmation') and {NOT_FROZEN}
   and (expires_at is null or expires_at < app_now() - interval '2 minutes')
""",  # noqa: S608 - our own constants
        live=True,
    ),
    Invariant(
        "I26k",
        "What a pay-out has credited to its trader clears in time, unless an open dispute keeps it",
        f"""
select o.id as order_id, o.clearing_until
  from orders o
 where o.cleared_at is null and o.clearing_until < app_now() - interval '5 minutes' and o.status = 'completed'
   and {NOT_FROZEN}
   and not exists (
     select 1 from disputes d where d.order_id = o.id
        and (d.status not like 'resolved%' or d.resolved_at > app_now() - interval '5 minutes'))
""",  # noqa: S608 - our own constants
        live=True,
    ),
    Invariant(
        "I26p",
        "An order that waits for a person is not forgotten for three days",
        """
select o.id as order_id, o.status, h.at as since
  from orders o
  join status_history h on h.entity = 'order' and h.entity_id = o.id and h.version = o.version
 where o.status in ('requires_attention', 'dispute') and h.at < app_now() - interval '3 days'
""",
        live=True,
    ),
    Invariant(
        "I26d",
        "No turn of a dispute outlives its clock, and none waits for staff past the time for its attention",
        f"""
select id as dispute_id, status, due_at
  from disputes
 where status not like 'resolved%' and status <> 'waiting_funds' and {NOT_FROZEN}
   and (due_at is null
        or due_at < app_now() - case status when 'under_review' then interval '0' else interval '2 minutes' end)
""",  # noqa: S608 - our own constants
        live=True,
    ),
    Invariant(
        "I26c",
        "What an owner with an open cover has available goes to its repayment within minutes",
        f"""
select c.id as cover_id, c.outstanding, a.balance - a.held as available
  from covers c join accounts a on a.id = c.account_id
 where c.outstanding > 0 and a.balance > a.held and {NOT_FROZEN}
   and not exists (select 1 from postings p where p.account_id = a.id
                      and p.created_at >= app_now() - interval '5 minutes')
   and not exists (select 1 from holds h where h.account_id = a.id
                      and h.resolved_at >= app_now() - interval '5 minutes')
""",  # noqa: S608 - our own constants
        live=True,
    ),
    Invariant(
        "I26w",
        "Nothing else that waits is overdue",
        OVERDUE,
        live=True,
    ),
    Invariant(
        "I27",
        "An idempotency key stands for an order that exists and belongs to the store or the merchant that used it",
        """
select k.scope, k.key, k.resource_type, k.resource_id
  from idempotency_keys k
  left join incoming_orders i on i.id = k.resource_id
  left join merchant_stores s on s.id = i.store_id
  left join merchants m on m.id = s.merchant_id
 where k.created_at >= :since and k.resource_type = 'incoming_order'
   and (k.scope in ('store:' || s.id, 'user:' || m.user_id)) is not true
""",
    ),
    Invariant(
        "I27r",
        "A thing was made under one idempotency key only",
        """
select resource_type, resource_id, count(*) as keys
  from idempotency_keys where status = 201 group by resource_type, resource_id having count(*) > 1
""",
    ),
    Invariant(
        "I30",
        "A receipt belongs to its incoming order's own order",
        """
select d.id as document_id, d.incoming_order_id, d.order_id
  from uploaded_documents d left join orders o on o.id = d.order_id
 where d.created_at >= :since and d.order_id is not null
   and o.incoming_order_id is distinct from d.incoming_order_id
""",
    ),
    Invariant(
        "I39",
        "A store's stream of events has no gap",
        """
select c.store_id, count(*) as events, max(c.store_seq) as highest, max(s.last_seq) as counted
  from callback_deliveries c left join store_sequences s on s.store_id = c.store_id
 where c.store_seq is not null
 group by c.store_id
having count(*) <> max(c.store_seq) or max(c.store_seq) is distinct from max(s.last_seq)
""",
        complete_only=True,
    ),
)
