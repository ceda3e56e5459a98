"""Orders that wait for a person's decision (decision 8, hard case 15)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from jivapay.domain.actors import Actor
from jivapay.schemas_enums.orders import ReviewDecision, ReviewRead
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, WriteDb
from jivapay.services import order_service
from jivapay.utils.routing import api_router

router = api_router("/orders", tags=("admin orders",))

Reviewer = Annotated[Actor, Depends(requires("orders:review:any"))]


@router.post("/{order_id}/review")
async def decide_review(
    actor: Reviewer, session: WriteDb, resources: AppResources, order_id: UUID, body: ReviewDecision
) -> ReviewRead:
    """Let an order go on that a rule has stopped, or reject it."""
    rules = await resources.config.current()
    return await order_service.decide_review(
        session, actor, order_id, approve=body.approve, reason=body.reason, rules=rules
    )
