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
from jivapay.database.locks import lock_deal_for_update
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.people import MerchantStore
from jivapay.database.models.reference import Currency
from jivapay.database.models.requisites import Requisite
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.money import FIAT_SCALE, ZERO, format_amount, format_rate
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.enums import (
    Direction,
    DocumentKind,
    DocumentState,
)
from jivapay.schemas_enums.orders import (
    MerchantOrderRead,
    OrderFilter,
    TraderOrderRead,
)
from jivapay.services import document_service, freeze_service, idempotency, order_status_manager
from jivapay.services.document_service import Download
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


def _trader_orders(trader_id: int) -> Select[Order, IncomingOrder, str, UUID, int, bool]:
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
        select(Order, IncomingOrder, MerchantStore.name, Requisite.public_id, Currency.scale, receipt)
        .join(IncomingOrder, IncomingOrder.id == Order.incoming_order_id)
        .join(MerchantStore, MerchantStore.id == Order.store_id)
        .join(Requisite, Requisite.id == Order.requisite_id)
        .join(Currency, Currency.code == Order.crypto_currency)
        .where(Order.trader_id == trader_id)
    )


def _matching(
    asked: OrderFilter, status: InstrumentedAttribute[str], created_at: InstrumentedAttribute[datetime]
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.status:
        conditions.append(status.in_(asked.status))
    if asked.created_from is not None:
        conditions.append(created_at >= asked.created_from)
    if asked.created_to is not None:
        conditions.append(created_at < asked.created_to)
    return conditions


async def list_orders_for_trader(session: AnySession, actor: Actor, asked: OrderFilter) -> Page[TraderOrderRead]:
    """The trader's own orders, newest first. Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`."""
    trader_id = _owner(actor)
    conditions = _matching(asked, Order.status, Order.created_at)
    listed = await fetch_list(session, _trader_orders(trader_id).where(*conditions), TRADER_SORTING, asked)
    return _page([_trader_order(row) for row in listed.rows], listed, asked)


async def get_order_for_trader(session: AnySession, actor: Actor, order_id: UUID) -> TraderOrderRead:
    """One of the trader's own orders. Raises NotFound."""
    row = (
        await session.execute(_trader_orders(_owner(actor)).where(IncomingOrder.public_id == order_id))
    ).one_or_none()
    if row is None:
        raise NotFound
    return _trader_order(row)


def _trader_order(row: Sequence[Any]) -> TraderOrderRead:
    order, incoming, store_name, requisite_id, scale, receipt = row
    sign = -1 if order.direction == Direction.PAY_IN else 1
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
        receipt=receipt,
        expires_at=order.expires_at,
        created_at=order.created_at,
        version=incoming.version + 1 + order.version + 1,
        test=order.test,
    )


async def confirm_order_for_trader(
    session: WriteSession,
    actor: Actor,
    order_id: UUID,
    rules: BusinessSettings,
    answer: TraderAnswer = AS_AGREED,
) -> TraderOrderRead:
    """The trader has the money. Raises NotFound, OrderStateConflict, InsufficientBalance, PlatformFrozen."""
    await freeze_service.refuse_when_frozen(session)
    incoming_id = await _own_incoming(session, actor, order_id)
    deal = await lock_deal_for_update(session, incoming_id)
    await order_status_manager.confirm_order_by_trader(session, actor, deal, rules, answer)
    await session.flush()
    return await get_order_for_trader(session, actor, order_id)


async def cancel_order_for_trader(
    session: WriteSession, actor: Actor, order_id: UUID, reason: str, rules: BusinessSettings
) -> TraderOrderRead:
    """The trader cannot take this payment; only before the payer has confirmed. Raises as above."""
    incoming_id = await _own_incoming(session, actor, order_id)
    deal = await lock_deal_for_update(session, incoming_id)
    await order_status_manager.cancel_order(session, actor, deal, reason, rules)
    await session.flush()
    return await get_order_for_trader(session, actor, order_id)


async def get_receipt_for_trader(session: AnySession, actor: Actor, order_id: UUID) -> UploadedDocument:
    """The payer's newest receipt of the trader's own order. Raises NotFound."""
    incoming_id = await _own_incoming(session, actor, order_id)
    documents = await document_service.list_for_incoming_order(session, incoming_id)
    stored = [
        document
        for document in documents
        if document.state == DocumentState.STORED and document.kind == DocumentKind.CUSTOMER_RECEIPT
    ]
    if not stored:
        raise NotFound
    return stored[-1]


async def _own_incoming(session: AnySession, actor: Actor, order_id: UUID) -> int:
    incoming_id: int | None = await session.scalar(
        select(IncomingOrder.id)
        .join(Order, Order.id == IncomingOrder.assigned_order_id)
        .where(IncomingOrder.public_id == order_id, Order.trader_id == _owner(actor))
    )
    if incoming_id is None:
        raise NotFound
    return incoming_id


async def list_orders_for_merchant(session: AnySession, actor: Actor, asked: OrderFilter) -> Page[MerchantOrderRead]:
    """Orders of all stores of the merchant, newest first, with those that have no requisite yet. Raises as above."""
    conditions = [
        MerchantStore.merchant_id == _owner(actor),
        *_matching(asked, Order.status, IncomingOrder.created_at),
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
        version=incoming.version + 1 + (order.version + 1 if order else 0),
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
        incoming_id = await _own_incoming(session, actor, order_id)
    async with resources.database.write() as looking:
        if await idempotency.is_done(looking, claim):
            return Made(await get_order_for_trader(looking, actor, order_id), replayed=True)
    stored = None
    if receipt is not None:
        cleaned = await document_service.prepare_receipt(receipt)
        stored = await document_service.stage(resources.storage, cleaned, clock=resources.clock)
    async with resources.database.write() as writing:

        async def confirm() -> None:
            await confirm_order_for_trader(writing, actor, order_id, rules, answer)
            if stored is not None:
                order = await writing.scalar(
                    select(IncomingOrder.assigned_order_id).where(IncomingOrder.id == incoming_id)
                )
                await document_service.link(
                    writing,
                    incoming_order_id=incoming_id,
                    order_id=order,
                    stored=stored,
                    uploader=actor,
                    kind=DocumentKind.TRADER_RECEIPT,
                )

        replayed = await idempotency.do_once(
            writing, claim, resource_type="trader_confirmation", resource_id=incoming_id, do=confirm
        )
        return Made(await get_order_for_trader(writing, actor, order_id), replayed)


async def download_receipt_for_trader(resources: Resources, actor: Actor, order_id: UUID) -> Download:
    """The payer's newest receipt of the trader's own order, fetched afterwards. Raises NotFound, StorageError."""
    async with resources.database.read() as session:
        document = await get_receipt_for_trader(session, actor, order_id)
    return await document_service.load_for_download(resources.storage, document)
