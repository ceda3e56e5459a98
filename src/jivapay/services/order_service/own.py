"""Orders as those see them who work with them: a trader his own, and a merchant his own (OSV-01 to OSV-04).

Whose an order is decides the query itself: somebody else's is not found.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from jivapay.database.locks import Deal
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.people import MerchantStore
from jivapay.database.models.reference import Currency, PaymentMethod
from jivapay.database.models.requisites import Requisite
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.domain.money import FIAT_SCALE, ZERO, format_amount, format_rate
from jivapay.exceptions import NotFound
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
from jivapay.services import document_service, order_processor
from jivapay.services.document_service import Download
from jivapay.utils.listing import Sorting, fetch_list, show_page
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
    return show_page(listed, asked, _trader_order)


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


async def get_receipt_for_trader(session: AnySession, actor: Actor, order_id: UUID) -> UploadedDocument:
    """The payer's newest receipt of the trader's own order. Raises NotFound."""
    own = await find_own(session, actor, order_id)
    documents = await document_service.list_for_incoming_order(session, own.incoming_order_id)
    stored = [
        document
        for document in documents
        if document.state == DocumentState.STORED and document.kind == DocumentKind.CUSTOMER_RECEIPT
    ]
    if not stored:
        raise NotFound
    return stored[-1]


async def find_own(session: AnySession, actor: Actor, order_id: UUID) -> Order:
    """The trader's order, also a declined one: he is offered each deal once. Raises NotFound."""
    order: Order | None = await session.scalar(
        select(Order)
        .join(IncomingOrder, IncomingOrder.id == Order.incoming_order_id)
        .where(IncomingOrder.public_id == order_id, Order.trader_id == _owner(actor))
    )
    if order is None:
        raise NotFound
    return order


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
    return show_page(listed, asked, merchant_order)


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


async def download_receipt_for_trader(resources: Resources, actor: Actor, order_id: UUID) -> Download:
    """The payer's newest receipt of the trader's own order, fetched afterwards. Raises NotFound, StorageError."""
    async with resources.database.read() as session:
        document = await get_receipt_for_trader(session, actor, order_id)
    return await document_service.load_for_download(resources.storage, document)
