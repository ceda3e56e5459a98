"""What the trader answers when money has come, and what payer and store say about its amount (hard cases 10, 13, 22).

The agreed amount completes the order at once. Less than that, or money from somebody else than the payer, goes to a
person with the whole hold, unless the other side has stated the same; more completes it and leaves the rest in the
inbox of unmatched money.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_requisite_for_update
from jivapay.database.models.orders import Order
from jivapay.database.models.unmatched import UnmatchedPayment
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.amounts import Split, is_accepted, split
from jivapay.domain.money import ZERO
from jivapay.exceptions import Conflict, OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.enums import (
    Direction,
    IncomingOrderStatus,
    OrderStatus,
    PaymentSessionStatus,
    UnmatchedStatus,
)
from jivapay.services import audit_service, balance_manager, freeze_service, steps
from jivapay.services.audit_service import AuditEvent
from jivapay.services.order_status_manager.payin import (
    Settling,
    check_late_window,
    complete,
    hand_to_person,
    is_late,
    page_step,
    require_order,
    retake_for_person,
    source_of,
)
from jivapay.services.order_status_manager.step import database_now, step, tell_store
from jivapay.services.order_status_manager.terms import Seen, accepted_percent, check_amount, hear_amount, stated
from jivapay.services.order_status_manager.unmatched import close_unmatched
from jivapay.services.rate_service import Rate

TRADER_MAY_CONFIRM = {
    OrderStatus.PENDING,
    OrderStatus.PENDING_TRADER_CONFIRMATION,
    OrderStatus.REQUIRES_ATTENTION,
    OrderStatus.EXPIRED,
    OrderStatus.CANCELLED,
}
TRADER_MAY_PAY_OUT = {OrderStatus.IN_PROGRESS, OrderStatus.REQUIRES_ATTENTION}
MAY_STATE_AMOUNT = TRADER_MAY_CONFIRM - {OrderStatus.EXPIRED, OrderStatus.CANCELLED}
OTHER_AMOUNT = "another amount seen"
THIRD_PARTY = "from a third party"


@dataclass(frozen=True, slots=True)
class TraderAnswer:
    """What the trader says about the money that came."""

    amount: Decimal | None = None
    """Unset: what was agreed."""
    third_party: bool = False


AS_AGREED = TraderAnswer()


async def confirm_order_by_trader(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    rules: BusinessSettings,
    answer: TraderAnswer = AS_AGREED,
    *,
    has_receipt: bool = False,
) -> None:
    """The trader has the money: `completed` and every posting in one transaction, or a person's case. A pay-out he has
    paid, as agreed and with a receipt, or ValidationFailed.

    Also for an order that lapsed: inside the late window the hold is taken and posted at once. Raises
    OrderStateConflict (`order.already_completed` when it is), SessionExpired, InsufficientBalance, RateStale.
    """
    order = require_order(deal)
    status = OrderStatus(order.status)
    if status is OrderStatus.COMPLETED:
        raise OrderStateConflict(order.status, "The order is already completed.", code="order.already_completed")
    is_payout = order.direction == Direction.PAY_OUT
    if status not in (TRADER_MAY_PAY_OUT if is_payout else TRADER_MAY_CONFIRM):
        raise OrderStateConflict(order.status)
    if is_payout:
        _check_paid_out(order, answer, has_receipt=has_receipt)
    if answer.amount is not None:
        check_amount(answer.amount)
    now = await database_now(session)
    if is_late(deal):
        check_late_window(order, now, rules)
    if answer.amount is not None:
        order.amount_by_trader = None if answer.amount == order.amount_agreed else answer.amount
    if answer.third_party or order.from_third_party:
        order.from_third_party = True  # and no later word of his takes that back
        await _ask_person(session, actor, deal, now, rules, THIRD_PARTY)
        return
    settling = await _settling(session, order)
    if settling is None:
        await _ask_person(session, actor, deal, now, rules, OTHER_AMOUNT)
    else:
        await complete(session, actor, deal, rules, now=now, reason="trader confirmed", settling=settling)


def _check_paid_out(order: Order, answer: TraderAnswer, *, has_receipt: bool) -> None:
    if answer.amount not in {None, order.amount_agreed} or answer.third_party:
        raise ValidationFailed.at("body", "amount", code="validation.inconsistent")
    if not has_receipt:
        raise ValidationFailed.at("body", "receipt", code="receipt.required")


async def state_amount(
    session: WriteSession, actor: Actor, deal: Deal, amount: Decimal, rules: BusinessSettings
) -> None:
    """Payer or store says how much was sent. An order that waits because of it completes when that settles it.

    Raises OrderStateConflict unless the order is open, InsufficientBalance.
    """
    order = require_order(deal)
    if OrderStatus(order.status) not in MAY_STATE_AMOUNT:
        raise OrderStateConflict(order.status)
    hear_amount(order, actor, amount)
    await _note_statement(session, actor, order, amount)
    waits = OrderStatus(order.status) is OrderStatus.REQUIRES_ATTENTION and not order.from_third_party
    if not waits or order.amount_by_trader is None or await freeze_service.is_frozen(session):
        return
    if is_accepted(stated(order), await accepted_percent(session, order)):
        now = await database_now(session)
        settling = Settling(Split(amount))
        await complete(session, actor, deal, rules, now=now, reason="both state the same amount", settling=settling)


async def attach_unmatched(
    session: WriteSession, actor: Actor, payment: UnmatchedPayment, deal: Deal, reason: str, rules: BusinessSettings
) -> None:
    """A person has found the order an unmatched payment was for: it settles that order, as late where it is.

    Raises Conflict `unmatched.state_conflict` or `unmatched.other_requisite`, OrderStateConflict, SessionExpired,
    InsufficientBalance.
    """
    order = require_order(deal)
    if (order.trader_id, order.fiat_currency, order.test) != (payment.trader_id, payment.fiat_currency, payment.test):
        raise Conflict("The order belongs to another trader.", code="unmatched.other_trader")
    if OrderStatus(order.status) not in TRADER_MAY_CONFIRM or order.direction != Direction.PAY_IN:
        raise OrderStateConflict(order.status)
    now = await database_now(session)
    if is_late(deal):
        check_late_window(order, now, rules)
    await lock_requisite_for_update(session, order.requisite_id)
    await balance_manager.lock_accounts(session, balance_manager.settlement_accounts(order))
    await close_unmatched(session, actor, payment, UnmatchedStatus.ATTACHED, reason, order_id=order.id)
    rate = Rate(payment.rate, payment.rate_source, payment.rate_at)
    settled = split(order.amount_agreed, payment.amount_fiat, await accepted_percent(session, order))
    settling = Settling(settled, Seen(payment.created_at, rate))
    await complete(session, actor, deal, rules, now=now, reason=reason, settling=settling)


async def _settling(session: WriteSession, order: Order) -> Settling | None:
    """How the trader's word is settled; None when a person has to decide."""
    amount = order.amount_by_trader
    if amount is None or amount == order.amount_agreed:
        return Settling()
    percent = await accepted_percent(session, order)
    if is_accepted(stated(order), percent):
        return Settling(Split(amount))
    return Settling(split(order.amount_agreed, amount, ZERO)) if amount > order.amount_agreed else None


async def _ask_person(
    session: WriteSession, actor: Actor, deal: Deal, now: datetime, rules: BusinessSettings, reason: str
) -> None:
    """To `requires_attention` with the whole hold; one that is there already only keeps what was said."""
    order = require_order(deal)
    if OrderStatus(order.status) is OrderStatus.REQUIRES_ATTENTION:
        await _note_statement(session, actor, order, order.amount_by_trader, reason=reason)
        return
    await steps.announce(session, actor, reason)
    if not is_late(deal):
        events = [await hand_to_person(session, order, now, rules, reason)]
    else:
        await retake_for_person(session, deal, Seen(now), rules)
        events = [
            step(order, OrderStatus.REQUIRES_ATTENTION, "order.requires_attention", reason=reason),
            step(deal.incoming, IncomingOrderStatus.CLIENT_PAYMENT_CONFIRMED, "order.late_payment_seen"),
            *page_step(deal, PaymentSessionStatus.CONFIRMED),
        ]
        order.confirmation_source = source_of(actor).value
    await audit_service.log_events(session, actor, events)
    await tell_store(session, deal, rules)


async def _note_statement(
    session: WriteSession, actor: Actor, order: Order, amount: Decimal | None, **details: str
) -> None:
    said = {"amount": None if amount is None else str(amount), **details}
    event = AuditEvent("order.amount_stated", "order", order.id, None, said)
    await audit_service.log_events(session, actor, [event])
