"""A deal given up by the store or its customer: the waiting request, or the reserved requisite."""

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import OrderStateConflict
from jivapay.schemas_enums.enums import IncomingOrderStatus
from jivapay.services import order_status_manager


async def cancel(session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings) -> None:
    """Cancel whatever stands of a locked deal. Raises OrderStateConflict, and then nothing was changed."""
    if deal.order is not None:
        await order_status_manager.cancel_order(session, actor, deal, reason, rules)
    elif IncomingOrderStatus(deal.incoming.status).is_terminal:
        raise OrderStateConflict(deal.incoming.status)
    else:
        await order_status_manager.cancel_waiting(session, actor, deal, reason, rules)
