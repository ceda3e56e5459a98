"""The money freeze: a violated invariant of the money kind stops money until a person has looked (decision 21).

It refuses new orders, assignments, completions, deposits; never a payer's confirmation, a receipt, a read or a
sign-in. Deadlines that pass meanwhile are moved when it ends (`order_processor.give_grace`).
"""

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from jivapay.database.models.records import MoneyFreeze
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict, PlatformFrozen
from jivapay.schemas_enums.enums import AuditLevel
from jivapay.services import audit_service

RETRY_AFTER_SECONDS = 60


async def is_frozen(session: AnySession) -> bool:
    return bool(await session.scalar(select(select(MoneyFreeze).where(MoneyFreeze.lifted_at.is_(None)).exists())))


async def refuse_when_frozen(session: AnySession) -> None:
    """Raises PlatformFrozen."""
    if await is_frozen(session):
        raise PlatformFrozen(retry_after_seconds=RETRY_AFTER_SECONDS)


async def freeze(session: WriteSession, actor: Actor, *, reason: str, invariant: str | None = None) -> bool:
    """Freeze money. False when it is frozen already."""
    frozen = await session.scalar(
        insert(MoneyFreeze)
        .values(reason=reason, invariant=invariant)
        .on_conflict_do_nothing()
        .returning(MoneyFreeze.id)
    )
    if frozen is None:
        return False
    await audit_service.log_event(
        session,
        actor,
        "platform.frozen",
        entity="money_freeze",
        entity_id=frozen,
        details={"invariant": invariant, "reason": reason},
        level=AuditLevel.CRITICAL,
    )
    return True


async def unfreeze(session: WriteSession, actor: Actor, *, reason: str) -> None:
    """Lift the freeze. Raises Conflict when there is none."""
    lifted = await session.scalar(
        update(MoneyFreeze)
        .where(MoneyFreeze.lifted_at.is_(None))
        .values(lifted_at=func.app_now(), lift_reason=reason, lifted_by=actor.id)
        .returning(MoneyFreeze.id)
    )
    if lifted is None:
        raise Conflict("Money is not frozen.", code="platform.not_frozen")
    await audit_service.log_event(
        session,
        actor,
        "platform.unfrozen",
        entity="money_freeze",
        entity_id=lifted,
        details={"reason": reason},
        level=AuditLevel.WARNING,
    )
