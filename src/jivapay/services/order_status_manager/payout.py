"""Steps that only a pay-out knows: offered, accepted, declined, left unpaid, and the credit that clears.

Accepted means that money may leave at any moment: from then on one trader alone may pay, and no clock ever gives the
pay-out to a second one.
"""

from datetime import datetime, timedelta

from sqlalchemy import exists, select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal
from jivapay.database.models.disputes import Dispute
from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import OrderStateConflict
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus
from jivapay.services import audit_service, balance_manager, requisite_selector, steps
from jivapay.services.audit_service import AuditEvent
from jivapay.services.order_status_manager.payin import require_attention, require_order
from jivapay.services.order_status_manager.step import database_now, step, tell_store
from jivapay.services.order_status_manager.waiting import Failure, note_failure

NOBODY_TOOK_IT = Failure("requisite.none_available", "Every trader it was offered to has declined.")


async def accept_order(session: WriteSession, actor: Actor, deal: Deal, rules: BusinessSettings) -> None:
    """The trader takes the pay-out on and is shown the recipient. Raises OrderStateConflict."""
    order = _require_payout(deal, OrderStatus.PENDING)
    now = await database_now(session)
    await steps.announce(session, actor, "accepted")
    event = step(order, OrderStatus.IN_PROGRESS, "order.accepted", recipient_shown=True)
    order.accepted_at = now
    order.expires_at = now + timedelta(seconds=rules.payout_pay_seconds)
    await audit_service.log_events(session, actor, [event])
    await tell_store(session, deal, rules)


async def decline_order(
    session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings
) -> IncomingOrderStatus:
    """This trader does not take it, now or later: the next one is looked for, or, after the last attempt, none.

    Gives what the incoming order became: `retrying`, due at once, or `failed`. Raises OrderStateConflict.
    """
    order, incoming = _require_payout(deal, OrderStatus.PENDING), deal.incoming
    now = await database_now(session)
    await steps.announce(session, actor, reason)
    events = [step(order, OrderStatus.DECLINED, "order.declined", reason=reason)]
    order.cancellation_reason, order.expires_at = reason, None
    await requisite_selector.release_usage(session, order, was_open=True, keeps_turnover=False)
    incoming.assigned_order_id = deal.order = None
    incoming.earlier_steps += order.steps
    incoming.retry_count += 1
    incoming.last_attempt_at = now
    is_last = incoming.retry_count >= rules.max_order_retries
    status = IncomingOrderStatus.FAILED if is_last else IncomingOrderStatus.RETRYING
    events.append(step(incoming, status, f"order.{status.value}", reason=reason))
    if is_last:
        note_failure(incoming, NOBODY_TOOK_IT)
        await session.flush()
        await balance_manager.void_payout_hold(session, incoming.id)
        await tell_store(session, deal, rules)
    else:
        incoming.next_attempt_at = now
        incoming.expires_at = now + timedelta(seconds=rules.session_ttl_seconds)
        await session.flush()
        await balance_manager.restore_payout_hold(session, incoming.id)
    await audit_service.log_events(session, actor, events)
    return status


async def leave_unpaid(session: WriteSession, actor: Actor, deal: Deal, rules: BusinessSettings) -> None:
    """Accepted and silent: a person decides, and this trader is served later than the others from now on.

    Otherwise recipients' numbers could be collected by accepting and doing nothing (hard case 29).
    """
    order = _require_payout(deal, OrderStatus.IN_PROGRESS)
    await requisite_selector.lower_priority(session, order.trader_id)
    await require_attention(session, actor, deal, "accepted and not paid in time", rules)
    event = AuditEvent("trader.priority_lowered", "trader", order.trader_id, details={"order": order.id})
    await audit_service.log_events(session, actor, [event])


async def confirm_receipt(session: WriteSession, actor: Actor, deal: Deal) -> None:
    """The store says that the recipient has the money: the trader may use his credit, unless a case is open, and
    then once it has ended. Again changes nothing. Raises OrderStateConflict unless it is `completed`.
    """
    order = _require_payout(deal, OrderStatus.COMPLETED)
    if order.receipt_confirmed_at is not None:
        return
    now = await database_now(session)
    order.receipt_confirmed_at = now
    events = [AuditEvent("order.receipt_confirmed", "order", order.id)]
    if order.clearing_until is not None and order.cleared_at is None:
        order.clearing_until = min(order.clearing_until, now)
        if not await _has_open_case(session, order):
            events.append(await _clear(session, order, now))
    await audit_service.log_events(session, actor, events)


async def clear_order(session: WriteSession, actor: Actor, deal: Deal) -> bool:
    """The clearing time is over; False when it is not, or when an open case keeps the credit."""
    order = _require_payout(deal, OrderStatus.COMPLETED)
    now = await database_now(session)
    if order.cleared_at is not None or order.clearing_until is None or order.clearing_until > now:
        return False
    if await _has_open_case(session, order):
        return False
    await audit_service.log_events(session, actor, [await _clear(session, order, now)])
    return True


async def _has_open_case(session: WriteSession, order: Order) -> bool:
    """The deal is locked, so that none is opened meanwhile."""
    return bool(
        await session.scalar(select(exists().where(Dispute.order_id == order.id, Dispute.status.not_like("resolved%"))))
    )


async def _clear(session: WriteSession, order: Order, now: datetime) -> AuditEvent:
    order.cleared_at = now
    await session.flush()
    await balance_manager.release_clearing(session, order)
    return AuditEvent("order.cleared", "order", order.id)


def _require_payout(deal: Deal, status: OrderStatus) -> Order:
    order = require_order(deal)
    if order.direction != Direction.PAY_OUT or order.status != status:
        raise OrderStateConflict(order.status)
    return order
