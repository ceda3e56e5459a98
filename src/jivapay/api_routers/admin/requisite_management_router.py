"""Moderation of requisites: a reason for every decision (RQS-04). They are looked at in `common/staff_requisites`."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from jivapay.api_routers.common.rendering import read_moderated_requisite
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import RequisiteStatus
from jivapay.schemas_enums.requisites import RequisiteModerationRead, RequisiteStatusWrite
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, WriteDb
from jivapay.services import requisite_service
from jivapay.utils.routing import api_router

router = api_router("/requisites", tags=("admin requisites",))

Moderator = Annotated[Actor, Depends(requires("requisites:moderate:any", step_up=True))]


@router.put("/{requisite_id}/status")
@router.post("/{requisite_id}/status", include_in_schema=False)
async def set_requisite_status(
    actor: Moderator, session: WriteDb, resources: AppResources, requisite_id: UUID, body: RequisiteStatusWrite
) -> RequisiteModerationRead:
    """Let it into traffic or take it out; the same status again changes nothing."""
    view = await requisite_service.set_requisite_status(
        session, actor, requisite_id, RequisiteStatus(body.status), reason=body.reason, cipher=resources.cipher
    )
    return read_moderated_requisite(view)
