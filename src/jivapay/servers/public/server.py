"""The door of anybody: reference data: which routers it serves."""

from fastapi import APIRouter, FastAPI

from jivapay.api_routers.public import router
from jivapay.servers.app_factory import create_app as build_app

ROUTERS: tuple[APIRouter, ...] = (router.router,)


def create_app() -> FastAPI:
    return build_app("JivaPay public", ROUTERS)
