"""Permissions: the catalogue, and what one person holds (PRM-02, PRM-03, PRM-09)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from jivapay.domain.actors import Actor
from jivapay.domain.permissions import CATALOGUE, PRESETS
from jivapay.schemas_enums.users import PermissionCatalogue, PermissionEntry, PermissionsRead, PermissionsWrite
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import permission_service, user_service
from jivapay.utils.routing import api_router

router = api_router(tags=("admin permissions",))

Reader = Annotated[Actor, Depends(requires("permissions:read:any"))]
Editor = Annotated[Actor, Depends(requires("permissions:edit:any", step_up=True))]


@router.get("/permissions")
async def list_permissions(actor: Reader) -> PermissionCatalogue:  # noqa: ARG001 - the guard's answer is not needed
    items = [PermissionEntry(permission=name, description=text) for name, text in CATALOGUE.items()]
    presets = {role.value: {name: list(grants) for name, grants in lists.items()} for role, lists in PRESETS.items()}
    return PermissionCatalogue(items=items, presets=presets)


@router.get("/users/{user_id}/permissions")
async def get_user_permissions(actor: Reader, session: ReadDb, user_id: UUID) -> PermissionsRead:  # noqa: ARG001 - the guard's answer is not needed
    user = await user_service.get_user(session, user_id)
    return PermissionsRead(permissions=await permission_service.get_user_permissions(session, user))


@router.put("/users/{user_id}/permissions")
async def update_user_permissions(
    actor: Editor, session: WriteDb, user_id: UUID, body: PermissionsWrite
) -> PermissionsRead:
    """Replaces the list, at once. Nobody grants what he lacks."""
    user = await user_service.get_user(session, user_id)
    await permission_service.update_user_permissions(session, actor, user, body.permissions)
    return PermissionsRead(permissions=list(body.permissions))
