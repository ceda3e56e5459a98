"""Late claims as weapons: a known receipt, many claims at once, a shop that loses most of them (hard case 22).

A claim holds a trader's deposit on a payer's word. So it needs a receipt nobody has seen; and from the third open claim
of a customer, the sixth of an address, and at a shop that loses more than CLAIMS_LOST_PERCENT_MAX of them, it goes
straight to a person without a hold. No claim is refused for what others did.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, text

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.session import WriteSession
from jivapay.exceptions import ValidationFailed
from jivapay.schemas_enums.enums import OrderStatus
from jivapay.services import document_service
from jivapay.services.document_service import StoredReceipt

OPEN = (OrderStatus.PENDING_TRADER_CONFIRMATION, OrderStatus.REQUIRES_ATTENTION, OrderStatus.DISPUTE)
LOST = (OrderStatus.CANCELLED, OrderStatus.FAILED, OrderStatus.REVERSED)
LOOKED_BACK = timedelta(days=30)
DECIDED_MIN = 10
"""Fewer decided claims than this say nothing about a shop."""
CLAIM = (Order.revived_at.is_not(None), Order.client_confirmed_at >= Order.left_unpaid_at)
"""Revived by what the payer or the shop said, and not by the trader who saw the money."""


async def judge_claim(
    session: WriteSession, deal: Deal, receipt: StoredReceipt | None, rules: BusinessSettings
) -> str | None:
    """Why a late claim goes straight to a person, or None. The deal is locked; claims of one customer take turns.

    Raises ValidationFailed `receipt.duplicate` for a receipt that was sent for another order.
    """
    incoming = deal.incoming
    if receipt is not None and await document_service.is_seen_elsewhere(
        session, receipt.sha256, incoming_order_id=incoming.id
    ):
        raise ValidationFailed.at("body", "receipt", code="receipt.duplicate")
    if incoming.customer_id is not None:
        same = (IncomingOrder.store_id == incoming.store_id) & (IncomingOrder.customer_id == incoming.customer_id)
        name = f"customer:{incoming.store_id}:{incoming.customer_id}"
        if await _count_open(session, name, same) >= rules.late_claims_max_per_customer:
            return "claims.customer"
    if incoming.customer_ip is not None:
        same = (IncomingOrder.customer_ip == incoming.customer_ip) & (IncomingOrder.test == incoming.test)
        name = f"address:{incoming.test}:{incoming.customer_ip}"
        if await _count_open(session, name, same) >= rules.late_claims_max_per_address:
            return "claims.address"
    return "claims.store" if await _loses_too_many(session, incoming.store_id, rules) else None


async def _count_open(session: WriteSession, name: str, same: ColumnElement[bool]) -> int:
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"late_claims:{name}"}
    )
    counted = await session.scalar(
        select(func.count())
        .select_from(Order)
        .join(IncomingOrder, IncomingOrder.id == Order.incoming_order_id)
        .where(*CLAIM, Order.status.in_(OPEN), same)
    )
    return counted or 0


async def _loses_too_many(session: WriteSession, store_id: int, rules: BusinessSettings) -> bool:
    lost = func.count().filter(Order.status.in_(LOST))
    decided, lost_ones = (
        await session.execute(
            select(func.count(), lost).where(
                *CLAIM,
                Order.store_id == store_id,
                Order.revived_at > func.app_now() - LOOKED_BACK,
                Order.status.in_([*LOST, OrderStatus.COMPLETED]),
            )
        )
    ).one()
    return bool(decided >= DECIDED_MIN and lost_ones * 100 > decided * rules.claims_lost_percent_max)
