"""Tasks that failed for good: seeing them, and sending one on its way again (K58)."""

from typing import Annotated

from fastapi import Depends, Query

from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.tasks import FailedTaskFilter, FailedTaskRead
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import task_service
from jivapay.utils.routing import api_router

router = api_router("/failed-tasks", tags=("admin failed tasks",))

Reader = Annotated[Actor, Depends(requires("tasks:read:any"))]
Operator = Annotated[Actor, Depends(requires("tasks:requeue:any"))]


@router.get("")
async def list_failed_tasks(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[FailedTaskFilter, Query()],
) -> Page[FailedTaskRead]:
    rows, total = await task_service.list_failed(session, page=query.page, page_size=query.page_size)
    items = [FailedTaskRead.model_validate(row) for row in rows]
    return Page(items=items, total=total, page=query.page, page_size=query.page_size)


@router.post("/{task_id}/requeue")
async def requeue_failed_task(actor: Operator, session: WriteDb, task_id: str) -> FailedTaskRead:
    """It leaves with the relay's next look; a task done twice finds nothing to do."""
    return FailedTaskRead.model_validate(await task_service.requeue(session, actor, task_id))
