"""Which digits of what is said about a recipient are hidden."""
# ruff: noqa: ANN401 - whatever JSON can hold

from decimal import Decimal
from typing import Any

import pytest

from jivapay.domain.payout_masking import mask_text, mask_value


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("0000 1111 2222 3333", "**** **** **** 3333"),
        ("4276380012345675", "************5675"),
        ("123456789012", "********9012"),
        ("12345678901", "12345678901"),
        ("+7 900 123 45 67", "+7 900 123 45 67"),
        ("4276.3800.1234.5675", "****.****.****.5675"),
        ("4276 3800 1234 5675", "**** **** **** 5675"),
        ("4276 - 3800 - 1234 - 5675", "**** - **** - **** - 5675"),
        ("4276_3800_1234_5675", "****_****_****_5675"),
        ("٤٢٧٦٣٨٠٠١٢٣٤٥٦٧٥", "************٥٦٧٥"),
        ("40817810099910004312", "****************4312"),
        ("4276380012345675 12/29 123", "**************** **/*9 123"),
        ("to 4276380012345675, please", "to ************5675, please"),
        ("4276380012345675x5536913812345678", "************5675x************5678"),
        ("", ""),
    ],
)
def test_text(given: str, shown: str) -> None:
    assert mask_text(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (4276380012345675, "************5675"),
        (Decimal("4276380012345675.5"), "*************675.5"),
        (12345678901, 12345678901),
        (True, True),
        (None, None),
        ({"a": [{"4276380012345675": "x"}]}, {"a": [{"************5675": "x"}]}),
    ],
)
def test_value(given: Any, shown: Any) -> None:
    assert mask_value(given) == shown
