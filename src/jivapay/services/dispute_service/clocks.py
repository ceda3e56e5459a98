"""What the scheduler does with disputes: ends turns whose time is over, and tops up what is held.

Neither decides anything: an ended turn is handed to staff, and a decided return is carried out once its money is
there. Credits are taken up here and never by the transaction that credits, which holds its accounts already.
"""

from sqlalchemy import func, select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import lock_dispute_for_update
from jivapay.database.models.disputes import Dispute
from jivapay.database.session import Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import DisputeSide, DisputeStatus
from jivapay.services import balance_manager, freeze_service, order_status_manager
from jivapay.services.dispute_service import turns
from jivapay.services.dispute_service.resolving import settle_waiting

BATCH = 200
TIMED = (DisputeStatus.WAITING_TRADER, DisputeStatus.WAITING_MERCHANT)


async def expire_turns(database: Database, actor: Actor, rules: BusinessSettings) -> int:
    """Hand disputes whose turn is over to staff; how many. While money is frozen no deadline passes."""
    async with database.read() as session:
        if await freeze_service.is_frozen(session):
            return 0
        due = await session.scalars(
            select(Dispute.id)
            .where(Dispute.status.in_(TIMED), Dispute.due_at <= func.app_now())
            .order_by(Dispute.due_at)
            .limit(BATCH)
        )
        found = due.all()
    ended = 0
    for dispute_id in found:
        async with database.write() as session:
            ended += await _expire_one(session, actor, dispute_id, rules)
    return ended


async def _expire_one(session: WriteSession, actor: Actor, dispute_id: int, rules: BusinessSettings) -> bool:
    """Look again under the lock: whoever was first has answered."""
    dispute = await lock_dispute_for_update(session, dispute_id)
    now = await order_status_manager.database_now(session)
    if dispute.status not in TIMED or dispute.due_at is None or dispute.due_at > now:
        return False
    await turns.give_turn(session, actor, dispute, DisputeSide.STAFF, now, rules)
    return True


async def top_up_holds(database: Database, actor: Actor, rules: BusinessSettings) -> int:
    """Hold what has come in since for disputes whose hold is short, and carry out decided returns; how many moved."""
    async with database.read() as session:
        if await freeze_service.is_frozen(session):
            return 0
        found = await balance_manager.list_short_disputes(session)
    moved = 0
    for dispute_id in found:
        async with database.write() as session:
            moved += await settle_waiting(session, actor, dispute_id, rules)
    return moved
