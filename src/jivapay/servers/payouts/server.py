"""The door of stores at the payouts service: which routers it serves."""

from fastapi import APIRouter, FastAPI

from jivapay.api_routers.payouts import bulk, router, schema
from jivapay.servers.app_factory import create_app as build_app

ROUTERS: tuple[APIRouter, ...] = (schema.router, bulk.router, router.router)


def create_app() -> FastAPI:
    return build_app("JivaPay payouts", ROUTERS)
