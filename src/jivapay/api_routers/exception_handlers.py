"""Every failure as a problem document (decision 22). What no handler here knows is the last resort's.

Validation errors name the place and a stable code, never the input: pydantic's own error types are translated by
`utils/validation_codes.py`, ours (with a dot in them) pass as they are.
"""

from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from jivapay.config.logger import get_logger
from jivapay.exceptions import (
    JivaPayException,
    MalformedRequest,
    NotFound,
    RequestTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)
from jivapay.utils.failures import failure_of
from jivapay.utils.notifications import report_critical_error
from jivapay.utils.problems import INTERNAL, Problem, problem_response
from jivapay.utils.routing import Unreadable, list_allowed
from jivapay.utils.validation_codes import field_errors

logger = get_logger(__name__)

PageErrors = Callable[[Request, Problem], Response | None]
"""How pages for people show a problem; None leaves it to the document."""

_REFUSALS: dict[int, JivaPayException] = {
    400: MalformedRequest(),
    404: NotFound(),
    413: RequestTooLarge(),
    415: UnsupportedMediaType(),
}


def add_exception_handlers(app: FastAPI, page_errors: PageErrors | None = None) -> None:
    """Register the handlers. `page_errors` may answer for routes that show pages."""

    def answer(request: Request, problem: Problem) -> Response:
        page = page_errors(request, problem) if page_errors is not None else None
        return page or problem_response(problem)

    async def on_failure(request: Request, error: Exception) -> Response:
        return answer(request, _problem_of_failure(error))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
        return answer(request, Problem.of(validation_failure(error)))

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
        return answer(request, _problem_of_http_exception(request, error))

    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_exception)
    for kind in (JivaPayException, DBAPIError, PoolTimeout, RedisError, ConnectionError, TimeoutError):
        app.add_exception_handler(kind, on_failure)


def _problem_of_failure(error: Exception) -> Problem:
    failure = failure_of(error)
    if failure is None:
        report_critical_error(error, "unexpected database error")
        return INTERNAL
    if failure is not error or failure.status >= 500:  # noqa: PLR2004 - HTTP's own number
        logger.warning("request_failed", code=failure.code, error=type(error).__name__, exc_info=_worth_a_trace(error))
    return Problem.of(failure)


def _worth_a_trace(error: Exception) -> Exception | None:
    """A failure of ours says everything in its code; a driver's needs its trace."""
    return None if isinstance(error, JivaPayException) else error


def _problem_of_http_exception(request: Request, error: HTTPException) -> Problem:
    """Starlette's own refusals. One that FastAPI made out of a failure of ours stands for that failure."""
    if isinstance(error.__cause__, JivaPayException):
        return Problem.of(error.__cause__)
    headers = dict(error.headers or {})
    if error.status_code == 405:  # noqa: PLR2004 - HTTP's own number
        return Problem(
            405,
            code="method_not_allowed",
            title="This method is not allowed here",
            detail="Allow names those that are.",
            headers=headers | {"Allow": ", ".join(list_allowed(request.app, request.url.path))},
        )
    refusal = _REFUSALS.get(error.status_code)
    if refusal is not None:
        return Problem.of(refusal)
    return Problem(
        error.status_code, code="request.refused", title="The request was refused", detail="", headers=headers
    )


def validation_failure(error: RequestValidationError) -> JivaPayException:
    """What is wrong with the request, in our codes. A malformed path parameter is simply not found."""
    if isinstance(error.body, Unreadable):
        return error.body.failure
    found = error.errors()
    if any(item["loc"][:1] == ("path",) for item in found):
        return NotFound()
    if any(item["type"] == "missing" and tuple(item["loc"]) == ("body",) for item in found):
        return MalformedRequest("The body is missing.")
    errors = field_errors(found)
    codes = {item.code for item in errors}
    return ValidationFailed(
        "The request is not valid; see errors.",
        code=codes.pop() if len(codes) == 1 else "validation.failed",
        errors=errors,
    )
