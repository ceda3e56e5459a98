"""`/api/schema/`: the payouts service described by itself, for programs as JSON or YAML, for people as a page (PAY-23).

Part of the document's contract, so it is served in production too; it describes nothing but this service.
"""

from functools import lru_cache
from importlib.metadata import version
from typing import Annotated, Any

import orjson
import yaml
from fastapi import Query, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, PlainTextResponse

from jivapay.api_routers.common import health
from jivapay.api_routers.common.docs_console import POLICY, console_asset, console_page, console_script
from jivapay.api_routers.payouts import bulk
from jivapay.api_routers.payouts import router as payouts
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import CurrencyKind
from jivapay.security.dependencies import ReadDb
from jivapay.services import reference_data
from jivapay.utils.problems import PROBLEM_SCHEMA
from jivapay.utils.routing import api_router

router = api_router("/api/schema", tags=("payouts schema",), include_in_schema=False)

JSON, YAML, PAGE = "json", "yaml", "html"
_KINDS = {
    "application/json": JSON,
    "application/vnd.oai.openapi+json": JSON,
    "application/yaml": YAML,
    "application/x-yaml": YAML,
    "text/yaml": YAML,
    "application/vnd.oai.openapi": YAML,
    "text/html": PAGE,
}
HEADER = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "A store's key of the scope `payouts`; peers inside may do without where that is switched on",
}


@router.get("/")
async def get_schema(
    request: Request,
    session: ReadDb,
    wanted: Annotated[str | None, Query(alias="format", description="json or yaml")] = None,
) -> Response:
    """By `?format=`, else by `Accept`: a browser is shown the page."""
    kind = wanted or _accepted(request.headers.get("accept", ""))
    if kind == PAGE:
        return await show_schema_page()
    if kind not in {JSON, YAML}:
        raise NotFound("The schema comes as json or yaml.")
    found = await reference_data.list_currencies(session)
    currencies = tuple(currency.code for currency in found if currency.kind == CurrencyKind.FIAT)
    if kind == YAML:
        return Response(_as_yaml(currencies), media_type="application/yaml")
    return Response(orjson.dumps(document(currencies)), media_type="application/json")


@router.get("/swagger-ui/")
async def show_schema_page() -> HTMLResponse:
    return HTMLResponse(console_page("JivaPay payouts", "/api/schema"), headers={"Content-Security-Policy": POLICY})


@router.get("/start.js")
async def get_schema_script() -> PlainTextResponse:
    return console_script("/api/schema/?format=json")


@router.get("/assets/{name}")
async def get_schema_asset(name: str) -> Response:
    return console_asset(name)


@lru_cache(maxsize=4)
def document(currencies: tuple[str, ...]) -> dict[str, Any]:
    """The OpenAPI document of this service alone; `currencies` are the choices of a new request."""
    alive = [route for route in health.router.routes if getattr(route, "path", "") == "/healthz/"]
    schema = get_openapi(
        title="JivaPay payouts",
        version=version("jivapay"),
        routes=[*payouts.router.routes, *bulk.router.routes, *alive],
    )
    parts = schema.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    parts["schemas"]["PayoutCreate"]["properties"]["currency"]["enum"] = list(currencies)
    parts["securitySchemes"] = {"store_key": HEADER}
    schema["security"] = [{"store_key": []}, {}]
    return schema


@lru_cache(maxsize=4)
def _as_yaml(currencies: tuple[str, ...]) -> str:
    text: str = yaml.safe_dump(document(currencies), sort_keys=False, allow_unicode=True)
    return text


def _accepted(header: str) -> str:
    """The first kind we have that the caller names; anything is JSON."""
    for part in header.split(","):
        kind = _KINDS.get(part.partition(";")[0].strip().lower())
        if kind is not None:
            return kind
    return JSON
