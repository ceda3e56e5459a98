"""A trader's own requisites (ARC-06, RQS-05)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.common.rendering import read_own_requisite
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.requisites import OwnRequisiteRead, RequisiteCreate, RequisiteFilter, RequisitePatch
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import requisite_service
from jivapay.services.requisite_service import Limits, NewRequisite
from jivapay.utils.routing import api_router

router = api_router("/requisites", tags=("requisites",))

Reader = Annotated[Actor, Depends(requires("requisites:read:own"))]
Editor = Annotated[Actor, Depends(requires("requisites:edit:own"))]


@router.get("")
async def list_requisites(
    actor: Reader, session: ReadDb, resources: AppResources, query: Annotated[RequisiteFilter, Query()]
) -> Page[OwnRequisiteRead]:
    views, total = await requisite_service.list_requisites(
        session, actor, cipher=resources.cipher, status=query.status, page=query.page, page_size=query.page_size
    )
    items = [read_own_requisite(view) for view in views]
    return Page(items=items, total=total, page=query.page, page_size=query.page_size)


@router.post("", status_code=201)
async def create_requisite(
    actor: Editor,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    body: RequisiteCreate,
) -> OwnRequisiteRead:
    """It takes orders once staff have approved it."""
    limits = Limits(**body.settings.model_dump())
    new = NewRequisite(body.payment_method, body.bank, body.number, body.holder, limits)
    made = await requisite_service.create_requisite(session, actor, new, cipher=resources.cipher, claim=claim)
    mark_replay(response, replayed=made.replayed)
    return read_own_requisite(made.thing)


@router.get("/{requisite_id}")
async def get_requisite(
    actor: Reader, session: ReadDb, resources: AppResources, requisite_id: UUID
) -> OwnRequisiteRead:
    return read_own_requisite(
        await requisite_service.get_requisite(session, actor, requisite_id, cipher=resources.cipher)
    )


@router.patch("/{requisite_id}")
async def update_requisite(
    actor: Editor, session: WriteDb, resources: AppResources, requisite_id: UUID, body: RequisitePatch
) -> OwnRequisiteRead:
    """Limits at any time; number, holder, bank and method only while nobody may be paying to it."""
    details = body.model_dump(exclude_none=True, exclude={"settings", "is_excluded_from_distribution"})
    view = await requisite_service.update_requisite(
        session,
        actor,
        requisite_id,
        details=details,
        limits=body.settings.model_dump(exclude_unset=True) if body.settings else {},
        excluded=body.is_excluded_from_distribution,
        cipher=resources.cipher,
    )
    return read_own_requisite(view)


@router.delete("/{requisite_id}", status_code=204)
async def archive_requisite(actor: Editor, session: WriteDb, requisite_id: UUID) -> None:
    await requisite_service.archive_requisite(session, actor, requisite_id)
