"""Orders that wait for a person: the list, and what staff decides, a second person with him (hard cases 14, 15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.models.approvals import Approval
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.people import MerchantStore, User
from jivapay.database.models.records import AuditLog
from jivapay.database.models.reference import Currency
from jivapay.database.models.unmatched import CaseAssignment
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.money import FIAT_SCALE, format_amount
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.enums import (
    ApprovalStatus,
    Direction,
    IncomingOrderStatus,
    OrderStatus,
    OwnerType,
)
from jivapay.schemas_enums.orders import (
    CaseDecided,
    CaseFilter,
    CaseKind,
    CaseRead,
    ReviewRead,
)
from jivapay.services import approval_service, freeze_service, order_processor, order_status_manager
from jivapay.services.approval_service import ApprovalView, Sensitive
from jivapay.services.order_service.assignments import refuse_taken_by_another
from jivapay.services.order_service.own import merchant_order
from jivapay.utils.listing import Sorting, fetch_list, show_page

SORTING = Sorting(
    {"created_at": IncomingOrder.created_at}, IncomingOrder.id, IncomingOrder.public_id, default="created_at"
)
DECIDE = "order.decide"
"""The action of a decision's approval."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How a person ends a case. `amount` is what has arrived, where it is not what was agreed."""

    outcome: OrderStatus
    reason: str
    amount: Decimal | None = None


async def decide_review(
    session: WriteSession, actor: Actor, order_id: UUID, *, approve: bool, reason: str, rules: BusinessSettings
) -> ReviewRead:
    """Staff's decision about an order that a rule has stopped.

    Raises NotFound, OrderStateConflict, Conflict `case.taken`.
    """
    incoming_id = await session.scalar(select(IncomingOrder.id).where(IncomingOrder.public_id == order_id))
    if incoming_id is None:
        raise NotFound
    await refuse_taken_by_another(session, actor, await lock_deal_for_update(session, incoming_id))
    await order_processor.decide_review(session, actor, incoming_id, approve=approve, reason=reason, rules=rules)
    await session.flush()
    incoming = await session.get_one(IncomingOrder, incoming_id)
    return ReviewRead(
        order_id=incoming.public_id,
        status=incoming.status,
        failure_code=incoming.failure_code,
        failure_reason=incoming.failure_reason,
        version=Deal(incoming, None, None).version,
    )


def _cases(
    kind: CaseKind | None,
) -> Select[IncomingOrder, Order, MerchantStore, int, AuditLog, datetime, UUID, datetime, bool]:
    """The audit row of the step that made a person's business of it says why and since when."""
    waits = {
        "manual_review": IncomingOrder.status == IncomingOrderStatus.MANUAL_REVIEW,
        "requires_attention": Order.status == OrderStatus.REQUIRES_ATTENTION,
    }
    of_order = and_(AuditLog.entity == "order", AuditLog.entity_id == Order.id, AuditLog.version == Order.version)
    of_incoming = and_(
        AuditLog.entity == "incoming_order",
        AuditLog.entity_id == IncomingOrder.id,
        AuditLog.version == IncomingOrder.version,
        Order.id.is_(None),
    )
    deal_version = IncomingOrder.steps + func.coalesce(Order.steps, 0)
    seen_before = select(UploadedDocument.id).where(
        UploadedDocument.incoming_order_id == IncomingOrder.id, UploadedDocument.seen_before
    )
    return (
        select(
            IncomingOrder,
            Order,
            MerchantStore,
            Currency.scale,
            AuditLog,
            func.app_now(),
            User.public_id,
            CaseAssignment.taken_at,
            seen_before.exists(),
        )
        .join(MerchantStore, MerchantStore.id == IncomingOrder.store_id)
        .join(Currency, Currency.code == IncomingOrder.crypto_currency)
        .outerjoin(Order, Order.id == IncomingOrder.assigned_order_id)
        .outerjoin(AuditLog, or_(of_order, of_incoming))
        .outerjoin(
            CaseAssignment,
            and_(CaseAssignment.incoming_order_id == IncomingOrder.id, CaseAssignment.deal_version == deal_version),
        )
        .outerjoin(User, User.id == CaseAssignment.user_id)
        .where(waits[kind] if kind else or_(*waits.values()))
    )


async def list_cases(session: AnySession, actor: Actor, asked: CaseFilter, rules: BusinessSettings) -> Page[CaseRead]:
    """Orders that wait for a person, the oldest first; a cursor also stands behind one that has been decided since.

    Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`.
    """
    base = _cases(asked.kind)
    if asked.taken_by == "me":
        base = base.where(CaseAssignment.user_id == (actor.id or 0))
    elif asked.taken_by == "nobody":
        base = base.where(CaseAssignment.user_id.is_(None))
    listed = await fetch_list(session, base, SORTING, asked, among=select(IncomingOrder))
    return show_page(listed, asked, lambda row: _case(row, rules))


def _case(row: Sequence[Any], rules: BusinessSettings) -> CaseRead:
    incoming, order, _, _, audit, now, taken_by, taken_at, seen_before = row
    shown = merchant_order(row[:4])
    since = audit.at if audit else incoming.created_at
    return CaseRead(
        **shown.model_dump(include=set(CaseRead.model_fields)),
        kind="requires_attention" if order else "manual_review",
        reason=incoming.failure_reason or (audit.details.get("reason") if audit else None),
        waiting_since=since,
        age_seconds=max(0, int((now - since).total_seconds())),
        needs_second_person=order is not None and order.amount_crypto > rules.four_eyes_amount,
        amount_by_trader=_fiat(order and order.amount_by_trader),
        amount_by_payer=_fiat(order and order.amount_by_payer),
        amount_by_store=_fiat(order and order.amount_by_store),
        from_third_party=order is not None and order.from_third_party,
        receipt_seen_before=seen_before,
        taken_by=taken_by,
        taken_at=taken_at,
    )


def _fiat(amount: Decimal | None) -> str | None:
    return None if amount is None else format_amount(amount, FIAT_SCALE)


async def decide_case(
    session: WriteSession, actor: Actor, order_id: UUID, decision: Decision, rules: BusinessSettings
) -> CaseDecided | ApprovalView:
    """Staff's decision about an order in `requires_attention`; an approval when a second person must decide, too.

    Raises NotFound, OrderStateConflict, InsufficientBalance, PlatformFrozen, Conflict `approval.exists`, `case.taken`.
    """
    incoming_id = await session.scalar(select(IncomingOrder.id).where(IncomingOrder.public_id == order_id))
    if incoming_id is None:
        raise NotFound
    deal = await lock_deal_for_update(session, incoming_id)
    order = order_status_manager.require_order(deal)
    order_status_manager.check_decidable(order, decision.outcome)
    await refuse_taken_by_another(session, actor, deal)
    if order.test:
        return await _carry_out(session, actor, deal, decision, rules)
    to_store = (decision.outcome is OrderStatus.COMPLETED) == (order.direction == Direction.PAY_IN)
    what = Sensitive(
        action=DECIDE,
        entity="order",
        entity_id=order.id,
        entity_version=order.version,
        amount=order.amount_crypto,
        currency=order.crypto_currency,
        beneficiary=(OwnerType.STORE, order.store_id) if to_store else (OwnerType.TRADER, order.trader_id),
        payload={
            "order_id": str(deal.incoming.public_id),
            "outcome": decision.outcome.value,
            "amount": None if decision.amount is None else str(decision.amount),
        },
        reason=decision.reason,
        involved=await _involved(session, deal),
    )
    approval = await approval_service.begin(session, actor, what, rules)
    if approval.status == ApprovalStatus.REQUESTED:
        return await approval_service.view(session, approval)
    return await _carry_out(session, actor, deal, decision, rules)


async def execute_decision(session: WriteSession, actor: Actor, approval: Approval, rules: BusinessSettings) -> None:
    """Carry out the decision that a second person has approved. Raises as `decide_case`."""
    incoming_id = await session.scalar(select(Order.incoming_order_id).where(Order.id == approval.entity_id))
    if incoming_id is None:
        raise NotFound
    deal = await lock_deal_for_update(session, incoming_id)
    approval_service.refuse_stale(approval, order_status_manager.require_order(deal).version)
    amount = approval.payload.get("amount")
    decision = Decision(
        OrderStatus(approval.payload["outcome"]), approval.reason, None if amount is None else Decimal(amount)
    )
    await _carry_out(session, actor, deal, decision, rules)


async def _involved(session: AnySession, deal: Deal) -> tuple[int, ...]:
    """Whoever made a step of it, as the one who approved it in review."""
    order = order_status_manager.require_order(deal)
    return tuple(
        await approval_service.people_behind(session, [("incoming_order", deal.incoming.id), ("order", order.id)])
    )


async def _carry_out(
    session: WriteSession, actor: Actor, deal: Deal, decision: Decision, rules: BusinessSettings
) -> CaseDecided:
    if decision.outcome is OrderStatus.COMPLETED:
        await freeze_service.refuse_when_frozen(session)
    order = order_status_manager.require_order(deal)
    await order_status_manager.decide(
        session, actor, deal, decision.outcome, decision.reason, rules, amount=decision.amount
    )
    return CaseDecided(
        order_id=deal.incoming.public_id,
        status=deal.incoming.status,
        order_history_status=order.status,
        version=deal.version,
    )
