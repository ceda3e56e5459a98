"""One step of a status machine: checked against the printed table, versioned, audited, told to the store.

The only place that assigns a status. The rows are locked by the caller (`database/locks.py`); a trigger checks
the same table once more and writes the history.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, func, select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal
from jivapay.database.models.disputes import Dispute
from jivapay.database.models.orders import IncomingOrder, Order, PaymentSession
from jivapay.database.models.payout_requests import Payout
from jivapay.database.models.people import MerchantStore
from jivapay.database.models.reference import Currency
from jivapay.database.models.unmatched import UnmatchedPayment
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.callback_events import OrderFacts, event_body, event_type
from jivapay.domain.order_states import is_allowed
from jivapay.exceptions import OrderStateConflict
from jivapay.schemas_enums.enums import (
    Direction,
    IncomingOrderStatus,
    OrderStatus,
    PaymentSessionStatus,
    UnmatchedStatus,
)
from jivapay.services import callback_service, outbox
from jivapay.services.audit_service import AuditEvent
from jivapay.services.outbox import Topic

ENTITIES = {
    IncomingOrder: "incoming_order",
    Order: "order",
    PaymentSession: "payment_session",
    UnmatchedPayment: "unmatched_payment",
}
Row = IncomingOrder | Order | PaymentSession | UnmatchedPayment
Status = IncomingOrderStatus | OrderStatus | PaymentSessionStatus | UnmatchedStatus


async def database_now(session: AnySession) -> datetime:
    """The moment that decides deadlines: the transaction's, by the database's clock."""
    now = await session.scalar(select(func.app_now()))
    if not isinstance(now, datetime):
        raise AssertionError("the database knows the time")  # noqa: TRY004 - a broken database, not a type
    return now


def step(row: Row, to_status: Status, action: str, **details: Any) -> AuditEvent:  # noqa: ANN401 - audit details
    """Move one locked row along its table; gives the audit event to write. Raises OrderStateConflict."""
    entity = ENTITIES[type(row)]
    if not is_allowed(entity, row.status, to_status):
        raise OrderStateConflict(row.status)
    details = {"from": row.status, "to": to_status.value, **details}
    row.status = to_status.value
    row.version += 1
    return AuditEvent(action, entity, row.id, row.version, details)


def is_final(incoming: IncomingOrder, order: Order | None, now: datetime, rules: BusinessSettings) -> bool:
    """No window is open: nothing about this order changes any more, unless a case about it is."""
    if order is None:
        return IncomingOrderStatus(incoming.status).is_terminal
    match OrderStatus(order.status):
        case OrderStatus.FAILED | OrderStatus.REVERSED | OrderStatus.DECLINED:
            return True
        case OrderStatus.COMPLETED if order.completed_at is not None:
            return now > order.completed_at + timedelta(seconds=rules.dispute_window_seconds)
        case OrderStatus.CANCELLED | OrderStatus.EXPIRED if order.left_unpaid_at is not None:
            return now > order.left_unpaid_at + timedelta(seconds=rules.late_payment_window_seconds)
        case OrderStatus.CANCELLED:
            return True
    return False


async def order_facts(session: AnySession, deal: Deal, rules: BusinessSettings, now: datetime) -> OrderFacts:
    """What the store is told and shown about a deal."""
    incoming, order = deal.incoming, deal.order
    is_disputed = exists().where(
        Dispute.order_id == (order.id if order else None), Dispute.status.not_like("resolved%")
    )
    scale, disputed = (
        await session.execute(select(Currency.scale, is_disputed).where(Currency.code == incoming.crypto_currency))
    ).one()
    return OrderFacts(
        order_id=incoming.public_id,
        external_order_id=incoming.external_id,
        direction=Direction(incoming.direction),
        status=IncomingOrderStatus(incoming.status),
        amount_fiat=order.amount_fiat if order else incoming.amount_fiat,
        currency_fiat=incoming.fiat_currency,
        amount_crypto=order.amount_crypto if order else incoming.amount_crypto,
        currency_crypto=incoming.crypto_currency,
        crypto_scale=scale,
        rate=order.rate if order else incoming.quoted_rate,
        metadata=incoming.order_metadata,
        version=deal.version,
        test=incoming.test,
        order_status=OrderStatus(order.status) if order else None,
        amount_agreed=order.amount_agreed if order else None,
        amount_exceptions=tuple(order.amount_exceptions) if order else (),
        commission=order.store_commission if order else None,
        is_final=not disputed and is_final(incoming, order, now, rules),
    )


async def tell_store(
    session: WriteSession,
    deal: Deal,
    rules: BusinessSettings,
    *,
    event: str | None = None,
    moved: Decimal | None = None,
) -> None:
    """Book the callback of the deal's present status, if the store is told of it. Call once a transaction.

    `event` is the name of one that the status does not tell, `moved` what a correction moved on its balance.
    """
    await _tell_request(session, deal.incoming)
    facts = replace(await order_facts(session, deal, rules, await database_now(session)), moved=moved)
    name = event or event_type(facts)
    if name is None:
        return
    row = deal.order or deal.incoming
    store_url = await session.scalar(
        select(MerchantStore.callback_url).where(MerchantStore.id == deal.incoming.store_id)
    )
    await callback_service.book(
        session,
        store_id=deal.incoming.store_id,
        order_type=ENTITIES[type(row)],
        order_id=row.id,
        public_order_id=deal.incoming.public_id,
        status_version=deal.version,
        event_type=name,
        order_status=row.status,
        url=deal.incoming.callback_url or store_url,
        payload=event_body(facts, name),
        test=deal.incoming.test,
    )


async def _tell_request(session: WriteSession, incoming: IncomingOrder) -> None:
    """A task for the payout request that this order carries out. The request itself is locked before its order, so not
    here.
    """
    if incoming.payout_id is None:
        return
    request_id = await session.scalar(select(Payout.request_id).where(Payout.id == incoming.payout_id))
    await outbox.put(session, Topic.PAYOUT_PROCESS, ref_type="payout", ref_id=incoming.payout_id, request_id=request_id)
