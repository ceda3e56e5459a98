"""Steps of a deal that has a requisite: confirmed, completed, cancelled, lapsed, revived.

Each function is one event of the table in `domain/order_states.py`, with all it causes in one transaction: the
order, its incoming order and page, holds, postings, counters, audit, and the store's callback. What only a pay-out
knows (accepted, declined, cleared) stands in `payout.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_requisite_for_update
from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession, atomic_transaction
from jivapay.domain.actors import Actor
from jivapay.domain.amounts import Split
from jivapay.exceptions import InsufficientBalance, OrderStateConflict, RateStale, SessionExpired, ValidationFailed
from jivapay.schemas_enums.enums import (
    ActorKind,
    AmountException,
    ConfirmationSource,
    Direction,
    IncomingOrderStatus,
    OrderStatus,
    PaymentSessionStatus,
    Role,
)
from jivapay.services import audit_service, balance_manager, requisite_selector, steps
from jivapay.services.audit_service import AuditEvent
from jivapay.services.order_status_manager.slots import keep_slot_for_cooldown, retake_slot
from jivapay.services.order_status_manager.step import database_now, step, tell_store
from jivapay.services.order_status_manager.terms import (
    Seen,
    hear_amount,
    keep_rate,
    note_exception,
    take_amount,
    take_late_rate,
)
from jivapay.services.order_status_manager.unmatched import keep_unmatched, rest_of

COUNTED_OPEN = {OrderStatus.PENDING, OrderStatus.PENDING_TRADER_CONFIRMATION, OrderStatus.IN_PROGRESS}


@dataclass(frozen=True, slots=True)
class PayerSaid:
    """What comes with a confirmation, all of it optional."""

    amount: Decimal | None = None
    """How much was sent, where the payer or the store says it."""
    bank: str | None = None
    """From which bank."""
    name: str | None = None
    """The last four digits of what it was paid from, or the payer's name."""


NOTHING_MORE = PayerSaid()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the payer brought: a receipt, none, or one that could not be stored (storage down)."""

    has_receipt: bool = False
    receipt_lost: bool = False
    needs_person: str | None = None
    """Why a person has to look; the confirmation itself is never refused."""
    said: PayerSaid = NOTHING_MORE


@dataclass(frozen=True, slots=True)
class Settling:
    """How an order is settled: at what amount, what is left over, and when a late payment was seen."""

    split: Split | None = None
    """Unset: as agreed."""
    seen: Seen | None = None
    """Unset: now, or when it was revived."""


AS_AGREED = Settling()


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


def may_claim_late(order: Order, now: datetime, rules: BusinessSettings) -> bool:
    """Whether the payer's own late receipt is still taken."""
    try:
        check_late_window(order, now, rules)
    except (OrderStateConflict, SessionExpired):
        return False
    return True


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
    _hear(order, actor, brought.said)
    await steps.announce(session, actor, "payer confirmed")
    if late:
        events = [await _revive(session, deal, now, rules, brought.needs_person)]
    else:
        events = [await _await_trader(session, deal, now, rules, brought.needs_person)]
    order.client_confirmed_at = now
    order.confirmation_source = source_of(actor).value
    incoming_status = (
        IncomingOrderStatus.FAILED_PROCESSING_RECEIPT
        if brought.receipt_lost
        else IncomingOrderStatus.CLIENT_PAYMENT_CONFIRMED
    )
    events.append(step(deal.incoming, incoming_status, "order.client_confirmed", receipt=brought.has_receipt))
    if brought.receipt_lost:
        deal.incoming.failure_code, deal.incoming.failure_reason = "receipt.not_stored", "The receipt was not stored."
    events += page_step(deal, PaymentSessionStatus.CONFIRMED)
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


def _hear(order: Order, actor: Actor, said: PayerSaid) -> None:
    if said.amount is not None:
        hear_amount(order, actor, said.amount)
    order.payer_bank, order.payer_name = said.bank or order.payer_bank, said.name or order.payer_name


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
        return await hand_to_person(session, order, now, rules, needs_person)
    order.expires_at = now + timedelta(seconds=rules.trader_confirm_seconds)
    return step(order, OrderStatus.PENDING_TRADER_CONFIRMATION, "order.client_confirmed")


async def _revive(
    session: WriteSession, deal: Deal, now: datetime, rules: BusinessSettings, needs_person: str | None
) -> AuditEvent:
    """Hold and slot are taken anew on the same requisite; where that fails a person decides, never a refusal."""
    order = require_order(deal)
    await lock_requisite_for_update(session, order.requisite_id)
    note_late(order, now)
    is_priced = await _take_rate_of_claim(session, order, now, rules)
    if needs_person is not None:
        return step(order, OrderStatus.REQUIRES_ATTENTION, "order.late_claim", reason=needs_person)
    if not is_priced:
        return step(order, OrderStatus.REQUIRES_ATTENTION, "order.late_claim", reason="no fresh rate")
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
    note_exception(order, AmountException.LATE)


async def _take_rate_of_claim(session: WriteSession, order: Order, now: datetime, rules: BusinessSettings) -> bool:
    """The rate of the receipt's moment where the frozen one no longer covers it. False while there is no fresh one:
    then completing will ask again.
    """
    try:
        await take_late_rate(session, order, Seen(now), rules)
    except RateStale:
        return False
    return True


async def retake_for_person(session: WriteSession, deal: Deal, seen: Seen, rules: BusinessSettings) -> None:
    """The trader has seen late money that a person judges: the whole hold is taken anew as far as it can be."""
    order = require_order(deal)
    await lock_requisite_for_update(session, order.requisite_id)
    note_late(order, seen.at)
    if not await _take_rate_of_claim(session, order, seen.at, rules):
        return
    try:
        async with atomic_transaction(session):
            await balance_manager.retake_hold(session, order)
    except InsufficientBalance:
        return
    await requisite_selector.count_again(session, order)
    await requisite_selector.release_usage(session, order, was_open=True, keeps_turnover=True)


async def complete(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    rules: BusinessSettings,
    *,
    now: datetime,
    reason: str,
    settling: Settling = AS_AGREED,
) -> None:
    """Set `completed` and post the settlement, with everything that follows from it.

    What of the money is more than the order goes into the inbox of unmatched money, held whole. Raises
    InsufficientBalance, RateStale for a late payment that needs a rate, ValidationFailed `amount.too_small`.
    """
    order = require_order(deal)
    await steps.announce(session, actor, reason)
    was_open = OrderStatus(order.status) in COUNTED_OPEN
    counted = order.counted_day is not None
    await lock_requisite_for_update(session, order.requisite_id)
    if is_late(deal):
        note_late(order, now)
    settled = settling.split or Split(order.amount_fiat)
    await take_late_rate(session, order, settling.seen or Seen(order.revived_at or now), rules)
    await take_amount(session, order, settled.settled)
    if settled.rest:
        note_exception(order, AmountException.OVER)
    if counted:
        await requisite_selector.recount(session, order)
    else:
        await requisite_selector.count_again(session, order)
    await requisite_selector.release_usage(session, order, was_open=was_open or not counted, keeps_turnover=True)
    with_issues = deal.incoming.status == IncomingOrderStatus.FAILED_PROCESSING_RECEIPT
    events = [step(order, OrderStatus.COMPLETED, "order.completed")]
    order.completed_at = now
    if order.direction == Direction.PAY_OUT and rules.payout_clearing_seconds:
        order.clearing_until = now + timedelta(seconds=rules.payout_clearing_seconds)
    order.expires_at = None
    order.amount_slot = order.slot_free_at = None
    order.confirmation_source = order.confirmation_source or source_of(actor).value
    events.append(step(deal.incoming, IncomingOrderStatus.PROCESSED, "order.processed"))
    events += page_step(
        deal, PaymentSessionStatus.COMPLETED_WITH_ISSUES if with_issues else PaymentSessionStatus.COMPLETED
    )
    await session.flush()
    await balance_manager.update_balances_for_completed_order(session, order)
    await audit_service.log_events(session, actor, events)
    if settled.rest:
        rate = settling.seen.rate if settling.seen else None
        await keep_unmatched(session, actor, rest_of(order, settled.rest, now), rules, rate=rate)
    await tell_store(session, deal, rules)


async def cancel_order(session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings) -> None:
    """Given up before the payer has confirmed or the trader has accepted. Raises OrderStateConflict afterwards."""
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
    event = await hand_to_person(session, order, await database_now(session), rules, reason)
    await audit_service.log_events(session, actor, [event])
    await tell_store(session, deal, rules)


async def hand_to_person(
    session: WriteSession, order: Order, now: datetime, rules: BusinessSettings, reason: str
) -> AuditEvent:
    """To `requires_attention` with the whole hold; the slot stays for a cooldown."""
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
    if order.direction == Direction.PAY_IN:
        order.left_unpaid_at = now
        keep_rate(order, now, rules)
    order.expires_at = None
    keep_slot_for_cooldown(order, now, rules)
    await requisite_selector.release_usage(session, order, was_open=True, keeps_turnover=False)
    events.append(step(deal.incoming, IncomingOrderStatus(status.value), f"order.{status.value}", reason=reason))
    events += page_step(deal, PaymentSessionStatus(status.value))
    await session.flush()
    await balance_manager.void_order_hold(session, order)
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


def page_step(deal: Deal, status: PaymentSessionStatus) -> list[AuditEvent]:
    """The page follows its deal, where there is one."""
    if deal.page is None:
        return []
    return [step(deal.page, status, f"payment_session.{status.value}")]


def source_of(actor: Actor) -> ConfirmationSource:
    """Whose word it was."""
    match actor.kind:
        case ActorKind.CUSTOMER:
            return ConfirmationSource.CUSTOMER
        case ActorKind.STORE:
            return ConfirmationSource.STORE
        case _ if actor.role is Role.MERCHANT:
            return ConfirmationSource.STORE
        case _:
            is_staff = actor.role is not None and actor.role.is_staff
            return ConfirmationSource.STAFF if is_staff else ConfirmationSource.TRADER
