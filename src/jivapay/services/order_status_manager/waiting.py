"""Steps of an incoming order while it has no order: accepted, assigned, postponed, reviewed, failed, lapsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal
from jivapay.database.models.orders import IncomingOrder, Order, PaymentSession
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.callback_events import ORDER_EVENTS, OrderFacts, event_body
from jivapay.domain.commissions import Quote
from jivapay.exceptions import OrderStateConflict
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus, PaymentSessionStatus
from jivapay.services import audit_service, callback_service, steps
from jivapay.services.audit_service import AuditEvent
from jivapay.services.order_status_manager.step import step, tell_store
from jivapay.services.requisite_selector import Candidate

STEPS_OF_ASSIGNMENT = 3
"""From an incoming order's version to the deal's: it counts from 0, takes a step, and the order begins."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that is frozen on an order when a requisite is reserved for it."""

    incoming_id: int
    public_id: UUID
    external_id: str
    metadata: Mapping[str, Any]
    callback_url: str | None
    crypto_scale: int
    incoming_version: int
    store_id: int
    direction: Direction
    test: bool
    fiat_currency: str
    crypto_currency: str
    candidate: Candidate
    quote: Quote
    base_rate: Decimal
    rate_source: str
    rate_at: datetime
    store_percent: Decimal
    counted_day: date
    expires_at: datetime


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


async def assign(session: WriteSession, actor: Actor, made: Assignment) -> int:
    """Create the order on the reserved requisite and mark the incoming order `assigned`. Returns the order's id."""
    await steps.announce(session, actor, "requisite reserved")
    order_id: int | None = await session.scalar(insert(Order).values(**_order_values(made)).returning(Order.id))
    if order_id is None:
        raise AssertionError("an insert returns its id")
    await session.execute(
        update(IncomingOrder)
        .where(IncomingOrder.id == made.incoming_id)
        .values(
            status=IncomingOrderStatus.ASSIGNED.value,
            version=made.incoming_version + 1,
            assigned_order_id=order_id,
            amount_crypto=made.quote.amount_crypto,
            failure_code=None,
            failure_reason=None,
            failure_details=None,
            next_attempt_at=None,
        )
    )
    await audit_service.log_events(
        session,
        actor,
        [
            AuditEvent("order.assigned", "incoming_order", made.incoming_id, made.incoming_version + 1),
            AuditEvent(
                "order.reserved",
                "order",
                order_id,
                0,
                {"requisite": made.candidate.requisite_id, "trader": made.candidate.trader_id},
            ),
        ],
    )
    await _tell_assigned(session, made, order_id)
    return order_id


async def _tell_assigned(session: WriteSession, made: Assignment, order_id: int) -> None:
    """The callback of an assignment, from what is at hand: nothing is read again on this path."""
    facts = OrderFacts(
        order_id=made.public_id,
        external_order_id=made.external_id,
        direction=made.direction,
        status=IncomingOrderStatus.ASSIGNED,
        amount_fiat=made.quote.amount_fiat,
        currency_fiat=made.fiat_currency,
        amount_crypto=made.quote.amount_crypto,
        currency_crypto=made.crypto_currency,
        crypto_scale=made.crypto_scale,
        rate=made.quote.rate,
        metadata=made.metadata,
        version=made.incoming_version + STEPS_OF_ASSIGNMENT,
        test=made.test,
        order_status=OrderStatus.PENDING,
        amount_agreed=made.quote.amount_fiat,
        commission=made.quote.store_commission,
    )
    name = ORDER_EVENTS[OrderStatus.PENDING]
    await callback_service.book(
        session,
        store_id=made.store_id,
        order_type="order",
        order_id=order_id,
        public_order_id=made.public_id,
        status_version=facts.version,
        event_type=name,
        order_status=OrderStatus.PENDING,
        url=made.callback_url,
        payload=event_body(facts, name),
        test=made.test,
    )


def _order_values(made: Assignment) -> dict[str, Any]:
    candidate, quote = made.candidate, made.quote
    return {
        "incoming_order_id": made.incoming_id,
        "store_id": made.store_id,
        "trader_id": candidate.trader_id,
        "requisite_id": candidate.requisite_id,
        "direction": made.direction.value,
        "test": made.test,
        "status": OrderStatus.PENDING.value,
        "fiat_currency": made.fiat_currency,
        "crypto_currency": made.crypto_currency,
        "amount_agreed": quote.amount_fiat,
        "amount_fiat": quote.amount_fiat,
        "amount_slot": quote.amount_fiat if made.direction is Direction.PAY_IN else None,
        "rate": quote.rate,
        "base_rate": made.base_rate,
        "rate_source": made.rate_source,
        "rate_at": made.rate_at,
        "amount_crypto": quote.amount_crypto,
        "trader_amount_crypto": quote.trader_amount_crypto,
        "store_percent": made.store_percent,
        "trader_percent": candidate.trader_percent,
        "store_commission": quote.store_commission,
        "trader_commission": quote.trader_commission,
        "platform_profit": quote.platform_profit,
        "limit_lower": candidate.limit_lower,
        "limit_upper": candidate.limit_upper,
        "limit_window_minutes": candidate.limit_window_minutes,
        "limit_window_sum": candidate.limit_window_sum,
        "limit_open_max": candidate.limit_open_max,
        "counted_day": made.counted_day,
        "counted_amount": quote.amount_fiat,
        "expires_at": made.expires_at,
    }


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
    _note_failure(incoming, failure)
    await audit_service.log_events(session, actor, [event])


async def send_to_review(
    session: WriteSession, actor: Actor, deal: Deal, failure: Failure, rules: BusinessSettings
) -> None:
    """A rule asks for a person; attempts are not counted."""
    await steps.announce(session, actor, failure.code)
    event = step(deal.incoming, IncomingOrderStatus.MANUAL_REVIEW, "order.review_required", reason=failure.code)
    deal.incoming.next_attempt_at = None
    _note_failure(deal.incoming, failure)
    await audit_service.log_events(session, actor, [event])
    await tell_store(session, deal, rules)


async def approve_review(session: WriteSession, actor: Actor, deal: Deal, reason: str, now: datetime) -> None:
    """A person lets it through: back to `new`, and the approval answers every rule that asked (hard case 15)."""
    await steps.announce(session, actor, reason)
    event = step(deal.incoming, IncomingOrderStatus.NEW, "order.review_approved", reason=reason)
    deal.incoming.review_approved_by = actor.id
    deal.incoming.review_approved_at = now
    deal.incoming.next_attempt_at = now
    _note_failure(deal.incoming, None)
    await audit_service.log_events(session, actor, [event])


async def fail_waiting(
    session: WriteSession, actor: Actor, deal: Deal, failure: Failure, rules: BusinessSettings
) -> None:
    """Denied, rejected or out of attempts: final."""
    _note_failure(deal.incoming, failure)
    await _end(session, actor, deal, IncomingOrderStatus.FAILED, PaymentSessionStatus.FAILED, failure.code, rules)


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
) -> None:
    if deal.order is not None:
        raise OrderStateConflict(deal.order.status)
    await steps.announce(session, actor, reason)
    events = [step(deal.incoming, status, f"order.{status.value}", reason=reason)]
    deal.incoming.next_attempt_at = None
    if deal.page is not None:
        events.append(step(deal.page, page_status, f"payment_session.{page_status.value}"))
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


def _note_failure(incoming: IncomingOrder, failure: Failure | None) -> None:
    incoming.failure_code = failure.code if failure else None
    incoming.failure_reason = failure.reason if failure else None
    incoming.failure_details = dict(failure.details) if failure and failure.details else None
