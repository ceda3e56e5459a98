"""JSON whose numbers are exactly the decimals they are written from, for answers that carry money as numbers."""

from decimal import Decimal
from typing import Any

import orjson


def exact_number(value: Decimal) -> Decimal:
    """Without the zeros nobody needs, as such clients expect it: 100.50 is 100.5."""
    return Decimal(f"{value.normalize():f}")


def write_exact_json(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON can hold
    """`value` as JSON. Decimals are written as they stand, never by way of a double."""
    return orjson.dumps(value, default=_fragment, option=orjson.OPT_UTC_Z)


def _fragment(value: Any) -> Any:  # noqa: ANN401 - orjson's hook
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} has no JSON")
