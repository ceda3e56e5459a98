"""One step of a payout request: along the printed table, versioned, audited."""

from datetime import datetime

from sqlalchemy import func, select, update

from jivapay.database.models.payout_requests import Payout, PayoutAttempt
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.order_states import is_allowed
from jivapay.exceptions import Conflict
from jivapay.schemas_enums.enums import AuditLevel, PayoutStatus
from jivapay.services import audit_service, steps


async def database_now(session: AnySession) -> datetime:
    now = await session.scalar(select(func.app_now()))
    if not isinstance(now, datetime):
        raise AssertionError("the database knows the time")  # noqa: TRY004 - a broken database, not a type
    return now


async def move(session: WriteSession, actor: Actor, payout: Payout, status: PayoutStatus, reason: str) -> None:
    """Move one locked payout. What it waits for (`due_at`) is the caller's, unless it has ended.

    Raises Conflict `payout.state_conflict`.
    """
    if not is_allowed("payout", payout.status, status):
        raise state_conflict(payout)
    await steps.announce(session, actor, reason)
    before = payout.status
    now = await database_now(session)
    payout.status = status
    payout.version += 1
    payout.updated_at = now
    if status is PayoutStatus.PROCESSED:
        payout.processed_at = now
    has_ended = status in {PayoutStatus.PROCESSED, PayoutStatus.CANCELLED, PayoutStatus.FAILED}
    if has_ended:
        payout.due_at = None
    await session.flush()
    if has_ended:
        await end_attempt(session, payout, status.value)
    await record(session, actor, payout, f"payout.{status}", {"from": before, "to": status.value})


async def end_attempt(session: WriteSession, payout: Payout, outcome: str) -> None:
    """The living one, if there is one."""
    await session.execute(
        update(PayoutAttempt)
        .where(PayoutAttempt.payout_id == payout.id, PayoutAttempt.ended_at.is_(None))
        .values(ended_at=func.app_now(), outcome=outcome)
    )


async def is_in_hand(session: AnySession, payout: Payout) -> bool:
    """An executor has it, and may have paid without having said so yet. Stays as it is while the payout is locked."""
    living = select(PayoutAttempt).where(PayoutAttempt.payout_id == payout.id, PayoutAttempt.ended_at.is_(None))
    return bool(await session.scalar(select(living.exists())))


async def record(
    session: WriteSession, actor: Actor, payout: Payout, action: str, details: dict[str, object] | None = None
) -> None:
    """Its audit row; of a step when `details` say from where to where."""
    await audit_service.log_event(
        session,
        actor,
        action,
        entity="payout",
        entity_id=payout.id,
        version=payout.version if details else None,
        details={**(details or {}), "attempt": payout.attempt},
    )


async def report_unreadable(session: WriteSession, actor: Actor, payout: Payout, code: str) -> None:
    """Once, among the errors: it ends here, and is as unreadable for whoever looks into it. Its bytes stay, should the
    key be found before it is asked for again.
    """
    await audit_service.log_event(
        session,
        actor,
        "payout.unreadable",
        entity="payout",
        entity_id=payout.id,
        details={"code": code},
        level=AuditLevel.ERROR,
    )


def state_conflict(payout: Payout, status: PayoutStatus | None = None) -> Conflict:
    """`status`: what it is going to be in a moment, where the row does not say so yet."""
    current = status or PayoutStatus(payout.status)
    return Conflict(f"The payout is {current}.", code="payout.state_conflict", about={"current": current})
