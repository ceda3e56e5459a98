"""The life of a delivery outside the network: booked with the status step, numbered, sent again by hand."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text

from jivapay.database.models.callbacks import CallbackDelivery, DisabledCallbackAddress
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import NotFound, OrderStateConflict
from jivapay.schemas_enums.enums import CallbackState
from jivapay.services import audit_service
from jivapay.services.callback_service.schedule import next_round
from jivapay.services.callback_service.states import app_now, move, skip_replaced

# Locked first: two relays that overlap for a moment number each row once, and no number is lost.
_ASSIGN = text("""
with fresh as (
  select id, store_id from callback_deliveries where store_seq is null order by id limit :limit for update
), placed as (
  select id, store_id, row_number() over (partition by store_id order by id) as place from fresh
), counted as (
  select store_id, count(*) as fresh from placed group by store_id
), raised as (
  insert into store_sequences (store_id, last_seq) select store_id, fresh from counted order by store_id
  on conflict (store_id) do update set last_seq = store_sequences.last_seq + excluded.last_seq
  returning store_id, last_seq
)
update callback_deliveries d set store_seq = raised.last_seq - counted.fresh + placed.place
  from placed join counted using (store_id) join raised using (store_id)
 where d.id = placed.id
returning d.id
""")


async def book(
    session: WriteSession,
    *,
    store_id: int,
    order_type: str,
    order_id: int,
    public_order_id: UUID,
    status_version: int,
    event_type: str,
    order_status: str,
    url: str | None,
    payload: Mapping[str, Any],
    test: bool,
) -> str:
    """Intend to tell the store, in the transaction that made it true; the event's id, stable for ever.

    `payload` is the whole body but for `event_id`, `store_seq`, `timestamp` and `signature`. Without a `url`
    the event is only part of the stream.
    """
    event_id = f"evt_{new_id().hex}"
    await session.execute(
        insert(CallbackDelivery).values(
            event_id=event_id,
            store_id=store_id,
            order_type=order_type,
            order_id=order_id,
            public_order_id=public_order_id,
            event_type=event_type,
            order_status=order_status,
            status_version=status_version,
            url=url,
            payload=dict(payload),
            test=test,
            state=CallbackState.PENDING if url else CallbackState.SKIPPED,
            next_attempt_at=app_now() if url else None,
        )
    )
    return event_id


async def assign_sequence(session: WriteSession, limit: int = 1000) -> int:
    """Give every booked event its number in its store's stream, in commit order and without gaps; how many.

    For the relay, which is one: an event committed later gets the larger number even if its id is smaller, so
    a reader who has seen number n never meets a smaller one he has not seen. Numbering an event lets it be
    sent, unless its address answered 410 before, and takes its order's older ones out of the push.
    """
    numbered = (await session.scalars(_ASSIGN, {"limit": limit})).all()
    if numbered:
        newer = select(CallbackDelivery.public_order_id).where(CallbackDelivery.id.in_(numbered))
        await move(
            session,
            CallbackState.DISABLED,
            CallbackDelivery.id.in_(numbered),
            select(DisabledCallbackAddress)
            .where(
                DisabledCallbackAddress.store_id == CallbackDelivery.store_id,
                DisabledCallbackAddress.url == CallbackDelivery.url,
            )
            .exists(),
            next_attempt_at=None,
        )
        # Those in flight are left to whoever sends them.
        await skip_replaced(
            session, CallbackDelivery.public_order_id.in_(newer), CallbackDelivery.leased_until.is_(None)
        )
    return len(numbered)


async def resend(session: WriteSession, delivery_id: int, *, actor: Actor) -> None:
    """Begin a new round of attempts for an event that is not being tried any more, under the same event id.

    One booked without an address goes to the store's present one. Whose delivery it is, the caller has checked.
    Raises NotFound, or OrderStateConflict while it is still being tried or there is no address.
    """
    found = await session.execute(
        select(CallbackDelivery.state, CallbackDelivery.attempts, CallbackDelivery.url, MerchantStore.callback_url)
        .join(MerchantStore, MerchantStore.id == CallbackDelivery.store_id)
        .where(CallbackDelivery.id == delivery_id)
        .with_for_update(of=CallbackDelivery)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    before, attempts, own_url, store_url = row
    if own_url is None and store_url is None:
        raise OrderStateConflict(before, "The store has no callback address.")
    moved = await move(
        session,
        CallbackState.PENDING,
        CallbackDelivery.id == delivery_id,
        url=own_url or store_url,
        attempts=next_round(attempts),
        next_attempt_at=app_now(),
        delivered_at=None,
    )
    if not moved:
        raise OrderStateConflict(before, f"The callback is {before} and still being tried.")
    await audit_service.log_event(
        session, actor, "callback.resent", entity="callback_delivery", entity_id=delivery_id, details={"from": before}
    )
