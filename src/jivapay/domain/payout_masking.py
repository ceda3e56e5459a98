"""Long numbers in what a store says about a recipient: which digits are hidden (decision 19; fifth document).

Twelve digits and more are taken for the number of a card or an account, whatever stands between them: one that is
followed by its expiry date is longer than any card's. No check digit is asked for: the document's own example has none.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

DIGITS_MIN = 12
SHOWN = 4
_RUN = re.compile(rf"\d(?:[^\w]{{0,3}}\d|_\d){{{DIGITS_MIN - 1},}}")
"""Digits of any script, at most three marks or spaces between two of them."""


def mask_text(text: str) -> str:
    """`0000 1111 2222 3333` becomes `**** **** **** 3333`."""
    return _RUN.sub(_masked, text)


def mask_value(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """The same shape with every long number masked, in names of fields too; a masked number becomes text."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {mask_text(key): mask_value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask_value(inner) for inner in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        masked = mask_text(f"{value}")
        return value if masked == f"{value}" else masked
    return value


def _masked(match: re.Match[str]) -> str:
    text = match.group()
    hidden = sum(char.isdigit() for char in text) - SHOWN
    shown = []
    for char in text:
        if char.isdigit() and hidden > 0:
            hidden -= 1
            shown.append("*")
        else:
            shown.append(char)
    return "".join(shown)
