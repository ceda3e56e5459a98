"""How every server is built: the same middlewares, handlers, limits and health routes around its own routers.

Nothing is opened here; the lifespan opens the process's resources and closes them. From outermost to innermost: request
id, client address, log, security headers, last resort, shape of the request. The routes limit bodies themselves
(`utils/routing.py`).
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware

from jivapay.api_routers.common import docs_console, health
from jivapay.api_routers.exception_handlers import PageErrors, add_exception_handlers
from jivapay.config.logger import setup_logging
from jivapay.config.settings import Settings, get_settings
from jivapay.domain.identifiers import new_id
from jivapay.middleware.client_address import ClientAddressMiddleware, parse_networks
from jivapay.middleware.last_resort import LastResortMiddleware
from jivapay.middleware.request_log import RequestLogMiddleware
from jivapay.middleware.request_shape import RequestShapeMiddleware
from jivapay.middleware.security_headers import SecurityHeadersMiddleware
from jivapay.utils.notifications import setup_error_reporting
from jivapay.utils.problems import PROBLEM_SCHEMA
from jivapay.utils.resources import Resources, open_resources
from jivapay.utils.routing import BODY_SIZE_MAX, operation_id

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
REQUEST_ID_HEADER = "X-Request-ID"

SERVER_OPTIONS: dict[str, Any] = {
    "http": "httptools",  # refuses what h11 reads: both lengths at once, bare line ends, folded headers
    "proxy_headers": False,  # ClientAddressMiddleware decides whom to believe
    "server_header": False,
    "access_log": False,  # it would write paths, and tokens are in them
    "log_config": None,
    "limit_concurrency": 1000,
    "backlog": 2048,
    "timeout_keep_alive": 20,
}
"""How uvicorn runs any of these apps."""


def create_app(
    title: str,
    routers: Sequence[APIRouter],
    *,
    settings: Settings | None = None,
    resources: Resources | None = None,
    page_errors: PageErrors | None = None,
    docs: bool | None = None,
) -> FastAPI:
    """An app with `routers`. With `resources` it uses those and leaves them open; `docs` None: as `API_DOCS` says."""
    settings = settings or (resources.settings if resources is not None else get_settings())
    app = FastAPI(
        title=title,
        version=version("jivapay"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings, resources),
        middleware=_middlewares(settings, page_errors),
        form_limits={"max_fields": 50, "max_files": 4, "max_part_size": BODY_SIZE_MAX},
        generate_unique_id_function=operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    add_exception_handlers(app, page_errors)
    for router in routers:
        app.include_router(router)
    app.include_router(health.router)
    if docs if docs is not None else settings.serves_api_docs:
        app.include_router(docs_console.router)
    app.openapi = _schema_writer(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema
    if resources is not None:
        app.state.resources = resources
    return app


def _middlewares(settings: Settings, page_errors: PageErrors | None) -> list[Middleware]:
    return [
        Middleware(
            CorrelationIdMiddleware,
            header_name=REQUEST_ID_HEADER,
            generator=lambda: str(new_id()),
            validator=lambda value: REQUEST_ID.fullmatch(value) is not None,
            transformer=None,
        ),
        Middleware(ClientAddressMiddleware, trusted=parse_networks(settings.trusted_proxies)),
        Middleware(RequestLogMiddleware),
        Middleware(SecurityHeadersMiddleware, https=settings.public_base_url.startswith("https://")),
        Middleware(LastResortMiddleware, page_errors=page_errors),
        Middleware(RequestShapeMiddleware),
    ]


def _lifespan(
    settings: Settings, resources: Resources | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if resources is not None:
            yield
            return
        setup_logging(settings.log_level)
        setup_error_reporting(settings)
        async with open_resources(settings, application_name=f"jivapay {app.title}") as opened:
            app.state.resources = opened
            yield

    return lifespan


def _schema_writer(app: FastAPI) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = PROBLEM_SCHEMA
            app.openapi_schema = schema
        return app.openapi_schema

    return openapi
