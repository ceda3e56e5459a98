"""Business settings: what they are now, and changing one (CFG-09 to CFG-15)."""

from typing import Annotated

from fastapi import Depends

from jivapay.domain.actors import Actor
from jivapay.schemas_enums.settings import SettingList, SettingRead, SettingWrite
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb
from jivapay.services import settings_service
from jivapay.utils.routing import api_router

router = api_router("/settings", tags=("admin settings",))

Reader = Annotated[Actor, Depends(requires("settings:read:any"))]
Editor = Annotated[Actor, Depends(requires("settings:edit:any", step_up=True))]


@router.get("")
async def list_settings(actor: Reader, session: ReadDb) -> SettingList:  # noqa: ARG001 - the guard's answer is not needed
    views = await settings_service.list_settings(session)
    return SettingList(items=[SettingRead.model_validate(view) for view in views])


@router.put("/{key}")
async def change_setting(actor: Editor, resources: AppResources, key: str, body: SettingWrite) -> SettingRead:
    """In force at once here, within five seconds everywhere."""
    return SettingRead.model_validate(await settings_service.change_setting(resources, actor, key, body.value))
