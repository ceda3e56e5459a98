"""Orders that wait for a person: the list, and what administrators and support decide (decision 8, hard case 15)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.common.rendering import WAITS, show_decided
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.approvals import ApprovalRead
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.certificates import RateCertificateRead
from jivapay.schemas_enums.enums import OrderStatus
from jivapay.schemas_enums.orders import CaseDecided, CaseDecision, CaseFilter, CaseRead, ReviewDecision, ReviewRead
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import certificate_service, order_service
from jivapay.services.order_service import Decision
from jivapay.utils.routing import api_router

router = api_router("/orders", tags=("staff orders",))


Reader = Annotated[Actor, Depends(requires("orders:read:any"))]
Reviewer = Annotated[Actor, Depends(requires("orders:review:any"))]
Decider = Annotated[Actor, Depends(requires("orders:decide:any", step_up=True))]


@router.get("/cases")
async def list_cases(
    actor: Reader,
    session: ReadDb,
    resources: AppResources,
    query: Annotated[CaseFilter, Query()],
) -> Page[CaseRead]:
    """The oldest first."""
    return await order_service.list_cases(session, actor, query, await resources.config.current())


@router.post("/{order_id}/review")
async def decide_review(
    actor: Reviewer, session: WriteDb, resources: AppResources, order_id: UUID, body: ReviewDecision
) -> ReviewRead:
    """Let an order go on that a rule has stopped, or reject it."""
    rules = await resources.config.current()
    return await order_service.decide_review(
        session, actor, order_id, approve=body.approve, reason=body.reason, rules=rules
    )


@router.post("/{order_id}/take", status_code=204)
async def take_order_case(actor: Reviewer, session: WriteDb, order_id: UUID) -> None:
    """Nobody else decides it until it is released or moves on."""
    await order_service.take_case(session, actor, order_id)


@router.post("/{order_id}/release", status_code=204)
async def release_order_case(actor: Reviewer, session: WriteDb, order_id: UUID) -> None:
    """One's own, or with the right to decide a colleague's."""
    await order_service.release_case(session, actor, order_id)


@router.post("/{order_id}/decision", responses={202: {"model": ApprovalRead, "description": WAITS}})
async def decide_case(
    actor: Decider,
    session: WriteDb,
    resources: AppResources,
    order_id: UUID,
    body: CaseDecision,
    response: Response,
) -> CaseDecided | ApprovalRead:
    """End an order in `requires_attention`: settled, or its hold given back to the trader."""
    rules = await resources.config.current()
    decision = Decision(OrderStatus(body.outcome), body.reason, body.amount)
    decided = await order_service.decide_case(session, actor, order_id, decision, rules)
    return show_decided(decided, response, lambda case: case)


@router.get("/{order_id}/rate-certificate")
async def get_rate_certificate(actor: Reader, session: ReadDb, order_id: UUID) -> RateCertificateRead:  # noqa: ARG001 - the guard's answer is not needed
    """How the amounts of store, trader and platform came about."""
    return await certificate_service.certify_for_staff(session, order_id)
