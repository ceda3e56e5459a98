"""A person's word about an order that waits for one: settled, at what has come, or ended without payment."""

from datetime import datetime
from decimal import Decimal

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_requisite_for_update
from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.amounts import Split, split
from jivapay.exceptions import OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus, PaymentSessionStatus
from jivapay.services import audit_service, balance_manager, fraud_detector, requisite_selector, steps
from jivapay.services.order_status_manager.payin import (
    COUNTED_OPEN,
    Settling,
    complete,
    page_step,
    require_order,
)
from jivapay.services.order_status_manager.slots import keep_slot_for_cooldown
from jivapay.services.order_status_manager.step import database_now, step, tell_store
from jivapay.services.order_status_manager.terms import accepted_percent

MAY_BE_DECIDED = {
    Direction.PAY_IN: {OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.FAILED},
    Direction.PAY_OUT: {OrderStatus.COMPLETED, OrderStatus.FAILED},
}
"""Of a pay-out it is decided whether its recipient was paid."""


def check_decidable(order: Order, outcome: OrderStatus) -> None:
    """Raises OrderStateConflict unless it is `requires_attention` and may end so in its direction.

    What still waits for its trader may be cancelled by staff, and nothing else (domain.md, "Order, pay-in").
    """
    waits = OrderStatus(order.status)
    if waits is OrderStatus.PENDING_TRADER_CONFIRMATION and outcome is OrderStatus.CANCELLED:
        return
    if waits is not OrderStatus.REQUIRES_ATTENTION or outcome not in MAY_BE_DECIDED[Direction(order.direction)]:
        raise OrderStateConflict(order.status)


async def decide(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    outcome: OrderStatus,
    reason: str,
    rules: BusinessSettings,
    *,
    amount: Decimal | None = None,
) -> None:
    """A person decides an order that waits for one: `completed` with its settlement, or ended without.

    `amount` is what has arrived of a pay-in, where it is not what was agreed. Raises as `check_decidable`,
    InsufficientBalance, ValidationFailed for another amount of a pay-out.
    """
    order = require_order(deal)
    check_decidable(order, outcome)
    if order.direction == Direction.PAY_OUT and amount not in {None, order.amount_agreed}:
        raise ValidationFailed.at("body", "amount", code="validation.inconsistent")
    now = await database_now(session)
    if outcome is OrderStatus.COMPLETED:
        settled = await _split_for(session, order, amount)
        await complete(session, actor, deal, rules, now=now, reason=reason, settling=Settling(settled))
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
    """A person's no: `cancelled` or `failed`, and the hold goes back to whom it was taken from."""
    order = require_order(deal)
    await steps.announce(session, actor, reason)
    await lock_requisite_for_update(session, order.requisite_id)
    was_open = OrderStatus(order.status) in COUNTED_OPEN
    events = [step(order, outcome, f"order.{outcome.value}", reason=reason)]
    if outcome is OrderStatus.CANCELLED:
        order.cancellation_reason = reason
    else:
        deal.incoming.failure_code, deal.incoming.failure_reason = "order.decided_failed", reason
    if order.slot_free_at is None:
        keep_slot_for_cooldown(order, now, rules)
    order.expires_at = None
    await requisite_selector.release_usage(session, order, was_open=was_open, keeps_turnover=False)
    events.append(step(deal.incoming, IncomingOrderStatus(outcome.value), f"order.{outcome.value}", reason=reason))
    events += page_step(deal, PaymentSessionStatus(outcome.value))
    await session.flush()
    await balance_manager.void_order_hold(session, order)
    await audit_service.log_events(session, actor, events)
    await lose_claim(session, deal)
    await tell_store(session, deal, rules)


async def lose_claim(session: WriteSession, deal: Deal) -> None:
    """Whoever claimed late what a person has denied is put on the store's block list (hard case 22)."""
    order, customer_id = require_order(deal), deal.incoming.customer_id
    if order.revived_at is None or order.client_confirmed_at is None or order.left_unpaid_at is None:
        return
    if customer_id is not None and order.client_confirmed_at >= order.left_unpaid_at:
        await fraud_detector.block_customer(session, order.store_id, customer_id, reason="a late claim was lost")


async def _split_for(session: WriteSession, order: Order, amount: Decimal | None) -> Split | None:
    return None if amount is None else split(order.amount_agreed, amount, await accepted_percent(session, order))
