"""Deadlines: what has lapsed is ended, one deal a transaction, decided once by the database's clock.

While money is frozen no deadline passes; those that passed in a freeze or while nobody watched move on by five
minutes, so that an outage expires nobody (decision 21, hard case 24).
"""

from datetime import datetime, timedelta

from sqlalchemy import CompoundSelect, func, select, union_all, update
from sqlalchemy.exc import DBAPIError

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import lock_deal_for_update
from jivapay.database.models.disputes import Dispute
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.session import Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import JivaPayException
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus
from jivapay.services import freeze_service, order_status_manager
from jivapay.services.order_processor.payouts import pass_on
from jivapay.utils.notifications import report_failure

GRACE = timedelta(minutes=5)
BATCH = 200
WAITING = (IncomingOrderStatus.NEW, IncomingOrderStatus.RETRYING, IncomingOrderStatus.MANUAL_REVIEW)
TIMED = (OrderStatus.PENDING, OrderStatus.PENDING_TRADER_CONFIRMATION, OrderStatus.IN_PROGRESS)


async def expire_due(database: Database, actor: Actor, rules: BusinessSettings) -> int:
    """End up to a batch of lapsed deals; gives how many. A deal that fails is logged and left for the next run."""
    async with database.read() as session:
        if await freeze_service.is_frozen(session):
            return 0
        due = (await session.scalars(_due())).all()
    ended = 0
    for incoming_order_id in due:
        try:
            async with database.write() as session:
                ended += await _expire_one(session, actor, incoming_order_id, rules)
        except (JivaPayException, DBAPIError) as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            report_failure(error, "deadline_not_applied", incoming_order_id=incoming_order_id)
    return ended


def _due() -> CompoundSelect[int]:
    """Ids of incoming orders whose deal has lapsed, oldest deadlines first in each half."""
    waiting = (
        select(IncomingOrder.id)
        .where(IncomingOrder.status.in_(WAITING), IncomingOrder.expires_at <= func.app_now())
        .order_by(IncomingOrder.expires_at)
        .limit(BATCH)
    )
    timed = (
        select(Order.incoming_order_id)
        .where(Order.status.in_(TIMED), Order.expires_at <= func.app_now())
        .order_by(Order.expires_at)
        .limit(BATCH)
    )
    return union_all(waiting.subquery().select(), timed.subquery().select())


async def _expire_one(session: WriteSession, actor: Actor, incoming_order_id: int, rules: BusinessSettings) -> bool:
    """Look again under the lock: whoever was first has decided."""
    deal = await lock_deal_for_update(session, incoming_order_id)
    now = await order_status_manager.database_now(session)
    if deal.order is None:
        if deal.incoming.status in WAITING and deal.incoming.expires_at <= now:
            await order_status_manager.expire_waiting(session, actor, deal, rules)
            return True
        return False
    if deal.order.expires_at is None or deal.order.expires_at > now:
        return False
    match OrderStatus(deal.order.status):
        case OrderStatus.PENDING if deal.order.direction == Direction.PAY_OUT:
            await pass_on(session, actor, deal, "not accepted in time", rules)
        case OrderStatus.PENDING:
            await order_status_manager.expire_order(session, actor, deal, rules)
        case OrderStatus.IN_PROGRESS:
            await order_status_manager.leave_unpaid(session, actor, deal, rules)
        case OrderStatus.PENDING_TRADER_CONFIRMATION:
            await order_status_manager.require_attention(session, actor, deal, "trader silent past his time", rules)
        case _:
            return False
    return True


async def give_grace(session: WriteSession, since: datetime) -> int:
    """Move deadlines that passed between `since` and now to now + 5 minutes; gives how many."""
    until = func.app_now() + GRACE
    waiting = await session.scalars(
        update(IncomingOrder)
        .where(
            IncomingOrder.status.in_(WAITING),
            IncomingOrder.expires_at >= since,
            IncomingOrder.expires_at <= func.app_now(),
        )
        .values(expires_at=until)
        .returning(IncomingOrder.id)
    )
    timed = await session.scalars(
        update(Order)
        .where(Order.status.in_(TIMED), Order.expires_at >= since, Order.expires_at <= func.app_now())
        .values(expires_at=until)
        .returning(Order.id)
    )
    disputed = await session.scalars(
        update(Dispute)
        .where(Dispute.decision.is_(None), Dispute.due_at >= since, Dispute.due_at <= func.app_now())
        .values(due_at=until)
        .returning(Dispute.id)
    )
    return len(waiting.all()) + len(timed.all()) + len(disputed.all())
