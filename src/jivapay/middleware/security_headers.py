"""What every answer tells the browser. The strictest policy is the default; a page sets its own and keeps it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
TWO_YEARS_SECONDS = 63_072_000

_DEFAULTS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": API_POLICY,
    "cross-origin-resource-policy": "same-origin",
}


class SecurityHeadersMiddleware:
    """Adds what an answer does not say itself."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        defaults = dict(_DEFAULTS)
        if https:
            defaults["strict-transport-security"] = f"max-age={TWO_YEARS_SECONDS}"
        self.defaults = [(name.encode(), value.encode()) for name, value in defaults.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                headers += [header for header in self.defaults if header[0] not in said]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_with_headers)
