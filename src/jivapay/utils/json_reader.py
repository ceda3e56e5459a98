"""The one reader of JSON that comes from outside: what is ambiguous is refused, what is exact stays exact.

Refused as `request.malformed`: anything but UTF-8 without a mark, NaN and Infinity, nesting beyond 32, numbers no
field could mean, trailing text. `request.duplicate_key`: the last of two would win silently. Characters that no text
may hold are `text.forbidden_character`. Fractions are read as Decimal. Source: `docs/api/`, "Shared rules".
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from jivapay.exceptions import MalformedRequest, ValidationFailed
from jivapay.schemas_enums.text_rules import has_forbidden_character

DEPTH_MAX = 32
INTEGER_LENGTH_MAX = 64
FRACTION_LENGTH_MAX = 64
EXPONENT_MAX = 400
"""A little beyond what a double can say; more would only cost memory."""


def read_json(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """The value of `body`. Raises MalformedRequest or ValidationFailed; neither quotes the body."""
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedRequest("The body is not valid JSON.") from None
    _check(value, 1)
    return value


def _check(value: Any, depth: int) -> None:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, str):
        if has_forbidden_character(value):
            raise _forbidden()
        return
    if isinstance(value, dict | list):
        if depth > DEPTH_MAX:
            raise MalformedRequest("The body is nested too deeply.")
        if isinstance(value, dict):
            if any(has_forbidden_character(key) for key in value):
                raise _forbidden()
            value = value.values()
        for inner in value:
            _check(inner, depth + 1)


def _forbidden() -> ValidationFailed:
    return ValidationFailed.at(
        "body", code="text.forbidden_character", detail="The body holds a character that is not allowed."
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedRequest("The body names a field twice.", code="request.duplicate_key")
    return value


def _integer(text: str) -> int:
    if len(text) > INTEGER_LENGTH_MAX:
        raise ValueError("too many digits")
    return int(text)


def _fraction(text: str) -> Decimal:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > FRACTION_LENGTH_MAX or len(exponent) > 5 or abs(int(exponent or 0)) > EXPONENT_MAX:  # noqa: PLR2004
        raise ValueError("too many digits")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None


def _constant(_name: str) -> NoReturn:
    raise ValueError("not a number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_fraction, parse_int=_integer, parse_constant=_constant
)
