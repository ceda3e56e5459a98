"""What a store or its customer says about a deal that stands: it was paid, so much was sent, it is given up.

Each is done once for an `Idempotency-Key`. A receipt is cleaned and stored before the transaction that links it, and
only where the order still takes a confirmation.
"""

from dataclasses import dataclass

from jivapay.database.locks import lock_deal_for_update
from jivapay.domain.actors import Actor
from jivapay.exceptions import DependencyUnavailable, OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus
from jivapay.schemas_enums.gateway import PayinRead
from jivapay.services import document_service, idempotency, order_processor, order_status_manager
from jivapay.services.api_key_service import StoreContext
from jivapay.services.document_service import StoredReceipt
from jivapay.services.gateway_service.deals import get_deal, get_store_deal
from jivapay.services.gateway_service.payin import get_incoming_order_status
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.order_status_manager import NOTHING_MORE, PayerSaid
from jivapay.utils.resources import Resources

CONFIRMATION = "order_confirmation"
CANCELLATION = "order_cancellation"
"""What a key stands for that was given with one of these: the incoming order's step."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What comes with a confirmation: a receipt, and what the payer or the store says about the payment."""

    receipt: bytes | None = None
    said: PayerSaid = NOTHING_MORE
    claim: IdempotencyClaim | None = None


async def confirm_payin(
    resources: Resources, store: StoreContext, identifier: str, brought: Brought
) -> Made[PayinRead]:
    """The store says that its customer has paid, or how much. Raises NotFound, OrderStateConflict, SessionExpired."""
    async with resources.database.read() as session:
        deal = await get_store_deal(session, store.id, Direction.PAY_IN, identifier, "order_id")
    replayed = await confirm_deal(
        resources, store.actor, deal.incoming.id, brought, receipt_required=store.receipt_required
    )
    return Made(await get_incoming_order_status(resources, store, identifier, by="order_id"), replayed)


async def confirm_deal(
    resources: Resources, actor: Actor, incoming_order_id: int, brought: Brought, *, receipt_required: bool
) -> bool:
    """Check, close, store, link. True when a request with the same key had done it before.

    Storage down: the first confirmation is kept without the receipt; a store that insists on one, a late claim and
    the receipt that follows a lost one come to nothing without it (DependencyUnavailable).
    """
    rules = await resources.config.current()
    if brought.claim is not None:
        async with resources.database.write() as looking:
            if await idempotency.is_done(looking, brought.claim):
                return True
    async with resources.database.read() as session:
        deal = await get_deal(session, incoming_order_id)
        now = await order_status_manager.database_now(session)
        order = order_status_manager.require_order(deal)
        is_first = OrderStatus(order.status) is OrderStatus.PENDING
        receipt_was_lost = deal.incoming.status == IncomingOrderStatus.FAILED_PROCESSING_RECEIPT
        says_amount = brought.said.amount is not None and order_processor.is_confirmed(deal)
        if order_status_manager.is_late(deal):
            order_status_manager.check_late_window(order, now, rules)
        elif not (is_first or says_amount or (receipt_was_lost and brought.receipt is not None)):
            raise OrderStateConflict(order.status)
    if brought.receipt is None and receipt_required and not (receipt_was_lost or says_amount):
        raise ValidationFailed.at("body", "receipt", code="receipt.required")
    stored: StoredReceipt | None = None
    lost = False
    if brought.receipt is not None:
        try:
            cleaned = await document_service.prepare_receipt(brought.receipt)
            stored = await document_service.stage(resources.storage, cleaned, clock=resources.clock)
        except DependencyUnavailable:
            if receipt_required or not is_first:
                raise
            lost = True
    async with resources.database.write() as writing:

        async def finalize() -> None:
            await order_processor.finalize_order_after_client_confirmation(
                writing,
                actor,
                incoming_order_id,
                receipt=stored,
                receipt_lost=lost,
                rules=rules,
                said=brought.said,
            )

        return await idempotency.do_once(
            writing, brought.claim, resource_type=CONFIRMATION, resource_id=incoming_order_id, do=finalize
        )


async def cancel_payin(
    resources: Resources, store: StoreContext, identifier: str, reason: str, claim: IdempotencyClaim | None = None
) -> Made[PayinRead]:
    """Give up before the payer has confirmed. Raises NotFound, OrderStateConflict."""
    async with resources.database.read() as session:
        deal = await get_store_deal(session, store.id, Direction.PAY_IN, identifier, "order_id")
    replayed = await cancel_deal(resources, store.actor, deal.incoming.id, reason, claim)
    return Made(await get_incoming_order_status(resources, store, identifier, by="order_id"), replayed)


async def cancel_deal(
    resources: Resources, actor: Actor, incoming_order_id: int, reason: str, claim: IdempotencyClaim | None = None
) -> bool:
    """Cancel whatever stands: the waiting request or the reserved requisite. True when it was done before."""
    rules = await resources.config.current()
    async with resources.database.write() as session:

        async def cancel() -> None:
            deal = await lock_deal_for_update(session, incoming_order_id)
            await order_processor.cancel(session, actor, deal, reason, rules)

        return await idempotency.do_once(
            session, claim, resource_type=CANCELLATION, resource_id=incoming_order_id, do=cancel
        )
