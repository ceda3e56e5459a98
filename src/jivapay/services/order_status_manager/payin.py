"""Steps of a pay-in that has a requisite: confirmed, completed, cancelled, lapsed, revived.

Each function is one event of the table in `domain/order_states.py`, with all it causes in one transaction: the
order, its incoming order and page, holds, postings, counters, audit, and the store's callback.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_requisite_for_update
from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession, atomic_transaction
from jivapay.domain.actors import Actor
from jivapay.exceptions import InsufficientBalance, OrderStateConflict, SessionExpired, ValidationFailed
from jivapay.schemas_enums.enums import (
    ActorKind,
    AmountException,
    ConfirmationSource,
    Direction,
    IncomingOrderStatus,
    OrderStatus,
    PaymentSessionStatus,
)
from jivapay.services import audit_service, balance_manager, requisite_selector, steps
from jivapay.services.audit_service import AuditEvent
from jivapay.services.order_status_manager.slots import keep_slot_for_cooldown, retake_slot
from jivapay.services.order_status_manager.step import database_now, step, tell_store

COUNTED_OPEN = {OrderStatus.PENDING, OrderStatus.PENDING_TRADER_CONFIRMATION, OrderStatus.IN_PROGRESS}
TRADER_MAY_CONFIRM = {
    OrderStatus.PENDING,
    OrderStatus.PENDING_TRADER_CONFIRMATION,
    OrderStatus.REQUIRES_ATTENTION,
    OrderStatus.EXPIRED,
    OrderStatus.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the payer brought: a receipt, none, or one that could not be stored (storage down)."""

    has_receipt: bool = False
    receipt_lost: bool = False
    needs_person: str | None = None
    """Why the second fraud check asks for a person; the confirmation itself is never refused."""


def is_late(deal: Deal) -> bool:
    """The reservation has lapsed unpaid: what comes now is a late payment."""
    return deal.order is not None and OrderStatus(deal.order.status) in {OrderStatus.EXPIRED, OrderStatus.CANCELLED}


def check_late_window(order: Order, now: datetime, rules: BusinessSettings) -> None:
    """Only an order that left `pending` directly revives, once, inside the late window.

    Raises OrderStateConflict for one that a person has decided or that was revived before, SessionExpired after
    the window.
    """
    if order.left_unpaid_at is None or order.revived_at is not None:
        raise OrderStateConflict(order.status)
    if now > order.left_unpaid_at + timedelta(seconds=rules.late_payment_window_seconds):
        raise SessionExpired("The time for a late payment is over.")


def require_order(deal: Deal) -> Order:
    if deal.order is None:
        raise OrderStateConflict(deal.incoming.status)
    return deal.order


async def confirm_payment_from_gateway_page(
    session: WriteSession, actor: Actor, deal: Deal, brought: Confirmation, rules: BusinessSettings
) -> None:
    """The payer says that he has paid. Inside its time the order waits for the trader; a lapsed one is revived.

    Raises OrderStateConflict, SessionExpired, ValidationFailed `receipt.required` for a late claim without one.
    """
    order = require_order(deal)
    now = await database_now(session)
    late = is_late(deal)
    if late:
        check_late_window(order, now, rules)
        if not brought.has_receipt:
            raise ValidationFailed.at("body", "receipt", code="receipt.required")
    elif OrderStatus(order.status) is not OrderStatus.PENDING:
        raise OrderStateConflict(order.status)
    await steps.announce(session, actor, "payer confirmed")
    if late:
        events = [await _revive(session, deal, now, rules, brought.needs_person)]
    else:
        events = [await _await_trader(session, deal, now, rules, brought.needs_person)]
    order.client_confirmed_at = now
    order.confirmation_source = _source(actor).value
    incoming_status = (
        IncomingOrderStatus.FAILED_PROCESSING_RECEIPT
        if brought.receipt_lost
        else IncomingOrderStatus.CLIENT_PAYMENT_CONFIRMED
    )
    events.append(step(deal.incoming, incoming_status, "order.client_confirmed", receipt=brought.has_receipt))
    if brought.receipt_lost:
        deal.incoming.failure_code, deal.incoming.failure_reason = "receipt.not_stored", "The receipt was not stored."
    events += _page_step(deal, PaymentSessionStatus.CONFIRMED)
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


async def attach_receipt(session: WriteSession, actor: Actor, deal: Deal) -> None:
    """The receipt that could not be stored at confirmation has come after all."""
    await steps.announce(session, actor, "receipt stored")
    event = step(deal.incoming, IncomingOrderStatus.CLIENT_PAYMENT_CONFIRMED, "order.receipt_stored")
    deal.incoming.failure_code = deal.incoming.failure_reason = None
    await audit_service.log_events(session, actor, [event])


async def _await_trader(
    session: WriteSession, deal: Deal, now: datetime, rules: BusinessSettings, needs_person: str | None
) -> AuditEvent:
    order = require_order(deal)
    if needs_person is not None:
        return await _hand_to_person(session, order, now, rules, needs_person)
    order.expires_at = now + timedelta(seconds=rules.trader_confirm_seconds)
    return step(order, OrderStatus.PENDING_TRADER_CONFIRMATION, "order.client_confirmed")


async def _revive(
    session: WriteSession, deal: Deal, now: datetime, rules: BusinessSettings, needs_person: str | None
) -> AuditEvent:
    """Hold and slot are taken anew on the same requisite; where that fails a person decides, never a refusal."""
    order = require_order(deal)
    await lock_requisite_for_update(session, order.requisite_id)
    note_late(order, now)
    if needs_person is not None:
        return step(order, OrderStatus.REQUIRES_ATTENTION, "order.late_claim", reason=needs_person)
    if not await retake_slot(session, order):
        return step(order, OrderStatus.REQUIRES_ATTENTION, "order.late_claim", reason="amount taken meanwhile")
    try:
        async with atomic_transaction(session):
            await balance_manager.retake_hold(session, order)
    except InsufficientBalance:
        keep_slot_for_cooldown(order, now, rules)
        return step(order, OrderStatus.REQUIRES_ATTENTION, "order.late_claim", reason="deposit is gone")
    await requisite_selector.count_again(session, order)
    order.expires_at = now + timedelta(seconds=rules.trader_confirm_seconds)
    return step(order, OrderStatus.PENDING_TRADER_CONFIRMATION, "order.revived")


def note_late(order: Order, now: datetime) -> None:
    """Only with the requisite locked: whoever assigns it waits for changed orders that still have a slot."""
    order.revived_at = now
    order.amount_exceptions = [*order.amount_exceptions, AmountException.LATE.value]


async def confirm_order_by_trader(session: WriteSession, actor: Actor, deal: Deal, rules: BusinessSettings) -> None:
    """The trader has the money: `completed` and every posting in one transaction.

    Also for an order that lapsed: inside the late window the hold is taken and posted at once. Raises
    OrderStateConflict (`order.already_completed` when it is), SessionExpired, InsufficientBalance.
    """
    order = require_order(deal)
    status = OrderStatus(order.status)
    if status is OrderStatus.COMPLETED:
        raise OrderStateConflict(order.status, "The order is already completed.", code="order.already_completed")
    if status not in TRADER_MAY_CONFIRM:
        raise OrderStateConflict(order.status)
    now = await database_now(session)
    if is_late(deal):
        check_late_window(order, now, rules)
    await complete(session, actor, deal, rules, now=now, reason="trader confirmed")


async def complete(
    session: WriteSession, actor: Actor, deal: Deal, rules: BusinessSettings, *, now: datetime, reason: str
) -> None:
    """Set `completed` and post the settlement, with everything that follows from it."""
    order = require_order(deal)
    await steps.announce(session, actor, reason)
    was_open = OrderStatus(order.status) in COUNTED_OPEN
    counted = order.counted_day is not None
    await lock_requisite_for_update(session, order.requisite_id)
    if is_late(deal):
        note_late(order, now)
    if not counted:
        await requisite_selector.count_again(session, order)
    await requisite_selector.release_usage(session, order, was_open=was_open or not counted, keeps_turnover=True)
    with_issues = deal.incoming.status == IncomingOrderStatus.FAILED_PROCESSING_RECEIPT
    events = [step(order, OrderStatus.COMPLETED, "order.completed")]
    order.completed_at = now
    order.expires_at = None
    order.amount_slot = order.slot_free_at = None
    order.confirmation_source = order.confirmation_source or _source(actor).value
    events.append(step(deal.incoming, IncomingOrderStatus.PROCESSED, "order.processed"))
    events += _page_step(
        deal, PaymentSessionStatus.COMPLETED_WITH_ISSUES if with_issues else PaymentSessionStatus.COMPLETED
    )
    await session.flush()
    await balance_manager.update_balances_for_completed_order(session, order)
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


async def cancel_order(session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings) -> None:
    """A reserved requisite is given up before the payer has confirmed. Raises OrderStateConflict afterwards."""
    order = require_order(deal)
    if OrderStatus(order.status) is not OrderStatus.PENDING:
        raise OrderStateConflict(order.status)
    order.cancellation_reason = reason
    await _leave_unpaid(session, actor, deal, OrderStatus.CANCELLED, reason, rules)


async def expire_order(session: WriteSession, actor: Actor, deal: Deal, rules: BusinessSettings) -> None:
    """Not paid in time. The caller has checked the clock under the lock."""
    await _leave_unpaid(session, actor, deal, OrderStatus.EXPIRED, "not paid in time", rules)


async def require_attention(
    session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings
) -> None:
    """The trader stayed silent: a person decides; the whole hold stays."""
    order = require_order(deal)
    await steps.announce(session, actor, reason)
    event = await _hand_to_person(session, order, await database_now(session), rules, reason)
    await audit_service.log_events(session, actor, [event])
    await tell_store(session, deal, rules)


def check_decidable(order: Order) -> None:
    """Raises OrderStateConflict unless it is a pay-in in `requires_attention`."""
    if order.status != OrderStatus.REQUIRES_ATTENTION or order.direction != Direction.PAY_IN:
        raise OrderStateConflict(order.status)


async def decide(
    session: WriteSession, actor: Actor, deal: Deal, outcome: OrderStatus, reason: str, rules: BusinessSettings
) -> None:
    """A person decides a pay-in that waits for one: `completed` with its settlement, `cancelled` or `failed` without.

    Raises as `check_decidable`, InsufficientBalance.
    """
    order = require_order(deal)
    check_decidable(order)
    now = await database_now(session)
    if outcome is OrderStatus.COMPLETED:
        await complete(session, actor, deal, rules, now=now, reason=reason)
    else:
        await end_without_payment(session, actor, deal, outcome, reason, rules, now=now)


async def end_without_payment(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    outcome: OrderStatus,
    reason: str,
    rules: BusinessSettings,
    *,
    now: datetime,
) -> None:
    """A person's no: `cancelled` or `failed`, and the hold goes back to the trader."""
    order = require_order(deal)
    await steps.announce(session, actor, reason)
    await lock_requisite_for_update(session, order.requisite_id)
    events = [step(order, outcome, f"order.{outcome.value}", reason=reason)]
    if outcome is OrderStatus.CANCELLED:
        order.cancellation_reason = reason
    else:
        deal.incoming.failure_code, deal.incoming.failure_reason = "order.decided_failed", reason
    if order.slot_free_at is None:
        keep_slot_for_cooldown(order, now, rules)
    await requisite_selector.release_usage(session, order, was_open=False, keeps_turnover=False)
    events.append(step(deal.incoming, IncomingOrderStatus(outcome.value), f"order.{outcome.value}", reason=reason))
    events += _page_step(deal, PaymentSessionStatus(outcome.value))
    await session.flush()
    await balance_manager.void_hold(session, ref_type="order", ref_id=order.id)
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


async def _hand_to_person(
    session: WriteSession, order: Order, now: datetime, rules: BusinessSettings, reason: str
) -> AuditEvent:
    await leave_open_ones(session, order, now, rules)
    return step(order, OrderStatus.REQUIRES_ATTENTION, "order.requires_attention", reason=reason)


async def leave_open_ones(session: WriteSession, order: Order, now: datetime, rules: BusinessSettings) -> None:
    """Before a person has to do with it: no clock, no place among the requisite's open orders; the hold stays."""
    await requisite_selector.release_usage(session, order, was_open=True, keeps_turnover=True)
    keep_slot_for_cooldown(order, now, rules)
    order.expires_at = None


async def _leave_unpaid(
    session: WriteSession, actor: Actor, deal: Deal, status: OrderStatus, reason: str, rules: BusinessSettings
) -> None:
    order = require_order(deal)
    now = await database_now(session)
    await steps.announce(session, actor, reason)
    events = [step(order, status, f"order.{status.value}", reason=reason)]
    order.left_unpaid_at = now
    order.expires_at = None
    keep_slot_for_cooldown(order, now, rules)
    await requisite_selector.release_usage(session, order, was_open=True, keeps_turnover=False)
    events.append(step(deal.incoming, IncomingOrderStatus(status.value), f"order.{status.value}", reason=reason))
    events += _page_step(deal, PaymentSessionStatus(status.value))
    await session.flush()
    await balance_manager.void_hold(session, ref_type="order", ref_id=order.id)
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


def _page_step(deal: Deal, status: PaymentSessionStatus) -> list[AuditEvent]:
    if deal.page is None:
        return []
    return [step(deal.page, status, f"payment_session.{status.value}")]


def _source(actor: Actor) -> ConfirmationSource:
    match actor.kind:
        case ActorKind.CUSTOMER:
            return ConfirmationSource.CUSTOMER
        case ActorKind.STORE:
            return ConfirmationSource.STORE
        case _:
            is_staff = actor.role is not None and actor.role.is_staff
            return ConfirmationSource.STAFF if is_staff else ConfirmationSource.TRADER
