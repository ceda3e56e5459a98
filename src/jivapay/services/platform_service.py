"""The platform as a whole: lifting the money freeze, with grace for the deadlines that passed in it."""

from sqlalchemy import select

from jivapay.database.models.records import MoneyFreeze
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.services import freeze_service, order_processor


async def unfreeze(session: WriteSession, actor: Actor, *, reason: str) -> int:
    """Let money move again; gives how many deadlines were moved on. Raises Conflict when nothing is frozen."""
    frozen_at = await session.scalar(select(MoneyFreeze.frozen_at).where(MoneyFreeze.lifted_at.is_(None)))
    await freeze_service.unfreeze(session, actor, reason=reason)
    return 0 if frozen_at is None else await order_processor.give_grace(session, since=frozen_at)
