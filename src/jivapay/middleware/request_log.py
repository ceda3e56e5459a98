"""One entry a request: method, template of the path, status, duration. Never a path as called, a query, a body.

Source: MWR-03, `request_logger`. What matched no route is logged as such, because its path may hold anything.
"""

import re
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jivapay.config.logger import get_logger

logger = get_logger("request_logger")

NO_ROUTE = "(no route)"
NO_ANSWER = 499
"""The caller went away before there was an answer."""
_CONVERTOR = re.compile(r":[a-z]+(?=\})")
"""What a path parameter must look like: `{payout_id:digits}`."""
_QUIET_ROUTES = frozenset({"/healthz/", "/livez", "/readyz"})


class RequestLogMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = NO_ANSWER

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            route = route_template(scope)
            log = logger.debug if route in _QUIET_ROUTES else logger.info
            log(
                "request",
                method=scope["method"] if len(scope["method"]) < 10 else "?",  # noqa: PLR2004 - longer than any method
                route=route,
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
                client=scope["client"][0] if scope.get("client") else None,
            )


def route_template(scope: Scope) -> str:
    """`/gateway/payin/status/{order_id}`: the whole path as declared, with the prefixes of the routers around it."""
    # FastAPI keeps a route that was included as it was written, and what the routers around it add beside it.
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path = getattr(route, "path", None)
    return _CONVERTOR.sub("", path) if isinstance(path, str) else NO_ROUTE
