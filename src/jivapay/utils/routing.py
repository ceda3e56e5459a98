"""How every route reads its request: strictly, within time, and after authentication.

FastAPI reads a body before it solves dependencies. So that a caller who may not call learns only that, a body that
cannot be read becomes an `Unreadable`, which no model accepts: authentication still answers first, then the handler of
validation errors finds the reason here. Routers are made by `api_router`, for JSON and for pages alike.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.params import File, Form
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import Message, Receive, Scope

from jivapay.exceptions import (
    JivaPayException,
    MalformedRequest,
    NotFound,
    RequestTimeout,
    RequestTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)
from jivapay.schemas_enums.text_rules import has_forbidden_character, has_forbidden_in_line
from jivapay.utils.json_reader import read_json
from jivapay.utils.problems import PROBLEM_RESPONSES

BODY_SECONDS = 15
UPLOAD_SECONDS = 30
BODY_SIZE_MAX = 64 * 1024
UPLOAD_SIZE_MAX = 10 * 1024 * 1024
UPLOAD_BODY_SIZE_MAX = UPLOAD_SIZE_MAX + BODY_SIZE_MAX
"""Of a route that takes a file: the file and what multipart adds."""
QUERY_FIELDS_MAX = 50

FORM_TYPES = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class BodyKind(StrEnum):
    NONE = "none"
    JSON = "json"
    FORM = "form"
    UPLOAD = "upload"

    @property
    def size_max(self) -> int:
        return UPLOAD_BODY_SIZE_MAX if self is BodyKind.UPLOAD else BODY_SIZE_MAX


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a body that could not be read, until authentication has had its say."""

    failure: JivaPayException

    async def close(self) -> None:
        """FastAPI closes what stands for a form."""


class StrictRequest(Request):
    """A request whose body is read strictly, up to a size, within `BODY_SECONDS`.

    FastAPI has a limit of its own, but it answers in plain text over whatever we would say.
    """

    def __init__(self, scope: Scope, receive: Receive, size_max: int) -> None:
        size = 0

        async def receive_limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > size_max:
                raise RequestTooLarge
            return message

        super().__init__(scope, receive_limited)
        self._unreadable: Unreadable | None = None

    async def body(self) -> bytes:
        if hasattr(self, "_body"):
            return await super().body()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await super().body()
        except TimeoutError:
            raise RequestTimeout from None

    async def json(self) -> Any:  # noqa: ANN401 - whatever JSON can hold
        """The body's value, or an Unreadable."""
        try:
            return read_json(await self.body())
        except JivaPayException as failure:
            return Unreadable(failure)

    async def form(self, **limits: Any) -> FormData | Unreadable:  # type: ignore[override]  # noqa: ANN401 - Starlette's; only awaited here
        """The form, or an Unreadable; asked again, the same."""
        if self._unreadable is None:
            form = await self._read_form(limits)
            if not isinstance(form, Unreadable):
                return form
            self._unreadable = form
        return self._unreadable

    async def _read_form(self, limits: Mapping[str, Any]) -> FormData | Unreadable:
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                if "x-signature" in self.headers:
                    # A signature is over the bytes, and parsing a form uses them up.
                    await super().body()
                form: FormData = await super().form(**limits)
        except TimeoutError:
            return Unreadable(RequestTimeout())
        except HTTPException as refusal:
            if refusal.status_code != 400:  # noqa: PLR2004 - HTTP's own number
                raise
            return Unreadable(MalformedRequest("The form cannot be read."))
        except RequestTooLarge as failure:
            return Unreadable(failure)
        try:
            _check_form(form)
        except ValidationFailed as failure:
            await form.close()
            return Unreadable(failure)
        return form


class DigitsConvertor(Convertor[str]):
    """`{id:digits}`: a path is about such a row or no path of ours, so that words stay free for other routes."""

    regex = "[0-9]{1,19}"

    def convert(self, value: str) -> str:
        """Whether there is such a number is the route's own question."""
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("digits", DigitsConvertor())


def takes_up_to(size_max: int) -> Callable[[Endpoint], Endpoint]:
    """Bodies of an endpoint may have `size_max` bytes, whatever its kind allows. It stands below the route."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.body_size_max = size_max  # type: ignore[attr-defined]  # functions take any attribute
        return endpoint

    return mark


class StrictRoute(APIRoute):
    """A route that refuses what is ambiguous before its endpoint sees it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        kind = body_kind(self)
        size_max: int = getattr(self.endpoint, "body_size_max", kind.size_max)

        async def strictly(request: Request) -> Response:
            _check_path(request.path_params)
            _check_query(request.scope["query_string"])
            _check_size(request, size_max)
            _check_content_type(request, kind)
            return await handle(StrictRequest(request.scope, request.receive, size_max))

        return strictly


def api_router(prefix: str = "", *, tags: tuple[str, ...] = (), **options: Any) -> APIRouter:  # noqa: ANN401 - APIRouter's
    """A router whose routes are strict and speak of problems. The first tag begins the names in generated clients."""
    return APIRouter(
        prefix=prefix,
        tags=list(tags),
        route_class=StrictRoute,
        redirect_slashes=False,
        responses=PROBLEM_RESPONSES,
        generate_unique_id_function=operation_id,
        **options,
    )


def operation_id(route: APIRoute) -> str:
    """`trader_list_orders`: the name of the operation in generated clients."""
    return "_".join([*(str(tag).replace(" ", "_") for tag in route.tags[:1]), route.name])


def body_kind(route: APIRoute) -> BodyKind:
    if route.body_field is None:
        return BodyKind.NONE
    info = route.body_field.field_info
    if isinstance(info, File):
        return BodyKind.UPLOAD
    return BodyKind.FORM if isinstance(info, Form) else BodyKind.JSON


def _check_path(parameters: Mapping[str, Any]) -> None:
    if any(isinstance(value, str) and has_forbidden_in_line(value) for value in parameters.values()):
        raise NotFound


def _check_query(query_string: bytes) -> None:
    if not query_string:
        return
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS_MAX
        )
    except ValueError:
        raise MalformedRequest("The query string cannot be read.") from None
    _check_pairs("query", pairs)


def _check_form(form: FormData) -> None:
    _check_pairs("body", [(name, value if isinstance(value, str) else "") for name, value in form.multi_items()])


def _check_pairs(place: str, pairs: list[tuple[str, str]]) -> None:
    seen = set()
    for name, value in pairs:
        if name in seen:
            raise ValidationFailed.at(place, name, code="validation.duplicate_param", detail="A parameter comes twice.")
        seen.add(name)
        if has_forbidden_in_line(name) or has_forbidden_character(value):
            raise ValidationFailed.at(
                place, name, code="text.forbidden_character", detail="A parameter holds a character not allowed."
            )


def _check_size(request: Request, size_max: int) -> None:
    """What says that it is too large is not read at all."""
    said = request.headers.get("content-length", "0")
    if said.isdecimal() and int(said[:20]) > size_max:
        raise RequestTooLarge


def _check_content_type(request: Request, kind: BodyKind) -> None:
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Compressed bodies are not accepted.")
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    if kind is BodyKind.NONE or not has_body:
        return
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    if kind is not BodyKind.JSON:
        if media_type not in FORM_TYPES:
            raise UnsupportedMediaType("Send this as a form.")
    elif media_type != "application/json" or _charset(parameters) not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send this as application/json in UTF-8.")


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return "utf-8"


def list_routes(app: FastAPI) -> list[tuple[str, APIRoute]]:
    """Every route with its whole path, for what must hold of all of them (permissions, documents)."""
    return list(_walk(app.router.routes, app.router.prefix))


def list_allowed(app: FastAPI, path: str) -> list[str]:
    """The methods that some route takes on this path, for `Allow`; each route alone knows but its own."""
    return sorted({method for pattern, methods in _patterns(app) if pattern.match(path) for method in methods})


@lru_cache(maxsize=8)
def _patterns(app: FastAPI) -> list[tuple[re.Pattern[str], Collection[str]]]:
    return [(compile_path(path)[0], route.methods or ()) for path, route in list_routes(app)]


def _walk(routes: Iterable[object], prefix: str) -> Iterator[tuple[str, APIRoute]]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield prefix + route.path, route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from _walk(inner.routes, prefix + route.include_context.prefix)  # type: ignore[attr-defined]  # FastAPI's private wrapper of an included router
