"""After the payer has confirmed: the idempotent step that keeps the receipt and hands the order on (FIN-01 to 11).

The reservation is reused; a lapsed one is restored on the same requisite or handed to a person. Money a payer
says was sent is never refused by a timer (decision 4).
"""

from datetime import timedelta

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import FraudStatus, IncomingOrderStatus, OrderStatus
from jivapay.services import document_service, fraud_detector, order_status_manager
from jivapay.services.document_service import StoredReceipt
from jivapay.services.fraud_detector import FraudFacts
from jivapay.services.order_processor.claims import judge_claim
from jivapay.services.order_status_manager import NOTHING_MORE, Confirmation, PayerSaid


async def finalize_order_after_client_confirmation(
    session: WriteSession,
    actor: Actor,
    incoming_order_id: int,
    *,
    receipt: StoredReceipt | None,
    receipt_lost: bool,
    rules: BusinessSettings,
    said: PayerSaid = NOTHING_MORE,
) -> None:
    """Confirm, link the receipt, tell the store: one transaction.

    A receipt for an order whose first one could not be stored is attached; an amount said about an order that was
    confirmed before is kept, and may settle it. Raises OrderStateConflict, SessionExpired, ValidationFailed
    `receipt.required`.
    """
    deal = await lock_deal_for_update(session, incoming_order_id)
    if deal.incoming.status == IncomingOrderStatus.FAILED_PROCESSING_RECEIPT and receipt is not None:
        await order_status_manager.attach_receipt(session, actor, deal)
    elif said.amount is not None and is_confirmed(deal):
        await order_status_manager.state_amount(session, actor, deal, said.amount, rules)
    else:
        brought = Confirmation(
            has_receipt=receipt is not None,
            receipt_lost=receipt_lost,
            needs_person=await _second_check(session, deal, rules) or await _judge(session, deal, receipt, rules),
            said=said,
        )
        await order_status_manager.confirm_payment_from_gateway_page(session, actor, deal, brought, rules)
    if receipt is not None:
        order = order_status_manager.require_order(deal)
        await document_service.link(
            session, incoming_order_id=deal.incoming.id, order_id=order.id, stored=receipt, uploader=actor
        )


async def _judge(
    session: WriteSession, deal: Deal, receipt: StoredReceipt | None, rules: BusinessSettings
) -> str | None:
    """Only a late claim is judged, and only while it may revive at all."""
    may_revive = deal.order is not None and deal.order.left_unpaid_at is not None and deal.order.revived_at is None
    if not may_revive or not order_status_manager.is_late(deal):
        return None
    return await judge_claim(session, deal, receipt, rules)


def is_confirmed(deal: Deal) -> bool:
    """Nothing is left to confirm but the amount."""
    if deal.order is None:
        return False
    status = OrderStatus(deal.order.status)
    return status in order_status_manager.MAY_STATE_AMOUNT and status is not OrderStatus.PENDING


async def _second_check(session: WriteSession, deal: Deal, rules: BusinessSettings) -> str | None:
    """Long after the first check, look again: anything but ALLOW asks for a person, never refuses (decision 24)."""
    incoming = deal.incoming
    now = await order_status_manager.database_now(session)
    if now <= incoming.created_at + timedelta(seconds=rules.session_ttl_seconds):
        return None
    facts = FraudFacts(
        incoming.amount_fiat,
        incoming.fiat_currency,
        incoming.customer_id,
        incoming.customer_ip,
        incoming.store_id,
        is_approved=incoming.review_approved_at is not None,
    )
    checked = await fraud_detector.check_incoming_order(session, facts, rules)
    return None if checked.status is FraudStatus.ALLOW else checked.reason
