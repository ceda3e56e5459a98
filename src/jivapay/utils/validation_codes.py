"""What pydantic found wrong, in our codes: its own error types by a table, ours (with a dot in them) as they are."""

from collections.abc import Iterable
from typing import Any

from jivapay.exceptions import FieldError

CODES_OF_PYDANTIC = {
    "missing": "validation.required",
    "extra_forbidden": "validation.unknown_field",
    "enum": "validation.enum",
    "literal_error": "validation.enum",
    "string_too_long": "text.too_long",
    "bytes_too_long": "text.too_long",
    "string_unicode": "text.forbidden_character",
    "string_too_short": "validation.required",
    "string_pattern_mismatch": "validation.format",
    "too_long": "validation.range",
    "too_short": "validation.range",
    "greater_than": "validation.range",
    "greater_than_equal": "validation.range",
    "less_than": "validation.range",
    "less_than_equal": "validation.range",
    "multiple_of": "validation.range",
    "int_parsing_size": "validation.range",
    "finite_number": "validation.range",
}
_TYPE_ENDINGS = ("_type", "_parsing", "_from_float", "_attributes_type")
_INVISIBLE_PARTS = ("function-", "tagged-union", "constrained-", "lax-or-strict", "nullable")


def field_errors(found: Iterable[Any], *, under: tuple[str, ...] = ()) -> tuple[FieldError, ...]:
    """Of `ValidationError.errors()`; `under` is where the model stands."""
    return tuple(FieldError((*under, *_place(item)), _code(item)) for item in found)


def _code(item: dict[str, Any]) -> str:
    kind = str(item["type"])
    if "." in kind:
        return kind
    if kind in CODES_OF_PYDANTIC:
        return CODES_OF_PYDANTIC[kind]
    return "validation.type" if kind.endswith(_TYPE_ENDINGS) else "validation.failed"


def _place(item: dict[str, Any]) -> tuple[str | int, ...]:
    return tuple(part for part in item["loc"] if not str(part).startswith(_INVISIBLE_PARTS))
