"""What attempts came to: the next state of each delivery and a row for each attempt, in one short transaction.

Only the holder of the lease records. Whoever finds it gone was too slow and leaves no trace: the delivery is
being sent again, and the shop knows it by its event id.
"""

from collections.abc import Collection, Iterable, Sequence
from random import SystemRandom
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from jivapay.config.logger import get_logger
from jivapay.database.models.callbacks import CallbackAttempt, CallbackDelivery, DisabledCallbackAddress
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import AuditLevel, CallbackState
from jivapay.services import audit_service
from jivapay.services.callback_service.schedule import ATTEMPTS_PER_ROUND, Verdict, delay_after
from jivapay.services.callback_service.sending import Attempt
from jivapay.services.callback_service.states import app_now, is_replaced, move

logger = get_logger(__name__)

SENDER = Actor.system("callbacks")

_random = SystemRandom()


async def record(session: WriteSession, owner: UUID, attempts: Sequence[Attempt]) -> Collection[int]:
    """Write down finished attempts; the ids of the deliveries whose lease `owner` still held."""
    mine = CallbackDelivery.lease_owner == owner
    delivered = [attempt.delivery.id for attempt in attempts if attempt.judgement.verdict is Verdict.DELIVERED]
    recorded = set(
        await move(
            session,
            CallbackState.DELIVERED,
            CallbackDelivery.id.in_(delivered),
            mine,
            attempts=CallbackDelivery.attempts + 1,
            delivered_at=app_now(),
            next_attempt_at=None,
        )
        if delivered
        else ()
    )
    failed = [attempt for attempt in attempts if attempt.judgement.verdict is not Verdict.DELIVERED]
    replaced = await _replaced(session, failed)
    for attempt in failed:
        if await _record_failure(session, owner, attempt, is_outgrown=attempt.delivery.id in replaced):
            recorded.add(attempt.delivery.id)
    await _keep(session, [attempt for attempt in attempts if attempt.delivery.id in recorded])
    lost = [attempt.delivery.event_id for attempt in attempts if attempt.delivery.id not in recorded]
    if lost:
        logger.warning("callback_lease_lost", event_ids=lost)
    return recorded


async def _replaced(session: WriteSession, failed: Iterable[Attempt]) -> Collection[int]:
    ids = [attempt.delivery.id for attempt in failed if attempt.delivery.attempts < ATTEMPTS_PER_ROUND]
    if not ids:
        return ()
    return (await session.scalars(select(CallbackDelivery.id).where(CallbackDelivery.id.in_(ids), is_replaced()))).all()


async def _record_failure(session: WriteSession, owner: UUID, attempt: Attempt, *, is_outgrown: bool) -> bool:
    """The state after a failure; False when the lease was no longer `owner`'s."""
    delivery, judgement = attempt.delivery, attempt.judgement
    delay = delay_after(delivery.attempts + 1, judgement.wait_at_least, _random.uniform(-1, 1))
    if judgement.verdict is Verdict.GONE:
        state = CallbackState.DISABLED
    elif is_outgrown:
        state = CallbackState.SKIPPED
    else:
        state = CallbackState.EXHAUSTED if delay is None else CallbackState.RETRYING
    moved = await move(
        session,
        state,
        CallbackDelivery.id == delivery.id,
        CallbackDelivery.lease_owner == owner,
        attempts=delivery.attempts + 1,
        next_attempt_at=app_now() + delay if state is CallbackState.RETRYING else None,
    )
    if not moved:
        return False
    if state is CallbackState.DISABLED:
        await _disable_address(session, attempt)
    elif state is CallbackState.EXHAUSTED:
        await _tell(session, attempt, "callback.exhausted")
    return True


async def _disable_address(session: WriteSession, attempt: Attempt) -> None:
    """410: the shop wants nothing more there. What waits for the address, and what will be booked for it, is not
    tried either, until the merchant enables it again.
    """
    await session.execute(
        upsert(DisabledCallbackAddress)
        .values(store_id=attempt.delivery.store_id, url=attempt.delivery.url)
        .on_conflict_do_nothing()
    )
    others = await move(
        session,
        CallbackState.DISABLED,
        CallbackDelivery.store_id == attempt.delivery.store_id,
        CallbackDelivery.url == attempt.delivery.url,
        CallbackDelivery.leased_until.is_(None),
        next_attempt_at=None,
    )
    await _tell(session, attempt, "callback.disabled", others=len(others))


async def _tell(session: WriteSession, attempt: Attempt, action: str, **more: int) -> None:
    delivery = attempt.delivery
    # The host alone: a path may hold the shop's own secret.
    details = {"event_id": delivery.event_id, "host": urlsplit(delivery.url).hostname, **more}
    details |= {"attempts": delivery.attempts + 1, "failure": attempt.judgement.failure}
    logger.warning(action.replace(".", "_"), store_id=delivery.store_id, **details)
    await audit_service.log_event(
        session,
        SENDER,
        action,
        entity="callback_delivery",
        entity_id=delivery.id,
        details={**details, "store_id": delivery.store_id},
        level=AuditLevel.WARNING,
    )


async def _keep(session: WriteSession, attempts: Sequence[Attempt]) -> None:
    if not attempts:
        return
    rows = [
        {
            "delivery_id": attempt.delivery.id,
            "attempt": attempt.delivery.attempts + 1,
            "started_at": attempt.started_at,
            "duration_ms": attempt.duration_ms,
            "response_status": attempt.response_status,
            "failure": attempt.judgement.failure,
            "request_headers": attempt.request_headers,
            "response_excerpt": attempt.excerpt,
        }
        for attempt in attempts
    ]
    await session.execute(insert(CallbackAttempt), rows)
