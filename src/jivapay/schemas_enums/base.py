"""What every request and answer model shares: unknown fields refused, types not guessed, texts bounded and clean.

A string is not a number and `1` is not true; but JSON has no dates, ids or enums, so these are read from their text.
Errors carry our codes (`validation.*`, `text.*`); the handler in `api_routers/exception_handlers.py` renders them.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, Strict
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from jivapay.schemas_enums.text_rules import has_forbidden_character, has_forbidden_in_line

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 200
PAGE_MAX = 1_000_000
DATABASE_INTEGER_MAX = 2**63 - 1

_GUESSED = (int, bool, float, Decimal, datetime, date)
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])", re.ASCII
)

Item = TypeVar("Item")


def _is_guessed(annotation: Any, metadata: list[Any]) -> bool:  # noqa: ANN401 - any annotation
    """Whether pydantic would turn texts, fractions or truth values into this type on its own."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _is_guessed(inner, [*metadata, *more])
    if annotation in _GUESSED:
        return not any(
            isinstance(rule, Strict | BeforeValidator) or hasattr(rule, "__get_pydantic_core_schema__")
            for rule in metadata
        )
    return any(_is_guessed(argument, []) for argument in get_args(annotation))


class RequestModel(BaseModel):
    """The base of every JSON request. Numbers, truth values and times are of the types below, which do not guess."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: object) -> None:
        for name, field in cls.model_fields.items():
            if _is_guessed(field.annotation, field.metadata):
                raise TypeError(f"{cls.__name__}.{name}: say WholeNumber, Flag, Timestamp or an amount instead")


class QueryModel(BaseModel):
    """The base of query parameters: `Annotated[OrderFilter, Query()]`. Everything there is text."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AnswerModel(BaseModel):
    """The base of every answer. Times are written in UTC with `Z`, money as text."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


@dataclass(frozen=True, slots=True)
class Text:
    """Bounds of a text, in characters and in UTF-8 bytes: `Annotated[str, Text(500)]`. Several lines if so said."""

    length_max: int
    length_min: int = 1
    lines: bool = False

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.no_info_after_validator_function(
            self._check, core_schema.str_schema(strict=True, min_length=self.length_min, max_length=self.length_max)
        )

    def _check(self, value: str) -> str:
        check_text(value, lines=self.lines)
        if not value.isascii() and len(value.encode()) > 2 * self.length_max:
            raise PydanticCustomError("text.too_long", "is too long")
        if self.length_min and not value.strip():
            raise PydanticCustomError("validation.required", "must not be blank")
        return value


def check_text(value: str, *, lines: bool = False) -> None:
    """Raises PydanticCustomError `text.forbidden_character`."""
    if has_forbidden_character(value) if lines else has_forbidden_in_line(value):
        raise PydanticCustomError("text.forbidden_character", "holds a character that is not allowed")


Name = Annotated[str, Text(120)]
Comment = Annotated[str, Text(1000, lines=True)]
Reason = Annotated[str, Text(500, lines=True)]
"""Why somebody did it; kept in history and audit."""
ExternalId = Annotated[str, Text(128)]
"""Another system's id: opaque, one line."""
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$", strict=True)]
"""The name of a currency, method or bank. Whether it exists is not a question of form."""
PublicId = UUID
"""A malformed one is `validation.type` in a body, and simply not found in a path."""


def _whole_number(value: object) -> object:
    """An integer of JSON or of a query string. Fractions and odd spellings are out of range, the rest of type."""
    if isinstance(value, Decimal):
        raise _out_of_range()
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("validation.type", "must be a whole number")
    return value


def _whole_number_text(value: object) -> object:
    if isinstance(value, str):
        if not _WHOLE_NUMBER.fullmatch(value):
            raise _out_of_range()
        return int(value)
    return value


def _out_of_range() -> PydanticCustomError:
    return PydanticCustomError("validation.range", "must be a whole number within its bounds")


def _timestamp(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("validation.type", "must be a time")
    if not _TIMESTAMP.fullmatch(value):
        raise PydanticCustomError("range.invalid", "must be an RFC 3339 time with its zone")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("range.invalid", "there is no such time") from None


def _day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("range.invalid", "must be a day like 2026-11-20")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("range.invalid", "there is no such day") from None


WholeNumber = Annotated[int, Strict(), BeforeValidator(_whole_number)]
"""In a JSON body: `Annotated[WholeNumber, Field(ge=0, le=20)]`."""
QueryNumber = Annotated[int, BeforeValidator(_whole_number_text)]
"""In a query string: ASCII digits only, no `1_000` and no `1.0`."""
Timestamp = Annotated[datetime, BeforeValidator(_timestamp)]
"""RFC 3339 with its zone, in bodies and query strings; held in UTC."""
Day = Annotated[date, BeforeValidator(_day)]
"""`2026-11-20`, in bodies and query strings."""
Flag = Annotated[bool, Strict()]


class PageQuery(QueryModel):
    """The page asked for. Filters of a list inherit from it."""

    page: Annotated[QueryNumber, Field(ge=1, le=PAGE_MAX)] = 1
    page_size: Annotated[QueryNumber, Field(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT


class ListQuery(PageQuery):
    """Of a long list: from `next_cursor` of the page before on, in an order from an allow-list."""

    cursor: Annotated[str, Text(200)] | None = None
    """Goes before `page`."""
    sort: Annotated[str, Text(40)] | None = Field(default=None, description="A field's name, or `-` and the name")


class Page(AnswerModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    total: int
    page: int
    page_size: int
    next_cursor: str | None = None


METADATA_BYTES_MAX = 4096
METADATA_DEPTH_MAX = 4


def _storable(value: Any, depth: int = 1) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Opaque JSON as the database's JSON takes it. Raises when it is deeper or larger than allowed."""
    if depth > METADATA_DEPTH_MAX and isinstance(value, dict | list):
        raise PydanticCustomError("validation.range", "is nested too deeply")
    if isinstance(value, dict):
        return {key: _storable(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner, depth + 1) for inner in value]
    if isinstance(value, Decimal):
        return _storable_number(value)
    if isinstance(value, int) and not -DATABASE_INTEGER_MAX <= value <= DATABASE_INTEGER_MAX:
        raise PydanticCustomError("validation.range", "holds a number that is too large")
    return value


def _storable_number(value: Decimal) -> float:
    """The double nearest to a fraction, when it reads back as the same number."""
    double = float(value)
    if Decimal(repr(double)) != value:
        raise PydanticCustomError("validation.range", "holds a number that is too exact; send it as a string")
    return double


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    storable: dict[str, Any] = _storable(value)
    if json_size(storable) > METADATA_BYTES_MAX:
        raise PydanticCustomError("validation.range", "is too large")
    return storable


def json_size(value: Any) -> int:  # noqa: ANN401 - whatever JSON can hold
    """Bytes of `value` as JSON, to a few."""
    if isinstance(value, dict):
        return 2 + sum(json_size(key) + json_size(inner) + 2 for key, inner in value.items())
    if isinstance(value, list):
        return 2 + sum(json_size(inner) + 1 for inner in value)
    return len(value.encode()) + 2 if isinstance(value, str) else len(str(value))


Metadata = Annotated[dict[str, Any], AfterValidator(_metadata)]
"""The store's own data: kept and returned as it is, up to 4 KiB and four levels."""
