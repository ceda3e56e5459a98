"""A client of the payouts service."""
# ruff: noqa: ANN401 - whatever a request may carry

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2

from factories.office import QUIET
from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.servers.payouts import server
from jivapay.services import payout_service
from jivapay.utils.resources import Resources
from support.apps import lent_app

USERS = count(1000)
CARD = "0000 1111 2222 3333"
MASKED = "**** **** **** 3333"


@dataclass
class Caller:
    world: World
    client: httpx2.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, **changes: Any) -> dict[str, Any]:
        asked = {
            "user_id": 123,
            "amount": 100.5,
            "currency": "RUB",
            "recipient_details": {"card": CARD},
            "comment": "Оплата бонуса",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def call(self, method: str, path: str = "", **options: Any) -> httpx2.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.client.request(method, f"/api/payouts/{path}", headers=headers, **options)

    async def create(self, **changes: Any) -> dict[str, Any]:
        answer = await self.call("POST", json=self.body(**changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def status(self, payout_id: int) -> str:
        return str((await self.call("GET", f"{payout_id}/")).json()["status"])

    async def patch(self, payout_id: int, status: str) -> httpx2.Response:
        return await self.call("PATCH", f"{payout_id}/", content=json.dumps({"status": status}), headers=JSON)

    async def execute(self, payout_id: int) -> str | None:
        """As a worker does, now."""
        resources = self.world.resources
        status = await payout_service.execute_payout(
            resources.database, resources.cipher, payout_id, Actor.system("worker"), self.world.rules
        )
        return None if status is None else status.value


JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def open_client(
    resources: Resources, world: World, *, peer: str = "127.0.0.1"
) -> AsyncIterator[httpx2.AsyncClient]:
    """The service alone, as `serve payouts` builds it, called from `peer`."""
    await world.change_settings(**{name: value for name, value in QUIET.items() if name.startswith("RATE")})
    with lent_app(server.ROUTERS, resources) as app:
        transport = httpx2.ASGITransport(app, client=(peer, 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
            yield opened
