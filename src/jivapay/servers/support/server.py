"""The door of support staff: which routers it serves."""

from fastapi import APIRouter, FastAPI

from jivapay.api_routers.auth_router import make_auth_router
from jivapay.api_routers.support import router
from jivapay.schemas_enums.enums import Role
from jivapay.servers.app_factory import create_app as build_app

ROUTERS: tuple[APIRouter, ...] = (make_auth_router(Role.SUPPORT), router.router)


def create_app() -> FastAPI:
    return build_app("JivaPay support", ROUTERS)
