"""Balances set right by hand, always by two persons (hard case 14)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.common.treasury_rendering import read_adjustment
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.enums import OwnerType
from jivapay.schemas_enums.treasury import AdjustmentCreate, AdjustmentFilter, AdjustmentRead, CorrectionCreate
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import adjustment_service
from jivapay.services.adjustment_service import NewAdjustment, NewCorrection
from jivapay.utils.listing import show_page
from jivapay.utils.routing import api_router

router = api_router("/adjustments", tags=("admin adjustments",))

Reader = Annotated[Actor, Depends(requires("adjustments:read:any"))]
Requester = Annotated[Actor, Depends(requires("adjustments:create:any", step_up=True))]


@router.get("")
async def list_adjustments(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[AdjustmentFilter, Query()],
) -> Page[AdjustmentRead]:
    """Newest first."""
    return show_page(await adjustment_service.list_adjustments(session, query), query, read_adjustment)


@router.post("", status_code=202)
async def request_adjustment(
    actor: Requester,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    body: AdjustmentCreate,
) -> AdjustmentRead:
    """Posted once a second person has approved it."""
    new = NewAdjustment(OwnerType(body.owner_type), body.owner_id, body.amount, body.currency, body.reason)
    made = await adjustment_service.request_adjustment(
        session, actor, new, await resources.config.current(), claim=claim
    )
    mark_replay(response, replayed=made.replayed)
    return read_adjustment(made.thing)


@router.post("/corrections", status_code=202)
async def request_correction(
    actor: Requester,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    body: CorrectionCreate,
) -> AdjustmentRead:
    """A transfer undone by its exact opposite, once a second person has approved it."""
    new = NewCorrection(body.corrects_type, body.corrects_id, body.reason)
    made = await adjustment_service.request_correction(
        session, actor, new, await resources.config.current(), claim=claim
    )
    mark_replay(response, replayed=made.replayed)
    return read_adjustment(made.thing)


@router.get("/{adjustment_id}")
async def get_adjustment(actor: Reader, session: ReadDb, adjustment_id: UUID) -> AdjustmentRead:  # noqa: ARG001 - the guard's answer is not needed
    return read_adjustment(await adjustment_service.get_adjustment(session, adjustment_id))
