"""Requisites for administrators and support: masked, and whole with a reason, twenty an hour (RQS-03, hard case 29)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.common.rendering import read_moderated_requisite
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.requisites import (
    RequisiteModerationFilter,
    RequisiteModerationRead,
    RequisiteRevealed,
    RevealWrite,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import requisite_service
from jivapay.utils.routing import api_router

router = api_router("/requisites", tags=("staff requisites",))

Reader = Annotated[Actor, Depends(requires("requisites:read:any"))]
Revealer = Annotated[Actor, Depends(requires("requisites:reveal:any", step_up=True))]


@router.get("")
async def list_requisites(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    resources: AppResources,
    query: Annotated[RequisiteModerationFilter, Query()],
) -> Page[RequisiteModerationRead]:
    views, total = await requisite_service.list_requisites_for_moderation(
        session,
        cipher=resources.cipher,
        status=query.status,
        trader_id=query.trader_id,
        page=query.page,
        page_size=query.page_size,
    )
    return Page(
        items=[read_moderated_requisite(view) for view in views],
        total=total,
        page=query.page,
        page_size=query.page_size,
    )


@router.get("/{requisite_id}")
async def get_requisite(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    resources: AppResources,
    requisite_id: UUID,
) -> RequisiteModerationRead:
    view = await requisite_service.get_requisite_details_for_moderation(session, requisite_id, cipher=resources.cipher)
    return read_moderated_requisite(view)


@router.post("/{requisite_id}/reveal")
async def reveal_requisite(
    actor: Revealer, resources: AppResources, requisite_id: UUID, body: RevealWrite, response: Response
) -> RequisiteRevealed:
    """The whole number, written down with the reason; at most twenty an hour."""
    response.headers["Cache-Control"] = "no-store"
    shown = await requisite_service.reveal_requisite(resources, actor, requisite_id, body.reason)
    return RequisiteRevealed(number=shown.number, holder=shown.holder)


@router.post("/reveals/{user_id}/allow", status_code=204)
async def allow_reveals(actor: Revealer, session: WriteDb, user_id: UUID, body: RevealWrite) -> None:
    """Let a colleague go on who has seen twenty numbers within an hour."""
    await requisite_service.allow_reveals(session, actor, user_id, body.reason)
