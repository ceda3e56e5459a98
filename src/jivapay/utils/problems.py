"""RFC 9457 problem documents: the one place that turns a failure into an answer (decision 22).

A document names codes and places, never what was sent: input comes back neither as value nor as a field's name,
unless the name is an ordinary word.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi.responses import Response

from jivapay.config.logger import current_request_id
from jivapay.exceptions import FieldError, JivaPayException

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
"""Said with every 503 that has no better idea."""
ERRORS_MAX = 20

_UNREAD = frozenset({408, 413, 414, 431})
"""Answers to a request that was not read to its end: what follows on the connection is not a request."""
ORDINARY_WORD = re.compile(r"[A-Za-z_-]{1,40}", re.ASCII)
"""The only names of fields that come back: others may be anything."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What an answer says about a failure."""

    status: int
    code: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, failure: JivaPayException) -> "Problem":
        headers = {}
        retry_after = failure.retry_after_seconds
        if retry_after is None and failure.status == 503:  # noqa: PLR2004 - HTTP's own number
            retry_after = RETRY_AFTER_SECONDS
        if retry_after is not None:
            headers["Retry-After"] = str(max(1, retry_after))
        if failure.status == 401:  # noqa: PLR2004 - HTTP's own number
            headers["WWW-Authenticate"] = "Bearer"
        return cls(failure.status, failure.code, failure.title, failure.detail, failure.errors, failure.about, headers)


INTERNAL = Problem(500, "internal", "Something went wrong here", "The failure was recorded; nothing was kept.")


def problem_response(problem: Problem) -> Response:
    """The answer. Its request id is the one in the logs."""
    document: dict[str, Any] = {
        "type": f"urn:jivapay:error:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": current_request_id(),
        "errors": [{"loc": _shown(error.loc), "code": error.code} for error in problem.errors[:ERRORS_MAX]],
    }
    if problem.about:
        document["about"] = dict(problem.about)
    headers = dict(problem.headers)
    if problem.status in _UNREAD:
        headers["Connection"] = "close"
    return Response(orjson.dumps(document), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def _shown(loc: Iterable[str | int]) -> list[str | int]:
    return [part if isinstance(part, int) or ORDINARY_WORD.fullmatch(part) else "*" for part in loc]


PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457 problem document; the codes are listed in docs/api/errors.md.",
    "required": ["type", "title", "status", "code", "detail", "request_id", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "examples": ["money.format"]},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "code"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "code": {"type": "string"},
                },
            },
        },
        "about": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in (("4XX", "The request was refused"), ("5XX", "It could not be done now"))
}
