"""What is refused by its shape alone: endless addresses, heaps of headers, two hosts (B11, B15).

The proxy in front refuses these first; this is the same limit for whoever runs without one.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from jivapay.utils.problems import Problem, problem_response

ADDRESS_SIZE_MAX = 8 * 1024
HEADERS_MAX = 100
HEADERS_SIZE_MAX = 16 * 1024

_URI_TOO_LONG = Problem(414, code="request.uri_too_long", title="The address is too long", detail="")
_HEADERS_TOO_LARGE = Problem(431, code="request.headers_too_large", title="The headers are too large", detail="")
_HOST = Problem(400, code="request.malformed", title="The request could not be read", detail="One Host is needed.")


class RequestShapeMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = _problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self.app(scope, receive, send)
        else:
            await problem_response(problem)(scope, receive, send)


def _problem(scope: Scope) -> Problem | None:
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > ADDRESS_SIZE_MAX:
        return _URI_TOO_LONG
    headers = scope["headers"]
    if len(headers) > HEADERS_MAX or sum(len(name) + len(value) for name, value in headers) > HEADERS_SIZE_MAX:
        return _HEADERS_TOO_LARGE
    hosts = sum(name == b"host" for name, _ in headers)
    return _HOST if hosts > 1 or (hosts == 0 and scope.get("http_version") == "1.1") else None
