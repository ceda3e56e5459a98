"""Steps of an incoming order while it has no order: accepted, assigned, postponed, reviewed, failed, lapsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal
from jivapay.database.models.orders import IncomingOrder, PaymentSession
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import OrderStateConflict
from jivapay.schemas_enums.enums import IncomingOrderStatus, PaymentSessionStatus
from jivapay.services import audit_service, balance_manager, steps
from jivapay.services.order_status_manager.step import step, tell_store


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an incoming order waits or ended: a stable code, a sentence, counts per rule."""

    code: str
    reason: str
    details: Mapping[str, int] | None = None


async def create_incoming(session: WriteSession, actor: Actor, values: Mapping[str, Any]) -> int | None:
    """Insert an incoming order as `new`. None when the store has this external id already."""
    await steps.announce(session, actor, "accepted")
    incoming_id: int | None = await session.scalar(
        upsert(IncomingOrder)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["store_id", "direction", "external_id"])
        .returning(IncomingOrder.id)
    )
    if incoming_id is not None:
        await audit_service.log_event(
            session, actor, "order.accepted", entity="incoming_order", entity_id=incoming_id, version=0
        )
    return incoming_id


async def open_page(session: WriteSession, actor: Actor, values: Mapping[str, Any]) -> None:
    """Insert the payment session of a new incoming order, in the transaction that created it."""
    page_id = await session.scalar(insert(PaymentSession).values(**values).returning(PaymentSession.id))
    await audit_service.log_event(
        session, actor, "payment_session.opened", entity="payment_session", entity_id=page_id, version=0
    )


async def postpone(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    failure: Failure,
    *,
    now: datetime,
    delay: timedelta,
) -> None:
    """No requisite yet: `retrying`, one attempt more, due again after `delay`."""
    incoming = deal.incoming
    await steps.announce(session, actor, failure.code)
    event = step(incoming, IncomingOrderStatus.RETRYING, "order.postponed", reason=failure.code)
    incoming.retry_count += 1
    incoming.last_attempt_at = now
    incoming.next_attempt_at = now + delay
    note_failure(incoming, failure)
    await audit_service.log_events(session, actor, [event])


async def send_to_review(
    session: WriteSession, actor: Actor, deal: Deal, failure: Failure, rules: BusinessSettings
) -> None:
    """A rule asks for a person; attempts are not counted."""
    await steps.announce(session, actor, failure.code)
    event = step(deal.incoming, IncomingOrderStatus.MANUAL_REVIEW, "order.review_required", reason=failure.code)
    deal.incoming.next_attempt_at = None
    note_failure(deal.incoming, failure)
    await audit_service.log_events(session, actor, [event])
    await tell_store(session, deal, rules)


async def approve_review(session: WriteSession, actor: Actor, deal: Deal, reason: str, now: datetime) -> None:
    """A person lets it through: back to `new`, and the approval answers every rule that asked (hard case 15)."""
    await steps.announce(session, actor, reason)
    event = step(deal.incoming, IncomingOrderStatus.NEW, "order.review_approved", reason=reason)
    deal.incoming.review_approved_by = actor.id
    deal.incoming.review_approved_at = now
    deal.incoming.next_attempt_at = now
    note_failure(deal.incoming, None)
    await audit_service.log_events(session, actor, [event])


async def fail_waiting(
    session: WriteSession, actor: Actor, deal: Deal, failure: Failure, rules: BusinessSettings
) -> None:
    """Denied, rejected or out of attempts: final."""
    note_failure(deal.incoming, failure)
    ended = (IncomingOrderStatus.FAILED, PaymentSessionStatus.FAILED)
    await _end(session, actor, deal, *ended, failure.code, rules, because=failure.reason)


async def expire_waiting(session: WriteSession, actor: Actor, deal: Deal, rules: BusinessSettings) -> None:
    """The page's time is over and no requisite was reserved."""
    await _end(
        session, actor, deal, IncomingOrderStatus.EXPIRED, PaymentSessionStatus.EXPIRED, "session.expired", rules
    )


async def cancel_waiting(session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings) -> None:
    """The store or the customer gave up before a requisite was reserved."""
    await _end(session, actor, deal, IncomingOrderStatus.CANCELLED, PaymentSessionStatus.CANCELLED, reason, rules)


async def _end(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    status: IncomingOrderStatus,
    page_status: PaymentSessionStatus,
    reason: str,
    rules: BusinessSettings,
    **details: str,
) -> None:
    if deal.order is not None:
        raise OrderStateConflict(deal.order.status)
    await steps.announce(session, actor, reason)
    events = [step(deal.incoming, status, f"order.{status.value}", reason=reason, **details)]
    deal.incoming.next_attempt_at = None
    if deal.page is not None:
        events.append(step(deal.page, page_status, f"payment_session.{page_status.value}"))
    await session.flush()
    await balance_manager.void_payout_hold(session, deal.incoming.id)
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


def note_failure(incoming: IncomingOrder, failure: Failure | None) -> None:
    incoming.failure_code = failure.code if failure else None
    incoming.failure_reason = failure.reason if failure else None
    incoming.failure_details = dict(failure.details) if failure and failure.details else None
