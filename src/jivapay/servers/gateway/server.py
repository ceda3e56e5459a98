"""The door of stores and the hosted payment page: which routers it serves."""

from fastapi import APIRouter, FastAPI

from jivapay.api_routers.gateway import payment_session, router
from jivapay.servers.app_factory import create_app as build_app

ROUTERS: tuple[APIRouter, ...] = (router.router, payment_session.router)


def create_app() -> FastAPI:
    return build_app("JivaPay gateway", ROUTERS)
