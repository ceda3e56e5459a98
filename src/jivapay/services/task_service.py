"""Tasks that failed for good: what they were, and sending one on its way again (K58).

A task is a hint about rows that say the same, so doing it once more is always safe. It leaves through the outbox, like
everything that is meant for the broker.
"""

from collections.abc import Sequence

from sqlalchemy import func, select, update

from jivapay.database.models.reference import FailedTask
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict, NotFound
from jivapay.services import audit_service, outbox
from jivapay.services.outbox import Topic


async def list_failed(
    session: AnySession, *, unresolved_only: bool = True, page: int = 1, page_size: int = 50
) -> tuple[Sequence[FailedTask], int]:
    """Newest first."""
    chosen = select(FailedTask)
    if unresolved_only:
        chosen = chosen.where(FailedTask.resolved_at.is_(None))
    total = await session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    rows = await session.scalars(chosen.order_by(FailedTask.id.desc()).limit(page_size).offset((page - 1) * page_size))
    return rows.all(), total


async def requeue(session: WriteSession, actor: Actor, task_id: str) -> FailedTask:
    """Send it on its way again, once. Raises NotFound, or Conflict `task.resolved` when that was done already."""
    taken: FailedTask | None = await session.scalar(
        update(FailedTask)
        .where(FailedTask.task_id == task_id, FailedTask.resolved_at.is_(None))
        .values(resolved_at=func.app_now())
        .returning(FailedTask)
    )
    if taken is None:
        if await session.scalar(select(FailedTask.id).where(FailedTask.task_id == task_id)) is None:
            raise NotFound
        raise Conflict("This task was sent on its way again already.", code="task.resolved")
    await outbox.put(
        session,
        Topic.TASK_AGAIN,
        ref_type="failed_task",
        ref_id=taken.id,
        payload={"name": taken.name, "args": taken.args},
        request_id=actor.request_id,
    )
    await audit_service.log_event(
        session, actor, "task.requeued", entity="failed_task", entity_id=taken.id, details={"name": taken.name}
    )
    return taken
