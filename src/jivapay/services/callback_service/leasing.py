"""Which deliveries a worker may send now: due, at most two of a store at once across all workers.

A lease is a deadline, not a lock: a worker that dies keeps it until it lapses, and the delivery is sent again
under the same event id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text

from jivapay.database.models.callbacks import CallbackDelivery
from jivapay.database.session import WriteSession
from jivapay.services.callback_service.states import app_now, skip_replaced

LEASE_SECONDS = 30
"""Longer than an attempt and its recording, so that nothing is sent twice while its sender lives."""
IN_FLIGHT_PER_STORE = 2
LOCK_KEY = 7_471_003
"""Advisory lock: leases are handed out one worker at a time, or two of them would count past each other."""

_LOCK = text("select pg_advisory_xact_lock(:key)")

# Walks from store to store along the index of due rows, so that a backlog of one costs the others nothing.
# An event waits while an older one of its order is in flight: they must not overtake each other.
_LEASE = text("""
with recursive stores (store_id) as (
  (select store_id from callback_deliveries
    where state in ('pending', 'retrying') and store_seq is not null order by store_id limit 1)
  union all
  select (select d.store_id from callback_deliveries d
           where d.state in ('pending', 'retrying') and d.store_seq is not null and d.store_id > stores.store_id
           order by d.store_id limit 1)
    from stores where stores.store_id is not null
), candidates as (
  select due.id, due.next_attempt_at
    from stores
   cross join lateral (
     select count(*) as in_flight from callback_deliveries b
      where b.store_id = stores.store_id and b.leased_until > app_now()
   ) busy
   cross join lateral (
     select d.id, d.next_attempt_at from callback_deliveries d
      where d.store_id = stores.store_id
        and d.state in ('pending', 'retrying') and d.store_seq is not null
        and d.next_attempt_at <= app_now()
        and (d.leased_until is null or d.leased_until <= app_now())
        and not exists (
          select 1 from callback_deliveries o
           where o.public_order_id = d.public_order_id and o.id < d.id and o.leased_until > app_now())
      order by d.next_attempt_at, d.id
      limit greatest(0, :per_store - busy.in_flight)
   ) due
   where stores.store_id is not null and stores.store_id <> all(cast(:passed_over as bigint[]))
), picked as (
  select id from callback_deliveries
   where id in (select id from candidates order by next_attempt_at, id limit :limit)
   for update skip locked
)
update callback_deliveries d
   set leased_until = app_now() + make_interval(secs => :lease_seconds), lease_owner = :owner
  from merchant_stores s
 where d.id in (select id from picked) and s.id = d.store_id
returning d.id, d.event_id, d.store_id, d.store_seq, d.url, d.payload::text as payload, d.attempts,
          s.public_id as store_public_id, s.callback_secret, s.callback_secret_previous
""")


@dataclass(frozen=True, slots=True)
class Leased:
    """One delivery to send, with all it takes, so that nothing is read while it is on its way."""

    id: int
    event_id: str
    store_id: int
    store_seq: int
    url: str
    payload: str
    """As stored: read where one bad row spoils one attempt and not everybody's."""
    attempts: int
    """Made so far."""
    store_public_id: UUID
    callback_secret: bytes = field(repr=False)
    callback_secret_previous: bytes | None = field(repr=False)


async def lease(
    session: WriteSession, owner: UUID, limit: int, *, passed_over: Collection[int] = ()
) -> Sequence[Leased]:
    """Take up to `limit` due deliveries for `owner`, oldest first, none of the stores `passed_over`.

    A lapsed one whose order has moved on gives way.
    """
    await session.execute(_LOCK, {"key": LOCK_KEY})
    await skip_replaced(session, CallbackDelivery.leased_until <= app_now())
    rows = await session.execute(
        _LEASE,
        {
            "owner": owner,
            "limit": limit,
            "per_store": IN_FLIGHT_PER_STORE,
            "lease_seconds": LEASE_SECONDS,
            "passed_over": list(passed_over),
        },
    )
    return sorted((Leased(**row) for row in rows.mappings()), key=lambda leased: leased.id)
