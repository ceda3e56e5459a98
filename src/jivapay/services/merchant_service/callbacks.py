"""A merchant looks at what his stores were told, and has it told again (CBK-05, hard case 19)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from jivapay.database.models.callbacks import CallbackAttempt, CallbackDelivery, DisabledCallbackAddress
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.callbacks import CallbackAttemptRead, CallbackFilter, CallbackRead
from jivapay.schemas_enums.enums import CallbackState
from jivapay.services import callback_service
from jivapay.services.merchant_service.stores import get_merchant_store, lock_own_store
from jivapay.utils.listing import Listed, Sorting, fetch_list

SORTING = Sorting(
    {"created_at": CallbackDelivery.created_at},
    CallbackDelivery.id,
    cast(func.substr(CallbackDelivery.event_id, len("evt_") + 1), Uuid),
)


def _own(actor: Actor) -> Select[CallbackDelivery, Any]:
    return (
        select(CallbackDelivery, MerchantStore.public_id)
        .join(MerchantStore, MerchantStore.id == CallbackDelivery.store_id)
        .where(MerchantStore.merchant_id == (actor.owner_id or 0))
    )


async def list_callbacks(session: AnySession, actor: Actor, asked: CallbackFilter) -> Listed[CallbackRead]:
    """Of all his stores, newest first. Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`."""
    statement = _own(actor)
    if asked.store_id is not None:
        statement = statement.where(MerchantStore.public_id == asked.store_id)
    if asked.order_id is not None:
        statement = statement.where(CallbackDelivery.public_order_id == asked.order_id)
    if asked.state is not None:
        statement = statement.where(CallbackDelivery.state == asked.state)
    listed = await fetch_list(session, statement, SORTING, asked)
    return Listed(await _read(session, listed.rows), listed.total, listed.next_cursor)


async def resend_callback(session: WriteSession, actor: Actor, event_id: str) -> CallbackRead:
    """Send it again under the same event id. Raises NotFound, also for somebody else's, OrderStateConflict."""
    statement = _own(actor).where(CallbackDelivery.event_id == event_id)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    await callback_service.resend(session, row[0].id, actor=actor)
    await session.refresh(row[0])
    return (await _read(session, [row]))[0]


async def _read(session: AnySession, rows: Sequence[Any]) -> list[CallbackRead]:
    newest = await session.scalars(
        select(CallbackAttempt)
        .ext(distinct_on(CallbackAttempt.delivery_id))
        .where(CallbackAttempt.delivery_id.in_([delivery.id for delivery, _ in rows]))
        .order_by(CallbackAttempt.delivery_id, CallbackAttempt.id.desc())
    )
    last = {attempt.delivery_id: attempt for attempt in newest}
    return [_shown(delivery, store_id, last.get(delivery.id)) for delivery, store_id in rows]


def _shown(delivery: CallbackDelivery, store_id: UUID, attempt: CallbackAttempt | None) -> CallbackRead:
    return CallbackRead(
        id=delivery.event_id,
        store_id=store_id,
        store_seq=delivery.store_seq,
        order_id=delivery.public_order_id,
        type=delivery.event_type,
        state=CallbackState(delivery.state),
        url=delivery.url,
        attempts=delivery.attempts,
        next_attempt_at=delivery.next_attempt_at,
        delivered_at=delivery.delivered_at,
        last_attempt=None
        if attempt is None
        else CallbackAttemptRead(
            attempt=attempt.attempt,
            at=attempt.started_at,
            duration_ms=attempt.duration_ms,
            response_status=attempt.response_status,
            failure=attempt.failure,
        ),
        payload=delivery.payload,
        created_at=delivery.created_at,
        test=delivery.test,
    )


async def list_disabled_addresses(
    session: AnySession, actor: Actor, store_id: UUID
) -> Sequence[DisabledCallbackAddress]:
    """Where nothing is sent any more, because it answered 410. Raises NotFound for somebody else's store."""
    return await callback_service.list_disabled(session, (await get_merchant_store(session, actor, store_id)).store.id)


async def enable_addresses(session: WriteSession, actor: Actor, store_id: UUID) -> None:
    """Send there again from now on. Raises NotFound for somebody else's store."""
    store = await lock_own_store(session, actor, store_id)
    await callback_service.enable_addresses(session, actor, store.id)
