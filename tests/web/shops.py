"""The payment page over the real services: a world of its own, a worker that finds requisites, a trader."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from fastapi import FastAPI

from factories.world import World
from jivapay.api_routers.gateway import payment_session
from jivapay.servers.app_factory import create_app
from jivapay.services.gateway_service.deals import Viewer
from jivapay.web.pay import router as payment_page
from jivapay.web.pay.answers import show_page_error
from jivapay.web.ui import assets

OWN = {"sec-fetch-site": "same-origin", "accept-language": "en"}


@dataclass
class Shop:
    """A store's customers at their pages."""

    world: World
    app: FastAPI

    async def open(self, incoming_order_id: int) -> str:
        """The token of an order's page."""
        deal = await self.world.deal(incoming_order_id)
        assert deal.page is not None
        resources = self.world.resources
        viewer = Viewer(resources.cipher, resources.settings.public_base_url, self.world.rules)
        return viewer.token_of(deal.page)

    @asynccontextmanager
    async def client(self, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
        transport = httpx2.ASGITransport(self.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers={**OWN, **headers}
        ) as opened:
            yield opened

    @asynccontextmanager
    async def worker(self, incoming_order_id: int) -> AsyncIterator[None]:
        """Tries to find a requisite as soon as the order is due, and once for each time it becomes due."""

        async def work() -> None:
            seen = None
            while True:
                due = (await self.world.deal(incoming_order_id)).incoming.next_attempt_at
                if due is not None and due != seen:
                    await self.world.process(incoming_order_id)
                    seen = due
                await asyncio.sleep(0.05)

        working = asyncio.create_task(work())
        try:
            yield
        finally:
            working.cancel()


def open_shop(world: World) -> Shop:
    routers = [payment_session.router, payment_page.router, assets.router]
    app = create_app("page", routers, resources=world.resources, page_errors=show_page_error, docs=False)
    return Shop(world, app)
