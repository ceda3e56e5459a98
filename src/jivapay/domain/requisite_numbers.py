"""The numbers people pay to: read as typed, kept in one canonical form, so that equal ones are found (RQS-05)."""

import re

from stdnum import luhn

PHONE_DIGITS = 11
ACCOUNT_DIGITS = 20
CARD_DIGITS = range(13, 20)
SHOWN_DIGITS = 4

_SEPARATORS = re.compile(r"[ ()-]", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def normalize_number(kind: str, text: str) -> str | None:
    """`+7XXXXXXXXXX` for `phone`, bare digits for `card` (Luhn) and `account`; None when it is no such number."""
    plain = _SEPARATORS.sub("", text.strip())
    if kind == "phone":
        return _phone(plain)
    if not _DIGITS.fullmatch(plain):
        return None
    if kind == "card":
        return plain if len(plain) in CARD_DIGITS and luhn.is_valid(plain) else None
    if kind == "account":
        return plain if len(plain) == ACCOUNT_DIGITS else None
    return None


def mask_number(kind: str, last_four: str) -> str:
    """What everybody but the payer sees."""
    return f"+7•••••• {last_four}" if kind == "phone" else f"•••• {last_four}"


def short_name(full_name: str) -> str:
    """`Иванов Иван Петрович` as banks show it to a payer: `Иван И.`; a single word stays."""
    parts = full_name.split()
    if len(parts) < 2:  # noqa: PLR2004 - a family name and a given name
        return full_name
    return f"{parts[1]} {parts[0][0]}."


def _phone(plain: str) -> str | None:
    digits = plain.removeprefix("+")
    if not _DIGITS.fullmatch(digits) or len(digits) != PHONE_DIGITS:
        return None
    if plain.startswith("+"):
        return plain if digits.startswith("79") else None
    return f"+7{digits[1:]}" if digits.startswith(("79", "89")) else None
