"""The executor `jivapay`: a payout request becomes a pay-out order of its store and follows it to its end (PAY-48).

Request, attempt and order are rows of one database: one transaction writes them, so there is no lease and nothing that
a dead worker could leave half done. The request stays `pending` until a trader has accepted; till then its store may
take it back, and the order with it. The order's steps come as tasks out of the outbox, written with the step itself;
with an order there is no `due_at`, and `list_behind` finds whom a lost word has left behind. Locked first the request,
then its deal (hard case 18).
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import ColumnElement, and_, func, or_, select

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher
from jivapay.config.logger import get_logger
from jivapay.database.locks import lock_deal_for_update, lock_payout_for_update
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.payout_requests import Payout, PayoutAttempt
from jivapay.database.models.people import MerchantStore
from jivapay.database.models.records import StatusHistory
from jivapay.database.models.reference import PaymentMethod
from jivapay.database.session import AnySession, WriteSession, atomic_transaction
from jivapay.domain.actors import Actor
from jivapay.domain.urls import CallbackRules
from jivapay.exceptions import (
    ConfigurationError,
    DependencyUnavailable,
    InsufficientBalance,
    OrderStateConflict,
    PermissionDenied,
    ValidationFailed,
)
from jivapay.schemas_enums.enums import IncomingOrderStatus, OrderStatus, PayoutStatus
from jivapay.schemas_enums.payout_requests import PayoutRecipient
from jivapay.services import order_processor
from jivapay.services.api_key_service import StoreContext
from jivapay.services.order_processor import Recipient, Request, UrlRules
from jivapay.services.payout_service.sealing import Unreadable, open_details
from jivapay.services.payout_service.states import database_now, move, report_unreadable

logger = get_logger(__name__)

PATIENCE = timedelta(seconds=2)
"""How long the outbox's word about a step of the order is waited for."""
NOT_NOW_SECONDS = 30.0
"""While the platform takes no pay-outs at all."""
KEY_ID = "payout"
NO_ADDRESSES = UrlRules(CallbackRules(), allow_loopback_http=False)
"""The request names none; the order is told about where the store's orders are."""
NOT_UNDERSTOOD = "recipient.not_understood"
NOT_NOW = (DependencyUnavailable, ConfigurationError)
"""No fault of the store's: the request waits."""
REFUSED = (InsufficientBalance, PermissionDenied, ValidationFailed)
OPEN = (PayoutStatus.PENDING, PayoutStatus.PROCESSING)
DEAD = (IncomingOrderStatus.FAILED, IncomingOrderStatus.CANCELLED, IncomingOrderStatus.EXPIRED)


class _Found(NamedTuple):
    """The order of the living attempt."""

    id: int
    status: str
    failure_code: str | None
    deal: str | None
    """How far its trader is."""


async def advance(
    session: WriteSession, cipher: Cipher, payout_id: int, actor: Actor, rules: BusinessSettings
) -> PayoutStatus | None:
    """Bring one request as far as its order is; without one, and due, make it. None when there is nothing to do."""
    payout = await lock_payout_for_update(session, payout_id)
    if payout is None or payout.deleted_at is not None or payout.status not in OPEN:
        return None
    now = await database_now(session)
    found = await _find_order(session, payout)
    if found is not None:
        return await _follow(session, actor, payout, found)
    if payout.due_at is None or payout.due_at > now:
        return None
    return await _begin(session, cipher, actor, payout, rules, now)


async def list_behind(session: AnySession, *, limit: int) -> list[tuple[int, str | None]]:
    """(id, request id) of requests whose order has moved on without them. Only living attempts are looked through."""
    long_ago = func.app_now() - PATIENCE
    rows = await session.execute(
        select(Payout.id, Payout.request_id)
        .join(PayoutAttempt, and_(PayoutAttempt.payout_id == Payout.id, PayoutAttempt.ended_at.is_(None)))
        .join(IncomingOrder, _is_of_attempt())
        .outerjoin(Order, Order.id == IncomingOrder.assigned_order_id)
        .join(
            StatusHistory,
            and_(
                StatusHistory.entity == "incoming_order",
                StatusHistory.entity_id == IncomingOrder.id,
                StatusHistory.version == IncomingOrder.version,
            ),
        )
        .where(
            Payout.status.in_(OPEN),
            Payout.deleted_at.is_(None),
            or_(
                and_(IncomingOrder.status.in_([IncomingOrderStatus.PROCESSED, *DEAD]), StatusHistory.at <= long_ago),
                and_(Payout.status == PayoutStatus.PENDING, Order.accepted_at <= long_ago),
            ),
        )
        .limit(limit)
    )
    return [(payout_id, request_id) for payout_id, request_id in rows]


def _is_of_attempt() -> ColumnElement[bool]:
    return and_(
        IncomingOrder.payout_id == PayoutAttempt.payout_id, IncomingOrder.external_id == PayoutAttempt.reference
    )


async def take_back(session: WriteSession, actor: Actor, payout: Payout, reason: str, rules: BusinessSettings) -> bool:
    """Before the store ends its locked, `pending` request: cancel the order, unless it has ended by itself.

    False, and nothing changed, when a trader has accepted it.
    """
    found = await _find_order(session, payout)
    if found is None:
        return True
    deal = await lock_deal_for_update(session, found.id)
    if IncomingOrderStatus(deal.incoming.status) in DEAD:
        return True
    try:
        await order_processor.cancel(session, actor, deal, reason, rules)
    except OrderStateConflict:
        return False
    return True


async def _find_order(session: AnySession, payout: Payout) -> _Found | None:
    rows = await session.execute(
        select(IncomingOrder.id, IncomingOrder.status, IncomingOrder.failure_code, Order.status)
        .join(PayoutAttempt, _is_of_attempt())
        .outerjoin(Order, Order.id == IncomingOrder.assigned_order_id)
        .where(PayoutAttempt.payout_id == payout.id, PayoutAttempt.ended_at.is_(None))
    )
    found = rows.one_or_none()
    return None if found is None else _Found(*found)


async def _follow(session: WriteSession, actor: Actor, payout: Payout, found: _Found) -> PayoutStatus:
    """An order that has ended stays as it is, so it need not be locked; what is older than it is comes again."""
    if found.status == IncomingOrderStatus.PROCESSED:
        await _take_in_hand(session, actor, payout)
        await move(session, actor, payout, PayoutStatus.PROCESSED, "paid by a trader")
    elif found.status in DEAD:
        await _fail(session, actor, payout, found.failure_code or f"order.{found.status}")
    elif found.deal not in {None, OrderStatus.PENDING}:
        await _take_in_hand(session, actor, payout)
    return PayoutStatus(payout.status)


async def _begin(
    session: WriteSession, cipher: Cipher, actor: Actor, payout: Payout, rules: BusinessSettings, now: datetime
) -> PayoutStatus:
    number = payout.attempt + 1
    reference = f"{payout.public_id}-{number}"
    try:
        refusal = await _order(session, cipher, actor, payout, reference, rules)
    except NOT_NOW as error:
        logger.warning("payout_waits", payout_id=payout.id, code=error.code)
        payout.due_at = now + timedelta(seconds=NOT_NOW_SECONDS)
        await session.flush()
        return PayoutStatus.PENDING
    payout.attempt = number
    payout.due_at = None
    session.add(PayoutAttempt(payout_id=payout.id, number=number, reference=reference))
    await session.flush()
    if refusal is not None:
        await _fail(session, actor, payout, refusal)
    return PayoutStatus(payout.status)


async def _order(
    session: WriteSession, cipher: Cipher, actor: Actor, payout: Payout, reference: str, rules: BusinessSettings
) -> str | None:
    """Make it; the code of the refusal where it is refused. Raises what NOT_NOW names."""
    details = open_details(cipher, payout)
    if isinstance(details, Unreadable):
        await report_unreadable(session, actor, payout, details.code)
        return details.code
    try:
        async with atomic_transaction(session):
            await _accept(session, cipher, payout, details, reference, rules)
    except REFUSED as error:
        return error.errors[0].code if isinstance(error, ValidationFailed) and error.errors else error.code
    return None


async def _accept(
    session: WriteSession,
    cipher: Cipher,
    payout: Payout,
    details: Mapping[str, Any],
    reference: str,
    rules: BusinessSettings,
) -> None:
    row = await session.get_one(MerchantStore, payout.store_id)
    if not row.access or row.archived_at is not None:
        raise PermissionDenied("This store is switched off.", code="store.access_denied")
    store = StoreContext.of(row, key_id=KEY_ID, actor=Actor.store(row.id, request_id=payout.request_id))
    recipient = _read(details)
    kind, number = recipient.paid_to
    request = Request(
        external_order_id=reference,
        currency=payout.currency,
        hosted=False,
        request_hash=hashlib.sha256(reference.encode()).digest(),
        amount=payout.amount,
        payment_method=recipient.payment_method or await _method_of(session, kind),
        bank=recipient.bank,
        metadata={"payout_id": payout.id, "user_id": payout.user_id},
        recipient=Recipient(number, recipient.holder),
        payout_id=payout.id,
    )
    accepted = await order_processor.accept_payout(
        session, store.actor, store, request, rules=rules, urls=NO_ADDRESSES, cipher=cipher
    )
    if not accepted.created:
        raise AssertionError("the order of an attempt is made with the attempt")


def _read(details: Mapping[str, Any]) -> PayoutRecipient:
    """Raises ValidationFailed."""
    try:
        return PayoutRecipient.model_validate(details)
    except ValidationError:
        raise ValidationFailed.at("body", "recipient_details", code=NOT_UNDERSTOOD) from None


async def _method_of(session: AnySession, kind: str) -> str:
    """The first one on offer that pays to such a number. Raises ValidationFailed."""
    method: str | None = await session.scalar(
        select(PaymentMethod.code)
        .where(PaymentMethod.number_kind == kind, PaymentMethod.is_active)
        .order_by(PaymentMethod.position, PaymentMethod.code)
        .limit(1)
    )
    if method is None:
        raise ValidationFailed.at("body", "recipient_details", code="payment_method.unavailable")
    return method


async def _take_in_hand(session: WriteSession, actor: Actor, payout: Payout) -> None:
    if payout.status == PayoutStatus.PENDING:
        await move(session, actor, payout, PayoutStatus.PROCESSING, "accepted by a trader")


async def _fail(session: WriteSession, actor: Actor, payout: Payout, reason: str) -> None:
    if payout.status == PayoutStatus.PENDING:
        await move(session, actor, payout, PayoutStatus.PROCESSING, "taken by its executor")
    payout.failure_reason = reason
    await move(session, actor, payout, PayoutStatus.FAILED, reason)
