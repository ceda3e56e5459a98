"""A person's decision about an order that a rule has stopped (decision 8, hard case 15)."""

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import lock_deal_for_update
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import OrderStateConflict
from jivapay.schemas_enums.enums import IncomingOrderStatus
from jivapay.services import order_status_manager, outbox
from jivapay.services.order_status_manager import Failure


async def decide_review(
    session: WriteSession,
    actor: Actor,
    incoming_order_id: int,
    *,
    approve: bool,
    reason: str,
    rules: BusinessSettings,
) -> None:
    """Approve: matched at once, and no rule asks again. Reject: failed, and the store is told.

    Raises NotFound, OrderStateConflict when it is not waiting for a review.
    """
    deal = await lock_deal_for_update(session, incoming_order_id)
    if deal.incoming.status != IncomingOrderStatus.MANUAL_REVIEW:
        raise OrderStateConflict(deal.incoming.status)
    if not approve:
        failure = Failure("order.review_rejected", reason)
        await order_status_manager.fail_waiting(session, actor, deal, failure, rules)
        return
    now = await order_status_manager.database_now(session)
    await order_status_manager.approve_review(session, actor, deal, reason, now)
    await outbox.put(
        session,
        outbox.Topic.ORDER_PROCESS,
        ref_type="incoming_order",
        ref_id=deal.incoming.id,
        request_id=actor.request_id,
    )
