"""The door of stores and the hosted payment page: which routers it serves."""

from fastapi import APIRouter, FastAPI

from jivapay.api_routers.gateway import payment_session, payouts, router
from jivapay.servers.app_factory import create_app as build_app
from jivapay.web.pay import router as payment_page
from jivapay.web.pay.answers import show_page_error
from jivapay.web.ui import assets

ROUTERS: tuple[APIRouter, ...] = (
    router.router,
    payouts.router,
    payment_session.router,
    payment_page.router,
    assets.router,
)


def create_app() -> FastAPI:
    return build_app("JivaPay gateway", ROUTERS, page_errors=show_page_error)
