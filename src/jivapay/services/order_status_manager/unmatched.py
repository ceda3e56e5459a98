"""Money that belongs to no order: taken into the inbox, attached to the order it was for, or sent back.

An open payment is credited and held (`balance_manager.take_in`); both ways out undo that in the transaction that
settles the order or closes the case. Rows come locked (hard cases 10 and 12).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.orders import Order
from jivapay.database.models.reference import Currency
from jivapay.database.models.unmatched import UnmatchedPayment
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import crypto_amount
from jivapay.exceptions import ConfigurationError, Conflict, ValidationFailed
from jivapay.schemas_enums.enums import Direction, HoldStatus, UnmatchedSource, UnmatchedStatus
from jivapay.services import audit_service, balance_manager, rate_service, steps
from jivapay.services.audit_service import AuditEvent
from jivapay.services.order_status_manager.step import database_now, step
from jivapay.services.rate_service import Rate


@dataclass(frozen=True, slots=True)
class Received:
    """Fiat that has reached a requisite."""

    trader_id: int
    requisite_id: int
    test: bool
    fiat_currency: str
    crypto_currency: str
    amount: Decimal
    at: datetime
    source: UnmatchedSource
    from_order_id: int | None = None
    payer_bank: str | None = None
    payer_name: str | None = None
    note: str = ""


def rest_of(order: Order, rest: Decimal, at: datetime) -> Received:
    """What of a payment was more than its order."""
    return Received(
        order.trader_id,
        order.requisite_id,
        order.test,
        order.fiat_currency,
        order.crypto_currency,
        rest,
        at,
        UnmatchedSource.OVERPAYMENT,
        from_order_id=order.id,
        payer_bank=order.payer_bank,
        payer_name=order.payer_name,
    )


async def keep_unmatched(
    session: WriteSession, actor: Actor, received: Received, rules: BusinessSettings, *, rate: Rate | None = None
) -> UnmatchedPayment:
    """Take money into the inbox, at the rate in force unless one is given. The step has been announced.

    Raises RateStale, InsufficientBalance when its worth cannot be held, ValidationFailed `amount.too_small`.
    """
    rate = rate or await rate_service.get_rate(
        session,
        fiat=received.fiat_currency,
        crypto=received.crypto_currency,
        direction=Direction.PAY_IN,
        rules=rules,
    )
    scale = await session.scalar(select(Currency.scale).where(Currency.code == received.crypto_currency))
    if scale is None:
        raise ConfigurationError
    worth = crypto_amount(received.amount, rate.value, scale)
    if worth <= 0:
        raise ValidationFailed.at("body", "amount", code="amount.too_small")
    payment = UnmatchedPayment(
        public_id=new_id(),
        trader_id=received.trader_id,
        requisite_id=received.requisite_id,
        test=received.test,
        source=received.source,
        from_order_id=received.from_order_id,
        fiat_currency=received.fiat_currency,
        amount_fiat=received.amount,
        crypto_currency=received.crypto_currency,
        amount_crypto=worth,
        rate=rate.value,
        rate_source=rate.source,
        rate_at=rate.at,
        received_at=received.at,
        payer_bank=received.payer_bank,
        payer_name=received.payer_name,
        note=received.note,
    )
    session.add(payment)
    await session.flush()
    await session.refresh(payment)
    await balance_manager.take_in(session, payment)
    details = {"amount": str(payment.amount_fiat), "source": payment.source, "order": payment.from_order_id}
    event = AuditEvent("unmatched_payment.kept", "unmatched_payment", payment.id, 0, details)
    await audit_service.log_events(session, actor, [event])
    return payment


async def close_unmatched(
    session: WriteSession,
    actor: Actor,
    payment: UnmatchedPayment,
    status: UnmatchedStatus,
    reason: str,
    *,
    order_id: int | None = None,
) -> None:
    """End an open payment and undo its credit and its hold. Raises as `check_open`."""
    check_open(payment)
    now = await database_now(session)
    await steps.announce(session, actor, reason)
    event = step(payment, status, f"unmatched_payment.{status.value}", order=order_id)
    payment.attached_order_id = order_id
    payment.decided_by, payment.decision_reason = actor.id, reason
    payment.decided_at = payment.updated_at = now
    await session.flush()
    ending = HoldStatus.REPLACED if status is UnmatchedStatus.ATTACHED else HoldStatus.VOIDED
    await balance_manager.give_back(session, payment, ending)
    await audit_service.log_events(session, actor, [event])


def check_open(payment: UnmatchedPayment) -> None:
    """Raises Conflict `unmatched.state_conflict`."""
    if payment.status != UnmatchedStatus.OPEN:
        raise Conflict(
            f"The payment is {payment.status}.", code="unmatched.state_conflict", about={"current": payment.status}
        )
