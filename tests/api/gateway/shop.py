"""A shop at the gateway: its API key, its requests, and a world whose traders may take its orders."""
# ruff: noqa: ANN401 - whatever a request may carry

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import select

from factories.office import QUIET
from factories.world import SYSTEM, World
from jivapay.database.models.orders import IncomingOrder
from jivapay.database.models.people import MerchantStore
from jivapay.security.store_auth import api_key_pepper
from jivapay.servers import all_in_one
from jivapay.services import api_key_service, order_processor
from jivapay.services.api_key_service import SCOPES, StoreContext
from jivapay.utils.resources import Resources
from support.apps import lent_app

NUMBERS = count(1)
TRADER_LOOKS_EVERY_SECONDS = 0.02
NOBODY = "0199aaaa-0000-7000-8000-000000000000"
"""An order id that nothing has."""


@dataclass(frozen=True)
class Key:
    text: str
    signing_secret: str
    row_id: int


@dataclass
class Shop:
    """One store with one key, calling over HTTP in process."""

    world: World
    client: httpx2.AsyncClient
    store: StoreContext
    key: Key
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, **changes: Any) -> dict[str, Any]:
        """A request for a pay-in; a value of None leaves its field out."""
        asked = {
            "external_order_id": f"E-{next(NUMBERS)}",
            "amount": "4750.00",
            "currency": "RUB",
            "payment_method": "card",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"X-API-Key": self.key.text, **self.headers, **options.pop("headers", {})}
        return await self.client.request(method, f"/gateway{path}", headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx2.Response:
        return await self.call("POST", path, **options)

    async def init(self, **changes: Any) -> dict[str, Any]:
        """A new pay-in, not processed yet."""
        answer = await self.post("/payin/init", json=self.body(**changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def open_page(self, **changes: Any) -> dict[str, Any]:
        """A new payment session; its token stands under `token`."""
        answer = await self.post("/payin/initiate_session", json=self.body(**changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def assigned(self, **changes: Any) -> dict[str, Any]:
        """A pay-in with a requisite, as status shows it."""
        made = await self.init(**changes)
        await self.world.process(await self.id_of(made))
        return await self.status(made)

    async def status(self, made: dict[str, Any]) -> dict[str, Any]:
        answer = await self.get(f"/payin/status/{made['order_id']}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def id_of(self, made: dict[str, Any]) -> int:
        """The incoming order's internal id."""
        async with self.world.database.read() as session:
            found = await session.scalar(
                select(IncomingOrder.id).where(IncomingOrder.public_id == UUID(made["order_id"]))
            )
        assert found is not None
        return found

    def sign(self, content: bytes, *, at: int | None = None, secret: str | None = None) -> dict[str, str]:
        """The headers of a signed request."""
        moment = int(self.world.clock.now().timestamp()) if at is None else at
        text = f"{moment}.".encode() + content
        digest = hmac.new((secret or self.key.signing_secret).encode(), text, hashlib.sha256).hexdigest()
        return {"X-Timestamp": str(moment), "X-Signature": digest}

    async def another_key(self, **changes: Any) -> Key:
        return await issue_key(self.world.resources, self.store, **changes)

    def with_key(self, key: Key) -> "Shop":
        return Shop(self.world, self.client, self.store, key)


async def issue_key(resources: Resources, store: StoreContext, **changes: Any) -> Key:
    given = {"name": "till", "scopes": SCOPES, "networks": (), **changes}
    async with resources.database.write() as session:
        row = await session.get_one(MerchantStore, store.id)
        issued = await api_key_service.issue(
            session, row, pepper=api_key_pepper(resources.settings), cipher=resources.cipher, **given
        )
    return Key(issued.key, issued.signing_secret, issued.row.id)


async def open_shop(
    world: World, client: httpx2.AsyncClient, *, store: StoreContext | None = None, **values: Any
) -> Shop:
    """The world's own store, or a new one with the columns `values`."""
    chosen = store or (await world.add_store(**values) if values else world.store)
    return Shop(world, client, chosen, await issue_key(world.resources, chosen))


@asynccontextmanager
async def open_client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Every door in process, and nobody is slowed down."""
    await world.change_settings(**{name: value for name, value in QUIET.items() if name.startswith("RATE")})
    with lent_app(all_in_one.ROUTERS, world.resources) as app:
        transport = httpx2.ASGITransport(app, client=("127.0.0.1", 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    """A worker that looks for requisites while the block runs."""

    async def work() -> None:
        while True:
            async with world.database.read() as session:
                due = await session.scalars(
                    select(IncomingOrder.id).where(
                        IncomingOrder.status == "new", IncomingOrder.next_attempt_at.is_not(None)
                    )
                )
                waiting = due.all()
            for incoming_id in waiting:
                await order_processor.process_incoming_order(world.database, incoming_id, world.rules, SYSTEM)
            await asyncio.sleep(TRADER_LOOKS_EVERY_SECONDS)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
