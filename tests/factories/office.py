"""Every door on one port, in process, and people who go through them: made by the services, signed in over HTTP."""
# ruff: noqa: ANN401 - whatever a request may carry

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from factories.people import CRYPTO, FIAT, add_reference_data
from jivapay.config.crypto import encode_access_token
from jivapay.database.models.people import Merchant, User
from jivapay.database.models.reference import ConfigurationSetting
from jivapay.domain.actors import Actor
from jivapay.domain.permissions import FULL
from jivapay.schemas_enums.enums import Role
from jivapay.servers import all_in_one
from jivapay.services import session_service, user_service
from jivapay.services.commission_service import Commission
from jivapay.services.user_service import NewTrader, NewUser
from jivapay.utils.resources import Resources
from support.apps import lent_app

PASSWORD = "correct horse battery"
SYSTEM = Actor.system("tests")
QUIET = {
    "TOTP_REQUIRED_ROLES": "",
    "RATE_LIMIT_LOGIN": "9000/minute",
    "RATE_LIMIT_REFRESH": "9000/minute",
    "RATE_LIMIT_USER": "90000/minute",
    "RATE_LIMIT_GATEWAY": "90000/minute",
    "RATE_LIMIT_DEFAULT": "90000/minute",
}
"""Settings of an office in which nobody is slowed down or asked for a second factor."""


@dataclass
class Person:
    """Somebody signed in, or not yet."""

    id: UUID
    email: str
    role: Role
    office: "Office" = field(repr=False)
    token: str = ""
    refresh_token: str = ""

    async def sign_in(self, **body: Any) -> "Person":
        given = {"email": self.email, "password": PASSWORD, **body}
        answer = await self.office.client.post(f"/api/{self.role}/auth/login", json=given)
        assert answer.status_code == 200, answer.text
        pair = answer.json()
        return replace(self, token=pair["access_token"], refresh_token=pair["refresh_token"])

    async def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """`path` below `/api/{role}`."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = path if path.startswith("/api/") else f"/api/{self.role}{path}"
        return await self.office.client.request(method, url, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx2.Response:
        return await self.call("POST", path, **options)


@dataclass
class Office:
    resources: Resources
    client: httpx2.AsyncClient
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def set(self, **settings: object) -> None:
        async with self.resources.database.write() as session:
            for key, value in settings.items():
                statement = upsert(ConfigurationSetting).values(key=key, value=str(value))
                await session.execute(
                    statement.on_conflict_do_update(
                        index_elements=[ConfigurationSetting.key], set_={"value": str(value)}
                    )
                )
        self.resources.config.forget()

    async def hire(self, role: Role, *permissions: str, **trader: Any) -> Person:
        """An account, not signed in. A trader takes 1 %, unless said otherwise."""
        email = f"{role}{next(self.numbers)}@office.example"
        new_trader = None
        if role is Role.TRADER:
            new_trader = NewTrader(
                **{
                    "fiat_currency": FIAT,
                    "crypto_currency": CRYPTO,
                    "commission": Commission(Decimal(1), Decimal(1)),
                    **trader,
                }
            )
        new = NewUser(email, role, password=PASSWORD, permissions=permissions, trader=new_trader)
        async with self.resources.database.write() as session:
            created = await user_service.create_user(session, SYSTEM, new, must_change_password=False)
        return Person(created.user.public_id, email, role, self)

    async def enter(self, user_id: int, public_id: UUID, role: Role) -> Person:
        """Somebody another factory made, signed in without a password."""
        async with self.resources.database.write() as session:
            started = await session_service.start(session, user_id, ip=None, user_agent=None)
        token = encode_access_token(
            self.resources.settings,
            role=role,
            subject=str(public_id),
            session_id=str(started.signed_in.session_public_id),
            now=self.resources.clock.now(),
        )
        return Person(public_id, started.signed_in.email, role, self, token, started.refresh_token)

    async def shopkeeper(self, merchant_id: int) -> Person:
        """The merchant of a store that another factory made."""
        async with self.resources.database.read() as session:
            of_merchant = select(User).join(Merchant, Merchant.user_id == User.id).where(Merchant.id == merchant_id)
            user = (await session.scalars(of_merchant)).one()
        return await self.enter(user.id, user.public_id, Role.MERCHANT)

    async def admin(self, *permissions: str) -> Person:
        return await (await self.hire(Role.ADMIN, *(permissions or (FULL,)))).sign_in()

    async def trader(self, **trader: Any) -> Person:
        return await (await self.hire(Role.TRADER, **trader)).sign_in()

    async def merchant(self) -> Person:
        return await (await self.hire(Role.MERCHANT)).sign_in()


@asynccontextmanager
async def open_office(resources: Resources) -> AsyncIterator[Office]:
    async with resources.database.write() as session:
        await add_reference_data(session)
    with lent_app(all_in_one.ROUTERS, resources) as app:
        transport = httpx2.ASGITransport(app, client=("127.0.0.1", 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            office = Office(resources, client)
            await office.set(**QUIET)
            yield office


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]
