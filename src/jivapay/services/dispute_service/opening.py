"""Opening a dispute: who may about which order, and what is set aside for it at once.

An open order goes to `dispute` with its hold. A completed one stays completed, and what its store would have to give
back is held as far as available (hard case 11). A lapsed one stays as it is: a payer's word alone holds nothing
(hard case 22).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.models.disputes import Dispute
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import FIAT_SCALE, ZERO, fits_scale
from jivapay.exceptions import Conflict, NotFound, OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.enums import Direction, DisputeSide, OrderStatus
from jivapay.services import audit_service, balance_manager, document_service, idempotency, order_status_manager, steps
from jivapay.services.dispute_service import turns
from jivapay.services.dispute_service.looking import DisputeView, get_dispute
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.utils.resources import Resources

CLAIM = "the payer says that he has paid"
FIRST_TURN = {
    DisputeSide.TRADER: DisputeSide.MERCHANT,
    DisputeSide.MERCHANT: DisputeSide.TRADER,
    DisputeSide.CUSTOMER: DisputeSide.TRADER,
    DisputeSide.STAFF: DisputeSide.STAFF,
}


@dataclass(frozen=True, slots=True)
class NewDispute:
    reason: str
    amount: Decimal | None = None
    """In fiat: what was paid, if it is another amount than agreed."""


async def open_dispute(
    session: WriteSession,
    actor: Actor,
    order_id: UUID,
    new: NewDispute,
    rules: BusinessSettings,
    claim: IdempotencyClaim | None = None,
) -> Made[DisputeView]:
    """By the order's trader or merchant, or by staff.

    Raises NotFound, OrderStateConflict, Conflict `dispute.exists` or `dispute.window_over`, ValidationFailed.
    """
    incoming_id = await _find_order(session, actor, order_id)

    async def make() -> tuple[int, DisputeView]:
        dispute = await _open(session, actor, incoming_id, new, rules)
        return dispute.id, await get_dispute(session, actor, dispute.public_id)

    async def load(dispute_id: int) -> DisputeView:
        dispute = await session.get_one(Dispute, dispute_id)
        return await get_dispute(session, actor, dispute.public_id)

    return await idempotency.make_once(session, claim, resource_type="dispute", make=make, load=load)


async def open_dispute_by_customer(
    session: WriteSession, actor: Actor, incoming_order_id: int, new: NewDispute, rules: BusinessSettings
) -> Dispute:
    """By the payer of a lapsed order, when the page takes no late receipt from him any more. Raises as above."""
    return await _open(session, actor, incoming_order_id, new, rules)


async def claim_for_customer(resources: Resources, actor: Actor, incoming_order_id: int, receipt: bytes | None) -> None:
    """The payer's "I have paid", with the receipt that staff will look at. A phased door, like every upload.

    Raises as `open_dispute_by_customer`, ValidationFailed `receipt.required` or `file.*`, StorageError.
    """
    if receipt is None:
        raise ValidationFailed.at("body", "receipt", code="receipt.required")
    rules = await resources.config.current()
    cleaned = await document_service.prepare_receipt(receipt)
    stored = await document_service.stage(resources.storage, cleaned, clock=resources.clock)
    async with resources.database.write() as session:
        dispute = await open_dispute_by_customer(session, actor, incoming_order_id, NewDispute(CLAIM), rules)
        linked = await document_service.link(
            session,
            incoming_order_id=incoming_order_id,
            order_id=dispute.order_id,
            dispute_id=dispute.id,
            stored=stored,
            uploader=actor,
        )
        details = {"document_id": linked.document_id, "duplicate": linked.duplicate}
        await audit_service.log_event(
            session, actor, "dispute.evidence", entity="dispute", entity_id=dispute.id, details=details
        )


async def _find_order(session: AnySession, actor: Actor, order_id: UUID) -> int:
    found = select(IncomingOrder.id).where(IncomingOrder.public_id == order_id)
    match turns.side_of(actor):
        case DisputeSide.TRADER:
            found = found.join(Order, Order.id == IncomingOrder.assigned_order_id).where(
                Order.trader_id == actor.owner_id
            )
        case DisputeSide.MERCHANT:
            found = found.join(MerchantStore, MerchantStore.id == IncomingOrder.store_id).where(
                MerchantStore.merchant_id == actor.owner_id
            )
    incoming_id: int | None = await session.scalar(found)
    if incoming_id is None:
        raise NotFound
    return incoming_id


async def _open(
    session: WriteSession, actor: Actor, incoming_id: int, new: NewDispute, rules: BusinessSettings
) -> Dispute:
    if new.amount is not None and not fits_scale(new.amount, FIAT_SCALE):
        raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")
    deal = await lock_deal_for_update(session, incoming_id)
    order = order_status_manager.require_order(deal)
    now = await order_status_manager.database_now(session)
    side = turns.side_of(actor)
    _check_may_open(order, side, now, rules)
    await _refuse_second(session, order, side)
    dispute = Dispute(
        public_id=new_id(),
        order_id=order.id,
        incoming_order_id=deal.incoming.id,
        order_status=order.status,
        opened_by=side,
        opened_by_id=actor.id if side is not DisputeSide.CUSTOMER else None,
        reason=new.reason,
        claimed_amount=new.amount,
        trader_seconds_left=rules.dispute_answer_seconds,
        merchant_seconds_left=rules.dispute_answer_seconds,
        due_at=now,
    )
    await steps.announce(session, actor, new.reason)
    session.add(dispute)
    await session.flush()
    await session.refresh(dispute)
    await audit_service.log_event(
        session, actor, "dispute.opened", entity="dispute", entity_id=dispute.id, version=dispute.version,
        details={"order_id": order.id, "order_status": order.status, "by": side.value},
    )  # fmt: skip
    await turns.give_turn(session, actor, dispute, FIRST_TURN[side], now, rules)
    await _set_aside(session, actor, deal, dispute, new.reason, rules)
    await session.flush()
    return dispute


async def _set_aside(
    session: WriteSession, actor: Actor, deal: Deal, dispute: Dispute, reason: str, rules: BusinessSettings
) -> None:
    order = order_status_manager.require_order(deal)
    status = OrderStatus(order.status)
    if status is OrderStatus.COMPLETED:
        _, returned = balance_manager.returning_leg(order)
        cleared = await balance_manager.cleared_amount(session, order)
        dispute.hold_target = max(ZERO, returned - cleared)
        if dispute.hold_target:
            await balance_manager.hold_for_dispute(session, order, dispute.id, dispute.hold_target)
    elif status not in order_status_manager.LAPSED:
        await order_status_manager.dispute_order(session, actor, deal, reason, rules)


def _check_may_open(order: Order, side: DisputeSide, now: datetime, rules: BusinessSettings) -> None:
    status = OrderStatus(order.status)
    if status in order_status_manager.LAPSED:
        if side is DisputeSide.TRADER or order.direction != Direction.PAY_IN:
            raise OrderStateConflict(order.status)
        if side is DisputeSide.CUSTOMER and order_status_manager.may_claim_late(order, now, rules):
            raise OrderStateConflict(order.status, "Attach the receipt to the order itself.", code="dispute.too_early")
        return
    if side is DisputeSide.CUSTOMER:
        raise OrderStateConflict(order.status)
    if status is OrderStatus.COMPLETED:
        if order.completed_at is None or now > order.completed_at + timedelta(seconds=rules.dispute_window_seconds):
            raise Conflict("The time to dispute this order is over.", code="dispute.window_over")
    elif not status.is_open or status is OrderStatus.DISPUTE or _is_only_offered(order):
        raise OrderStateConflict(order.status)


def _is_only_offered(order: Order) -> bool:
    """A pay-out that its trader has not accepted: he declines it, the store cancels it."""
    return order.direction == Direction.PAY_OUT and order.status == OrderStatus.PENDING


async def _refuse_second(session: AnySession, order: Order, side: DisputeSide) -> None:
    """One at a time; and a payer, whose receipts cost him nothing, has one in all (hard case 22)."""
    other = await session.scalar(
        select(Dispute.public_id).where(Dispute.order_id == order.id, Dispute.status.not_like("resolved%"))
    )
    if other is not None:
        raise Conflict("A dispute about it is open.", code="dispute.exists", about={"dispute_id": str(other)})
    claimed = select(Dispute.id).where(Dispute.order_id == order.id, Dispute.opened_by == DisputeSide.CUSTOMER)
    if side is DisputeSide.CUSTOMER and await session.scalar(claimed) is not None:
        raise Conflict("This payment has been looked into already.", code="dispute.decided")
