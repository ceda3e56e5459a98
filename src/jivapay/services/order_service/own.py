"""Orders for those who work with them: a trader's own, and a merchant's own (OSV-01 to OSV-04).

Whose an order is decides the query itself: somebody else's is not found.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.people import MerchantStore
from jivapay.database.models.reference import Currency, PaymentMethod
from jivapay.database.models.requisites import Requisite
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.money import FIAT_SCALE, ZERO, format_amount, format_rate
from jivapay.exceptions import NotFound, OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.enums import (
    Direction,
    DocumentKind,
    DocumentState,
    OrderStatus,
)
from jivapay.schemas_enums.orders import (
    MerchantOrderRead,
    OrderFilter,
    TraderOrderRead,
)
from jivapay.services import (
    audit_service,
    document_service,
    freeze_service,
    idempotency,
    order_processor,
    order_status_manager,
)
from jivapay.services.document_service import Download, StoredReceipt
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.order_status_manager import AS_AGREED, TraderAnswer
from jivapay.utils.listing import Listed, Sorting, fetch_list
from jivapay.utils.resources import Resources

TRADER_SORTING = Sorting(
    {"created_at": Order.created_at, "amount": Order.amount_fiat}, Order.id, IncomingOrder.public_id
)
MERCHANT_SORTING = Sorting(
    {
        "created_at": IncomingOrder.created_at,
        "amount": func.coalesce(Order.amount_fiat, IncomingOrder.amount_fiat, ZERO),
    },
    IncomingOrder.id,
    IncomingOrder.public_id,
)
Item = TypeVar("Item")


def _page(items: list[Item], listed: Listed[Any], asked: OrderFilter) -> Page[Item]:
    return Page(
        items=items,
        total=listed.total,
        page=asked.page,
        page_size=asked.page_size,
        next_cursor=listed.next_cursor,
    )


def _trader_orders(trader_id: int) -> Select[Order, IncomingOrder, str, UUID, int, bool, str | None]:
    receipt = (
        select(UploadedDocument.id)
        .where(
            UploadedDocument.order_id == Order.id,
            UploadedDocument.state == DocumentState.STORED,
            UploadedDocument.kind == DocumentKind.CUSTOMER_RECEIPT,
        )
        .exists()
    )
    return (
        select(
            Order,
            IncomingOrder,
            MerchantStore.name,
            Requisite.public_id,
            Currency.scale,
            receipt,
            PaymentMethod.number_kind,
        )
        .join(IncomingOrder, IncomingOrder.id == Order.incoming_order_id)
        .join(MerchantStore, MerchantStore.id == Order.store_id)
        .join(Requisite, Requisite.id == Order.requisite_id)
        .join(Currency, Currency.code == Order.crypto_currency)
        .outerjoin(PaymentMethod, PaymentMethod.code == IncomingOrder.payment_method)
        .where(Order.trader_id == trader_id)
    )


def _matching(
    asked: OrderFilter,
    status: InstrumentedAttribute[str],
    created_at: InstrumentedAttribute[datetime],
    direction: InstrumentedAttribute[str],
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.status:
        conditions.append(status.in_(asked.status))
    if asked.direction is not None:
        conditions.append(direction == asked.direction)
    if asked.created_from is not None:
        conditions.append(created_at >= asked.created_from)
    if asked.created_to is not None:
        conditions.append(created_at < asked.created_to)
    return conditions


async def list_orders_for_trader(session: AnySession, actor: Actor, asked: OrderFilter) -> Page[TraderOrderRead]:
    """The trader's own orders, newest first. Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`."""
    trader_id = _owner(actor)
    conditions = _matching(asked, Order.status, Order.created_at, Order.direction)
    listed = await fetch_list(session, _trader_orders(trader_id).where(*conditions), TRADER_SORTING, asked)
    return _page([_trader_order(row) for row in listed.rows], listed, asked)


async def get_order_for_trader(session: AnySession, actor: Actor, order_id: UUID) -> TraderOrderRead:
    """One of the trader's own orders, its recipient masked. Raises NotFound."""
    row = (
        await session.execute(_trader_orders(_owner(actor)).where(IncomingOrder.public_id == order_id))
    ).one_or_none()
    if row is None:
        raise NotFound
    return _trader_order(row)


def _trader_order(row: Sequence[Any]) -> TraderOrderRead:
    order, incoming, store_name, requisite_id, scale, receipt, number_kind = row
    is_payin = order.direction == Direction.PAY_IN
    is_his = order.status != OrderStatus.DECLINED
    sign = -1 if is_payin else 1
    moves = order.trader_amount_crypto + sign * order.trader_commission
    return TraderOrderRead(
        order_id=incoming.public_id,
        direction=order.direction,
        status=order.status,
        amount=format_amount(order.amount_fiat, FIAT_SCALE),
        amount_agreed=format_amount(order.amount_agreed, FIAT_SCALE),
        amount_exceptions=list(order.amount_exceptions),
        payer_bank=order.payer_bank,
        payer_name=order.payer_name,
        currency=order.fiat_currency,
        amount_crypto=format_amount(moves, scale),
        crypto_currency=order.crypto_currency,
        rate=format_rate(order.base_rate),
        requisite_id=requisite_id,
        store_name=store_name,
        customer_id=incoming.customer_id,
        recipient=None if is_payin else order_processor.mask_recipient(incoming, number_kind),
        receipt=receipt,
        expires_at=order.expires_at,
        created_at=order.created_at,
        version=Deal(incoming, order if is_his else None, None).version,
        test=order.test,
    )


async def show_order_to_trader(resources: Resources, actor: Actor, order_id: UUID) -> TraderOrderRead:
    """`get_order_for_trader` with the recipient of a pay-out he has accepted: whole, and noted. Raises NotFound."""
    async with resources.database.read() as session:
        shown = await get_order_for_trader(session, actor, order_id)
    if shown.recipient is None or shown.status != OrderStatus.IN_PROGRESS:
        return shown
    async with resources.database.write() as session:
        deal = await _lock_own(session, actor, order_id)
        order = order_status_manager.require_order(deal)
        if order.status == OrderStatus.IN_PROGRESS:
            await audit_service.log_event(session, actor, "order.recipient_shown", entity="order", entity_id=order.id)
            return await _with_recipient(session, actor, deal, resources.cipher)
        return await get_order_for_trader(session, actor, order_id)


async def accept_order_for_trader(
    session: WriteSession, actor: Actor, order_id: UUID, rules: BusinessSettings, cipher: Cipher
) -> TraderOrderRead:
    """The trader takes a pay-out on and learns whom to pay. Raises NotFound, OrderStateConflict, PlatformFrozen."""
    await freeze_service.refuse_when_frozen(session)
    deal = await _lock_own(session, actor, order_id)
    await order_status_manager.accept_order(session, actor, deal, rules)
    await session.flush()
    return await _with_recipient(session, actor, deal, cipher)


async def decline_order_for_trader(
    session: WriteSession, actor: Actor, order_id: UUID, reason: str, rules: BusinessSettings
) -> TraderOrderRead:
    """The trader does not take a pay-out; the next one is looked for. Raises NotFound, OrderStateConflict."""
    deal = await _lock_own(session, actor, order_id)
    await order_processor.pass_on(session, actor, deal, reason, rules)
    await session.flush()
    return await get_order_for_trader(session, actor, order_id)


async def _with_recipient(session: WriteSession, actor: Actor, deal: Deal, cipher: Cipher) -> TraderOrderRead:
    shown = await get_order_for_trader(session, actor, deal.incoming.public_id)
    return shown.model_copy(update={"recipient": order_processor.show_whole_recipient(deal.incoming, cipher)})


async def confirm_order_for_trader(
    session: WriteSession,
    actor: Actor,
    order_id: UUID,
    rules: BusinessSettings,
    answer: TraderAnswer = AS_AGREED,
    *,
    receipt: StoredReceipt | None = None,
) -> TraderOrderRead:
    """The trader has the money, or has paid it out and shows the receipt.

    Raises NotFound, OrderStateConflict, InsufficientBalance, PlatformFrozen, and for a pay-out ValidationFailed
    `receipt.required` or `receipt.duplicate`.
    """
    await freeze_service.refuse_when_frozen(session)
    deal = await _lock_own(session, actor, order_id)
    await order_status_manager.confirm_order_by_trader(
        session, actor, deal, rules, answer, has_receipt=receipt is not None
    )
    await session.flush()
    if receipt is not None:
        order = order_status_manager.require_order(deal)
        linked = await document_service.link(
            session,
            incoming_order_id=deal.incoming.id,
            order_id=order.id,
            stored=receipt,
            uploader=actor,
            kind=DocumentKind.TRADER_RECEIPT,
        )
        if linked.duplicate and order.direction == Direction.PAY_OUT:
            raise ValidationFailed.at("body", "receipt", code="receipt.duplicate")
    return await get_order_for_trader(session, actor, order_id)


async def cancel_order_for_trader(
    session: WriteSession, actor: Actor, order_id: UUID, reason: str, rules: BusinessSettings
) -> TraderOrderRead:
    """The trader cannot take this payment; only before the payer has confirmed. A pay-out he declines instead.

    Raises NotFound, OrderStateConflict.
    """
    deal = await _lock_own(session, actor, order_id)
    order = order_status_manager.require_order(deal)
    if order.direction == Direction.PAY_OUT:
        raise OrderStateConflict(order.status, "A pay-out is declined, not cancelled.")
    await order_status_manager.cancel_order(session, actor, deal, reason, rules)
    await session.flush()
    return await get_order_for_trader(session, actor, order_id)


async def get_receipt_for_trader(session: AnySession, actor: Actor, order_id: UUID) -> UploadedDocument:
    """The payer's newest receipt of the trader's own order. Raises NotFound."""
    own = await _find_own(session, actor, order_id)
    documents = await document_service.list_for_incoming_order(session, own.incoming_order_id)
    stored = [
        document
        for document in documents
        if document.state == DocumentState.STORED and document.kind == DocumentKind.CUSTOMER_RECEIPT
    ]
    if not stored:
        raise NotFound
    return stored[-1]


async def _find_own(session: AnySession, actor: Actor, order_id: UUID) -> Order:
    """The trader's order, also a declined one: he is offered each deal once. Raises NotFound."""
    order: Order | None = await session.scalar(
        select(Order)
        .join(IncomingOrder, IncomingOrder.id == Order.incoming_order_id)
        .where(IncomingOrder.public_id == order_id, Order.trader_id == _owner(actor))
    )
    if order is None:
        raise NotFound
    return order


async def _lock_own(session: WriteSession, actor: Actor, order_id: UUID) -> Deal:
    """The deal, while it is this trader's. Raises NotFound, OrderStateConflict when he has declined it."""
    own = await _find_own(session, actor, order_id)
    deal = await lock_deal_for_update(session, own.incoming_order_id)
    if deal.order is None or deal.order.id != own.id:
        raise OrderStateConflict(OrderStatus.DECLINED)
    return deal


async def list_orders_for_merchant(session: AnySession, actor: Actor, asked: OrderFilter) -> Page[MerchantOrderRead]:
    """Orders of all stores of the merchant, newest first, with those that have no requisite yet. Raises as above."""
    conditions = [
        MerchantStore.merchant_id == _owner(actor),
        *_matching(asked, Order.status, IncomingOrder.created_at, IncomingOrder.direction),
    ]
    base = (
        select(IncomingOrder, Order, MerchantStore, Currency.scale)
        .join(MerchantStore, MerchantStore.id == IncomingOrder.store_id)
        .join(Currency, Currency.code == IncomingOrder.crypto_currency)
        .outerjoin(Order, Order.id == IncomingOrder.assigned_order_id)
        .where(*conditions)
    )
    listed = await fetch_list(session, base, MERCHANT_SORTING, asked)
    return _page([merchant_order(row) for row in listed.rows], listed, asked)


def merchant_order(row: Sequence[Any]) -> MerchantOrderRead:
    incoming, order, store, scale = row
    amount = order.amount_fiat if order else incoming.amount_fiat
    crypto = order.amount_crypto if order else incoming.amount_crypto
    rate = order.rate if order else incoming.quoted_rate
    return MerchantOrderRead(
        order_id=incoming.public_id,
        external_order_id=incoming.external_id,
        store_id=store.public_id,
        store_name=store.name,
        direction=incoming.direction,
        status=incoming.status,
        order_history_status=order.status if order else None,
        amount=None if amount is None else format_amount(amount, FIAT_SCALE),
        currency=incoming.fiat_currency,
        amount_crypto=None if crypto is None else format_amount(crypto, scale),
        commission=format_amount(order.store_commission, scale) if order else None,
        crypto_currency=incoming.crypto_currency,
        rate=None if rate is None else format_rate(rate),
        customer_id=incoming.customer_id,
        failure_code=incoming.failure_code,
        created_at=incoming.created_at,
        version=Deal(incoming, order, None).version,
        test=incoming.test,
    )


def _owner(actor: Actor) -> int:
    if actor.owner_id is None:
        raise NotFound
    return actor.owner_id


async def confirm_order_with_receipt(
    resources: Resources,
    actor: Actor,
    order_id: UUID,
    receipt: bytes | None,
    answer: TraderAnswer = AS_AGREED,
    claim: IdempotencyClaim | None = None,
) -> Made[TraderOrderRead]:
    """`confirm_order_for_trader` as a phased door: his receipt, if any, is cleaned and stored before the transaction.

    Raises as that, and ValidationFailed `file.*` or StorageError, which change nothing.
    """
    rules = await resources.config.current()
    async with resources.database.read() as session:
        own = await _find_own(session, actor, order_id)
    async with resources.database.write() as looking:
        if await idempotency.is_done(looking, claim):
            return Made(await get_order_for_trader(looking, actor, order_id), replayed=True)
    stored = None
    if receipt is not None:
        cleaned = await document_service.prepare_receipt(receipt)
        stored = await document_service.stage(resources.storage, cleaned, clock=resources.clock)
    async with resources.database.write() as writing:

        async def confirm() -> None:
            await confirm_order_for_trader(writing, actor, order_id, rules, answer, receipt=stored)

        replayed = await idempotency.do_once(
            writing, claim, resource_type="trader_confirmation", resource_id=own.incoming_order_id, do=confirm
        )
        return Made(await get_order_for_trader(writing, actor, order_id), replayed)


async def download_receipt_for_trader(resources: Resources, actor: Actor, order_id: UUID) -> Download:
    """The payer's newest receipt of the trader's own order, fetched afterwards. Raises NotFound, StorageError."""
    async with resources.database.read() as session:
        document = await get_receipt_for_trader(session, actor, order_id)
    return await document_service.load_for_download(resources.storage, document)
