"""The outermost shell of a request: what nobody expected is recorded once and answered without a word about it."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jivapay.middleware.request_log import route_template
from jivapay.utils.notifications import report_critical_error
from jivapay.utils.problems import INTERNAL, Problem, problem_response

PageErrors = Callable[[Request, Problem], Response | None]


class LastResortMiddleware:
    """`page_errors` may answer where people look at pages."""

    def __init__(self, app: ASGIApp, *, page_errors: PageErrors | None = None) -> None:
        self.app = app
        self.page_errors = page_errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            report_critical_error(error, "request", method=scope["method"], route=route_template(scope))
            if started:
                raise  # half an answer cannot be taken back; the server closes the connection
            await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        page = self.page_errors(Request(scope), INTERNAL) if self.page_errors is not None else None
        return page or problem_response(INTERNAL)
