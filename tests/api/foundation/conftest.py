"""A small app built as every server is, with routes that show each behaviour. No database: nothing here needs one."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, Query, Request, UploadFile
from pydantic import Field
from sqlalchemy.exc import DBAPIError

from jivapay.config.logger import current_request_id
from jivapay.config.settings import Environment, Settings
from jivapay.exceptions import AuthenticationError, LimitExceeded, OrderStateConflict, ResourceBusy
from jivapay.schemas_enums.base import ExternalId, Metadata, Name, PageQuery, PublicId, RequestModel, WholeNumber
from jivapay.schemas_enums.enums import Direction
from jivapay.schemas_enums.money import FiatAmount
from jivapay.servers.app_factory import create_app
from jivapay.utils.routing import api_router

router = api_router("/probe", tags=("probe",))


class OrderCreate(RequestModel):
    amount: FiatAmount
    external_order_id: ExternalId = "A-1"
    direction: Direction = Direction.PAY_IN
    name: Name = "name"
    wait_seconds: Annotated[WholeNumber, Field(ge=0, le=20)] = 0
    metadata: Metadata = Field(default_factory=dict)


class Filter(PageQuery):
    status: str | None = None


def require_key(request: Request) -> None:
    if request.headers.get("x-api-key") != "good":
        raise AuthenticationError


@router.post("/orders", status_code=201)
async def create_order(body: OrderCreate) -> dict[str, str]:
    assert isinstance(body.amount, Decimal)
    return {"amount": str(body.amount)}


@router.post("/guarded", dependencies=[Depends(require_key)])
async def create_guarded(body: OrderCreate) -> dict[str, str]:
    return {"amount": str(body.amount)}


@router.get("/orders")
async def list_orders(filters: Annotated[Filter, Query()]) -> dict[str, int]:
    return {"page": filters.page}


@router.get("/orders/{order_id}")
async def get_order(order_id: PublicId) -> dict[str, str]:
    return {"order_id": str(order_id), "request_id": current_request_id() or ""}


@router.get("/numbers/{number}")
async def get_number(number: int) -> dict[str, str]:
    return {"number": str(number)}


@router.post("/upload")
async def upload(receipt: UploadFile | None = None) -> dict[str, int]:
    return {"size": len(await receipt.read()) if receipt else 0}


@router.get("/client")
async def get_client(request: Request) -> dict[str, str]:
    assert request.client is not None
    return {"address": request.client.host}


class DriverError(Exception):
    def __init__(self, state: str | None) -> None:
        super().__init__(f"canary in {state}")
        self.sqlstate = state


@router.get("/raise/{what}")
async def raise_something(what: str) -> None:
    failures: dict[str, Exception] = {
        "conflict": OrderStateConflict("completed"),
        "limit": LimitExceeded(retry_after_seconds=7),
        "busy": ResourceBusy(),
        "bug": RuntimeError("canary 4111111111111111"),
        "connection": ConnectionRefusedError("10.0.0.1:5432"),
        "timeout": TimeoutError(),
    }
    raise failures.get(what) or DBAPIError("select 'canary'", {}, DriverError(what))


inner_router = api_router("/inner")


@inner_router.get("/things/{thing}")
async def get_thing(thing: str) -> dict[str, str]:
    return {"thing": thing}


router.include_router(inner_router)

Client = httpx2.AsyncClient


@pytest.fixture
def probe_settings() -> Settings:
    return Settings(env=Environment.TEST, trusted_proxies="10.0.0.0/8, 192.0.2.7/32")


@pytest.fixture
async def client(probe_settings: Settings) -> AsyncIterator[Client]:
    app = create_app("probe", [router], settings=probe_settings)
    transport = httpx2.ASGITransport(app, client=("10.0.0.1", 5000))
    async with Client(transport=transport, base_url="http://test") as opened:
        yield opened


def problem(response: httpx2.Response) -> dict[str, Any]:
    """The document of a refused request, whose shape is the same everywhere."""
    document: dict[str, Any] = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert document["status"] == response.status_code
    assert document["type"] == f"urn:jivapay:error:{document['code']}"
    assert document["request_id"] == response.headers["x-request-id"]
    assert set(document) - {"about"} == {"type", "title", "status", "code", "detail", "request_id", "errors"}
    assert document["title"]
    return document


@pytest.fixture(name="problem")
def _problem() -> Callable[[httpx2.Response], dict[str, Any]]:
    return problem
