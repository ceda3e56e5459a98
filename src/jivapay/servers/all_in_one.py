"""Every role on one port, as `jivapay up` serves it. The same routers as the role servers, and nothing else."""

from fastapi import APIRouter, FastAPI

from jivapay.servers.admin import server as admin
from jivapay.servers.app_factory import create_app as build_app
from jivapay.servers.gateway import server as gateway
from jivapay.servers.merchant import server as merchant
from jivapay.servers.payouts import server as payouts
from jivapay.servers.public import server as public
from jivapay.servers.support import server as support
from jivapay.servers.teamlead import server as teamlead
from jivapay.servers.trader import server as trader
from jivapay.web.pay.answers import show_page_error

ROUTERS: tuple[APIRouter, ...] = (
    *gateway.ROUTERS,
    *trader.ROUTERS,
    *merchant.ROUTERS,
    *admin.ROUTERS,
    *support.ROUTERS,
    *teamlead.ROUTERS,
    *public.ROUTERS,
    *payouts.ROUTERS,
)


def create_app() -> FastAPI:
    return build_app("JivaPay", ROUTERS, page_errors=show_page_error)
