"""Numbers as people type them, in their one canonical form."""

import pytest

from jivapay.domain.requisite_numbers import mask_number, normalize_number


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("phone", "+79001234567", "+79001234567"),
        ("phone", "8 (900) 123-45-67", "+79001234567"),
        ("phone", "79001234567", "+79001234567"),
        ("phone", "+89001234567", None),
        ("phone", "9001234567", None),
        ("phone", "+7900123456", None),
        ("phone", "+790012345678", None),
        ("phone", "+74951234567", None),
        ("phone", "84951234567", None),
        ("phone", "+7900123456a", None),
        ("phone", "+७९००१२३४५६७", None),
        ("phone", "", None),
        ("card", "4276 3800 1234 5679", "4276380012345679"),
        ("card", "4276380012345678", None),
        ("card", "0000000000000000", "0000000000000000"),
        ("card", "42763800123", None),
        ("card", "４２７６３８００１２３４５６７９", None),
        ("account", "40817810099910004312", "40817810099910004312"),
        ("account", "4081781009991000431", None),
        ("account", "4081781009991000431x", None),
        ("iban", "40817810099910004312", None),
    ],
)
def test_normalized(kind: str, text: str, expected: str | None) -> None:
    assert normalize_number(kind, text) == expected


def test_masked() -> None:
    assert mask_number("phone", "4567") == "+7•••••• 4567"
    assert mask_number("card", "5679") == "•••• 5679"
