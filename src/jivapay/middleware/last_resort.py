"""The outermost shell of a request: what nobody expected is recorded once and answered without a word about it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jivapay.middleware.request_log import route_template
from jivapay.utils.notifications import report_critical_error
from jivapay.utils.problems import INTERNAL, problem_response


class LastResortMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
            await problem_response(INTERNAL)(scope, receive, send)
