"""The inbox of unmatched money: traders declare what no order explains, staff find the order or have it sent back.

Candidates are ranked by how much speaks for them: the amount, the requisite, the time, what the payer said. A person
decides; nothing is attached by itself (hard case 10).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_deal_for_update, lock_unmatched_payment
from jivapay.database.models.approvals import Approval
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.people import MerchantStore, Trader
from jivapay.database.models.requisites import Requisite
from jivapay.database.models.unmatched import UnmatchedPayment
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.money import FIAT_SCALE, fits_scale
from jivapay.exceptions import NotFound, ValidationFailed
from jivapay.schemas_enums.enums import (
    ApprovalStatus,
    Direction,
    OrderStatus,
    OwnerType,
    UnmatchedSource,
    UnmatchedStatus,
)
from jivapay.services import approval_service, freeze_service, idempotency, order_status_manager, reference_data, steps
from jivapay.services.approval_service import ApprovalView, Sensitive
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.order_status_manager import Received

UNMATCHED = "unmatched_payment"
ATTACH, RETURN = "unmatched.attach", "unmatched.return"
"""The actions of their approvals."""
LAPSED = (OrderStatus.EXPIRED, OrderStatus.CANCELLED)
WAITING = (OrderStatus.PENDING, OrderStatus.PENDING_TRADER_CONFIRMATION, OrderStatus.REQUIRES_ATTENTION)
CANDIDATES_MAX = 20
NEAR = timedelta(hours=1)
"""An order whose time to pay was this close to the money speaks for itself."""
EXACT_AMOUNT, SAME_REQUISITE, NEAR_IN_TIME, SAME_PAYER, CLOSE_AMOUNT = 50, 25, 15, 20, 10
CLOSE_PERCENT = Decimal(5)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a trader says about money that no order explains."""

    requisite_id: UUID
    amount: Decimal
    received_at: datetime | None
    payer_bank: str | None
    payer_name: str | None
    note: str


@dataclass(frozen=True, slots=True)
class UnmatchedView:
    """A payment with what is needed to show it."""

    payment: UnmatchedPayment
    requisite_id: UUID
    trader_id: int
    order_id: UUID | None
    from_order_id: UUID | None
    crypto_scale: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order the money may have been for, and how much speaks for it (0 to 120)."""

    order: Order
    incoming: IncomingOrder
    store_name: str
    score: int


async def declare(
    session: WriteSession,
    actor: Actor,
    said: Declared,
    rules: BusinessSettings,
    *,
    claim: IdempotencyClaim | None = None,
) -> Made[UnmatchedView]:
    """A trader has received money without an order: he is credited with it and its worth is held on his crypto.

    Raises NotFound for somebody else's requisite, InsufficientBalance, RateStale, PlatformFrozen, ValidationFailed.
    """

    async def make() -> tuple[int, UnmatchedView]:
        payment = await _declare(session, actor, said, rules)
        return payment.id, await _get(session, UnmatchedPayment.id == payment.id)

    async def load(payment_id: int) -> UnmatchedView:
        return await _get(session, UnmatchedPayment.id == payment_id)

    return await idempotency.make_once(session, claim, resource_type=UNMATCHED, make=make, load=load)


async def _declare(session: WriteSession, actor: Actor, said: Declared, rules: BusinessSettings) -> UnmatchedPayment:
    await freeze_service.refuse_when_frozen(session)
    row = (
        await session.execute(
            select(Requisite.id, Requisite.fiat_currency, Trader.crypto_currency, Requisite.test, func.app_now())
            .join(Trader, Trader.id == Requisite.trader_id)
            .where(Requisite.public_id == said.requisite_id, Requisite.trader_id == (actor.owner_id or 0))
        )
    ).one_or_none()
    if row is None or actor.owner_id is None:
        raise NotFound
    requisite_id, fiat, crypto, test, now = row
    if not fits_scale(said.amount, FIAT_SCALE):
        raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")
    if said.received_at is not None and said.received_at > now:
        raise ValidationFailed.at("body", "received_at", code="range.invalid")
    received = Received(
        actor.owner_id,
        requisite_id,
        test,
        fiat,
        crypto,
        said.amount,
        said.received_at or now,
        UnmatchedSource.TRADER,
        payer_bank=said.payer_bank,
        payer_name=said.payer_name,
        note=said.note,
    )
    await steps.announce(session, actor, "declared by the trader")
    return await order_status_manager.keep_unmatched(session, actor, received, rules)


async def list_payments(
    session: AnySession,
    *,
    trader_id: int | None = None,
    status: UnmatchedStatus | None = None,
    page: int = 1,
    page_size: int = 50,
) -> tuple[list[UnmatchedView], int]:
    """One page, the oldest open ones first, then the newest; and how many there are. A trader's own, or all."""
    conditions: list[ColumnElement[bool]] = []
    if trader_id is not None:
        conditions.append(UnmatchedPayment.trader_id == trader_id)
    if status is not None:
        conditions.append(UnmatchedPayment.status == status)
    total = await session.scalar(select(func.count()).select_from(UnmatchedPayment).where(*conditions))
    is_open = UnmatchedPayment.status == UnmatchedStatus.OPEN
    rows = await session.scalars(
        select(UnmatchedPayment)
        .where(*conditions)
        .order_by(is_open.desc(), case((is_open, UnmatchedPayment.id)), UnmatchedPayment.id.desc())
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    return await _views(session, list(rows)), total or 0


async def get_payment(session: AnySession, public_id: UUID, *, trader_id: int | None = None) -> UnmatchedView:
    """Raises NotFound, also for another trader's than `trader_id`."""
    own = UnmatchedPayment.public_id == public_id
    return await _get(session, own if trader_id is None else and_(own, UnmatchedPayment.trader_id == trader_id))


async def list_candidates(session: AnySession, public_id: UUID, rules: BusinessSettings) -> list[Candidate]:
    """Orders of the same trader that this money may have been for, the likeliest first. Raises NotFound."""
    payment = (await get_payment(session, public_id)).payment
    window = timedelta(seconds=rules.late_payment_window_seconds)
    may_be_late = and_(
        Order.status.in_(LAPSED), Order.revived_at.is_(None), Order.left_unpaid_at >= func.app_now() - window
    )
    difference = func.abs(Order.amount_agreed - payment.amount_fiat)
    spoke = [
        column == value
        for column, value in ((Order.payer_name, payment.payer_name), (Order.payer_bank, payment.payer_bank))
        if value is not None
    ]
    score = (
        case(
            (difference == 0, EXACT_AMOUNT),
            (difference * 100 <= Order.amount_agreed * CLOSE_PERCENT, CLOSE_AMOUNT),
            else_=0,
        )
        + case((Order.requisite_id == payment.requisite_id, SAME_REQUISITE), else_=0)
        + case(
            (
                and_(
                    Order.created_at <= payment.received_at,
                    func.coalesce(Order.left_unpaid_at, payment.received_at) + NEAR >= payment.received_at,
                ),
                NEAR_IN_TIME,
            ),
            else_=0,
        )
        + (case((or_(*spoke), SAME_PAYER), else_=0) if spoke else literal(0))
    ).label("score")
    rows = await session.execute(
        select(Order, IncomingOrder, MerchantStore.name, score)
        .join(IncomingOrder, IncomingOrder.id == Order.incoming_order_id)
        .join(MerchantStore, MerchantStore.id == Order.store_id)
        .where(
            Order.trader_id == payment.trader_id,
            Order.fiat_currency == payment.fiat_currency,
            Order.direction == Direction.PAY_IN,
            or_(may_be_late, Order.status.in_(WAITING)),
        )
        .order_by(score.desc(), difference, Order.id.desc())
        .limit(CANDIDATES_MAX)
    )
    return [Candidate(*row) for row in rows]


async def attach(
    session: WriteSession, actor: Actor, public_id: UUID, order_id: UUID, reason: str, rules: BusinessSettings
) -> UnmatchedView | ApprovalView:
    """The money was for this order: it settles it; an approval when a second person must decide, too.

    Raises NotFound, Conflict, OrderStateConflict, SessionExpired, InsufficientBalance, PlatformFrozen.
    """
    payment = await lock_unmatched_payment(session, public_id)
    deal = await _lock_deal(session, order_id)
    order = order_status_manager.require_order(deal)
    waits = await _ask(
        session,
        actor,
        payment,
        rules,
        action=ATTACH,
        beneficiary=(OwnerType.STORE, order.store_id),
        payload={"order_id": str(order_id)},
        reason=reason,
        about=[("incoming_order", deal.incoming.id), ("order", order.id)],
    )
    return waits or await _attach(session, actor, payment, deal, reason, rules)


async def execute_attach(session: WriteSession, actor: Actor, approval: Approval, rules: BusinessSettings) -> None:
    """Carry out what a second person has approved. Raises as `attach`."""
    payment = await _lock_approved(session, approval)
    deal = await _lock_deal(session, UUID(approval.payload["order_id"]))
    await _attach(session, actor, payment, deal, approval.reason, rules)


async def _attach(
    session: WriteSession, actor: Actor, payment: UnmatchedPayment, deal: Deal, reason: str, rules: BusinessSettings
) -> UnmatchedView:
    await freeze_service.refuse_when_frozen(session)
    await order_status_manager.attach_unmatched(session, actor, payment, deal, reason, rules)
    return await _get(session, UnmatchedPayment.id == payment.id)


async def give_back(
    session: WriteSession, actor: Actor, public_id: UUID, reason: str, rules: BusinessSettings
) -> UnmatchedView | ApprovalView:
    """The trader has sent the money back, as the person has seen; an approval when a second one must decide, too.

    Raises NotFound, Conflict, PlatformFrozen.
    """
    payment = await lock_unmatched_payment(session, public_id)
    beneficiary = (OwnerType.TRADER, payment.trader_id)
    waits = await _ask(
        session, actor, payment, rules, action=RETURN, beneficiary=beneficiary, payload={}, reason=reason, about=[]
    )
    return waits or await _give_back(session, actor, payment, reason)


async def execute_return(session: WriteSession, actor: Actor, approval: Approval, rules: BusinessSettings) -> None:  # noqa: ARG001 - as every action
    """Carry out what a second person has approved. Raises as `give_back`."""
    await _give_back(session, actor, await _lock_approved(session, approval), approval.reason)


async def _give_back(session: WriteSession, actor: Actor, payment: UnmatchedPayment, reason: str) -> UnmatchedView:
    await freeze_service.refuse_when_frozen(session)
    await order_status_manager.close_unmatched(session, actor, payment, UnmatchedStatus.RETURNED, reason)
    return await _get(session, UnmatchedPayment.id == payment.id)


async def _ask(
    session: WriteSession,
    actor: Actor,
    payment: UnmatchedPayment,
    rules: BusinessSettings,
    *,
    action: str,
    beneficiary: tuple[OwnerType, int],
    payload: Mapping[str, str],
    reason: str,
    about: list[tuple[str, int]],
) -> ApprovalView | None:
    """Record the decision; None when it may be carried out now. The test world asks nobody."""
    order_status_manager.check_open(payment)
    if payment.test:
        return None
    what = Sensitive(
        action=action,
        entity=UNMATCHED,
        entity_id=payment.id,
        entity_version=payment.version,
        amount=payment.amount_crypto,
        currency=payment.crypto_currency,
        beneficiary=beneficiary,
        payload={"unmatched_payment_id": str(payment.public_id), **payload},
        reason=reason,
        involved=tuple(await approval_service.people_behind(session, [(UNMATCHED, payment.id), *about])),
    )
    approval = await approval_service.begin(session, actor, what, rules)
    return await approval_service.view(session, approval) if approval.status == ApprovalStatus.REQUESTED else None


async def _lock_approved(session: WriteSession, approval: Approval) -> UnmatchedPayment:
    payment = await lock_unmatched_payment(session, UUID(approval.payload["unmatched_payment_id"]))
    approval_service.refuse_stale(approval, payment.version)
    return payment


async def _lock_deal(session: WriteSession, order_id: UUID) -> Deal:
    incoming_id = await session.scalar(
        select(IncomingOrder.id).where(IncomingOrder.public_id == order_id, IncomingOrder.direction == Direction.PAY_IN)
    )
    if incoming_id is None:
        raise NotFound
    return await lock_deal_for_update(session, incoming_id)


async def _get(session: AnySession, condition: ColumnElement[bool]) -> UnmatchedView:
    payment = await session.scalar(select(UnmatchedPayment).where(condition))
    if payment is None:
        raise NotFound
    return (await _views(session, [payment]))[0]


async def _views(session: AnySession, payments: Sequence[UnmatchedPayment]) -> list[UnmatchedView]:
    orders = {key for row in payments for key in (row.attached_order_id, row.from_order_id) if key is not None}
    found = await session.execute(
        select(Order.id, IncomingOrder.public_id)
        .join(IncomingOrder, IncomingOrder.id == Order.incoming_order_id)
        .where(Order.id.in_(orders))
    )
    names: dict[int, UUID] = dict(found.all())
    on = {row.requisite_id for row in payments}
    found_requisites = await session.execute(select(Requisite.id, Requisite.public_id).where(Requisite.id.in_(on)))
    requisites: dict[int, UUID] = dict(found_requisites.all())
    scales = await reference_data.get_scales(session)
    now = await order_status_manager.database_now(session)
    return [
        UnmatchedView(
            row,
            requisite_id=requisites[row.requisite_id],
            trader_id=row.trader_id,
            order_id=names.get(row.attached_order_id or 0),
            from_order_id=names.get(row.from_order_id or 0),
            crypto_scale=scales[row.crypto_currency],
            now=now,
        )
        for row in payments
    ]
