"""A payment desk of paper: it shows one session and moves it the way the gateway would, without a database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx2
from fastapi import FastAPI, Request, Response

from jivapay.config.clock import Clock
from jivapay.config.settings import Environment, Settings
from jivapay.exceptions import JivaPayException, NotFound
from jivapay.schemas_enums.gateway import MethodChoice, PaymentSessionRead
from jivapay.servers.app_factory import create_app
from jivapay.services.gateway_service import Brought
from jivapay.services.order_status_manager import PayerSaid
from jivapay.utils.routing import api_router
from jivapay.web.pay import router as payment_page
from jivapay.web.pay.answers import show_page_error
from jivapay.web.pay.visits import open_desk
from jivapay.web.ui import assets
from web.scenes import MASKED, PHONE, TOKEN, at

Client = httpx2.AsyncClient


@dataclass
class PaperDesk:
    """`refusal` is raised by the next form; `asked` keeps what forms said, `said` what payers did about their money."""

    session: PaymentSessionRead
    refusal: JivaPayException | None = None
    asked: list[Any] = field(default_factory=list)
    said: list[PayerSaid] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def turn(self, state: str, **changes: object) -> PaymentSessionRead:
        """The next state, one version later."""
        self.session = self.session.model_copy(update={"state": state, "version": self.session.version + 1, **changes})
        return self.session

    async def show(self) -> PaymentSessionRead:
        return self.session

    async def choose(self, choice: MethodChoice) -> PaymentSessionRead:
        self._take(choice)
        if self.session.state != "choose":
            return self.session
        now = self.clock.now()
        amount = self.session.amount or f"{choice.amount:.2f}"
        deadline = {"server_time": now, "expires_at": now + timedelta(seconds=900), "total_seconds": 900}
        return self.turn("pay", requisite=PHONE, payment_method=choice.payment_method, amount=amount, **deadline)

    async def confirm(self, brought: Brought) -> PaymentSessionRead:
        self._take(brought.receipt)
        self.said.append(brought.said)
        return self.turn("check", receipt_attached=brought.receipt is not None)

    async def dispute(self, receipt: bytes | None) -> None:
        self._take(receipt)
        self.turn("dispute", may_dispute=False)

    async def cancel(self) -> PaymentSessionRead:
        self._take("cancel")
        return self.turn("cancelled", requisite=self.session.requisite and MASKED)

    def _take(self, said: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(said)


class NoLimit:
    """Stands where the rate limiter stands; refuses when told to."""

    def __init__(self) -> None:
        self.refusal: JivaPayException | None = None

    async def hit(self, _name: str, _key: str) -> None:
        if self.refusal is not None:
            raise self.refusal


@dataclass
class Counter:
    """The app with a desk on it, as tests hold it."""

    app: FastAPI
    limiter: NoLimit
    desk: PaperDesk

    def show(self, session: PaymentSessionRead, *, now: bool = False) -> PaperDesk:
        """Another customer, at another screen; `now` moves its times to the present."""
        self.desk = PaperDesk(at(Clock().now(), session) if now else session)
        return self.desk

    @asynccontextmanager
    async def client(self, **headers: str) -> AsyncIterator[Client]:
        transport = httpx2.ASGITransport(self.app)
        async with Client(transport=transport, base_url="http://127.0.0.1", headers=headers) as opened:
            yield opened


def open_counter(session: PaymentSessionRead) -> Counter:
    """The page's own routers in an app built like every other, and the address that its script asks for news."""
    news = api_router("/gateway/payment_session")
    settings = Settings(env=Environment.TEST)
    routers = [payment_page.router, assets.router, news]

    @news.get("/{token}/status")
    async def get_status(response: Response, token: str, v: int = 0) -> dict[str, Any] | None:
        session = await desk_of(token).show()
        if session.version == v:
            response.status_code = 204
            return None
        return {"state": session.state, "version": session.version}

    app = create_app("page", routers, settings=settings, page_errors=show_page_error, docs=False)
    limiter = NoLimit()
    app.state.resources = SimpleNamespace(settings=settings, rate_limiter=limiter)
    counter = Counter(app, limiter, PaperDesk(session))

    def desk_of(token: str) -> PaperDesk:
        if token != TOKEN:
            raise NotFound
        return counter.desk

    def open_paper_desk(request: Request) -> PaperDesk:
        return desk_of(request.path_params["token"])

    app.dependency_overrides[open_desk] = open_paper_desk
    return counter
