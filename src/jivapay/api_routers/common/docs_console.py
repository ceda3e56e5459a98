"""The API console at `/docs`: Swagger UI from a wheel, no file from elsewhere. Off in production unless enabled.

It is the one page that may style inline, because Swagger UI does; it may run only the scripts served beside it.
"""

from importlib.resources import files

from fastapi import Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.requests import Request

from jivapay.exceptions import NotFound
from jivapay.utils.routing import api_router

router = api_router(include_in_schema=False)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{base}/assets/favicon-32x32.png"><link rel="stylesheet" href="{base}/assets/swagger-ui.css">
</head><body><div id="console"></div>
<script src="{base}/assets/swagger-ui-bundle.js"></script><script src="{base}/start.js"></script></body></html>
"""
_START = """SwaggerUIBundle({{url: "{url}", dom_id: "#console", deepLinking: true, validatorUrl: null}});
"""


def console_page(title: str, base: str) -> str:
    """A console whose script and files are served below `base`."""
    return _PAGE.format(title=title, base=base)


def console_script(url: str) -> PlainTextResponse:
    """What starts the console on the document at `url`."""
    return PlainTextResponse(_START.format(url=url), media_type="text/javascript")


def console_asset(name: str) -> Response:
    """A file of Swagger UI. Raises NotFound."""
    if name not in _ASSETS:
        raise NotFound
    content = files("fastapi_swagger").joinpath("resources", name).read_bytes()
    return Response(content, media_type=_ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})


@router.get("/docs")
async def show_console() -> HTMLResponse:
    return HTMLResponse(console_page("JivaPay API", "/docs"), headers={"Content-Security-Policy": POLICY})


@router.get("/docs/start.js")
async def get_start_script() -> PlainTextResponse:
    return console_script("/openapi.json")


@router.get("/docs/assets/{name}")
async def get_asset(name: str) -> Response:
    return console_asset(name)


@router.get("/openapi.json")
async def get_openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())
