"""What never reaches a log: card numbers, keys, tokens, passwords, query strings; addresses of people in part.

Works on values whatever their key, because a secret mostly leaks inside a sentence or an exception's text, and on
keys whose values are always secret. Source: `docs/operations.md`, "Logs"; the canary test keeps this honest.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from structlog.typing import EventDict, WrappedLogger

REDACTED = "[redacted]"
DEPTH_MAX = 6

_SECRET_KEY = re.compile(
    r"password|passwd|secret|token|authorization|cookie|api_?key|x-api-key|otp|pepper|signature|card_number|holder"
    r"|requisite_number|recipient|body|payload",
    re.IGNORECASE,
)
_HARMLESS_KEYS = frozenset({"token_type", "body_size", "key_id"})

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_DIGITS = re.compile(rf"(?P<uuid>{_UUID})|(?<![0-9.])[0-9](?:[ -]?[0-9]){{11,18}}(?![0-9])")
_PHONE = re.compile(r"\+[0-9]{10,15}\b")
_EMAIL = re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9.-]+\.[A-Za-z]{2,})")

_PLAIN = (
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"), REDACTED),
    (re.compile(r"\bjp_(live|test)_[A-Za-z0-9_-]+"), rf"jp_\1_{REDACTED}"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+"), f"whsec_{REDACTED}"),
    (re.compile(r"/(pay|payment_session)/(?!static/)[A-Za-z0-9_-]{8,}"), rf"/\1/{REDACTED}"),
    (re.compile(r"://[^\s/@]+@"), f"://{REDACTED}@"),
    (re.compile(r"((?:https?://|/)[^\s?\"'<>]*)\?[^\s\"'<>]+"), rf"\1?{REDACTED}"),
)
_CARD_LENGTHS = range(12, 20)
_WORTH_A_LOOK = re.compile(r"[0-9](?:[ -]?[0-9]){3}|[@?]|://|/pay|jp_|whsec_|eyJ|bearer|basic", re.IGNORECASE)
"""What every pattern here needs somewhere in a text. Most texts have none of it, and every request is logged."""


def redact_text(text: str) -> str:
    """`text` without secrets."""
    if _WORTH_A_LOOK.search(text):
        for pattern, replacement in _PLAIN:
            text = pattern.sub(replacement, text)
        text = _PHONE.sub(_masked_phone, _DIGITS.sub(_masked_card, text))
        text = _EMAIL.sub(r"\1***@\2", text)
    return text


def redact_value(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - whatever is logged
    """`value` with every text in it redacted; what is not plain data is shown by its text."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _redacted_collection(value, depth + 1) if depth < DEPTH_MAX else "…"
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10 ** (_CARD_LENGTHS.start - 1) else _redacted_number(value)
    return redact_text(str(value))


def _redacted_collection(value: Mapping[Any, Any] | Iterable[Any], depth: int) -> dict[str, Any] | list[Any]:
    if isinstance(value, Mapping):
        return {redact_text(str(key)): redact_named(str(key), inner, depth) for key, inner in value.items()}
    return [redact_value(inner, depth) for inner in value]


def redact_named(key: str, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - whatever is logged
    """As `redact_value`, and wholly hidden when the key names a secret."""
    if value is not None and key not in _HARMLESS_KEYS and _SECRET_KEY.search(key):
        return REDACTED
    return redact_value(value, depth)


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor. `_`-prefixed keys belong to structlog."""
    return {key: value if key.startswith("_") else redact_named(key, value) for key, value in event.items()}


def escape_control_characters(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """One entry stays one line on a terminal, and cannot colour or clear it. A traceback keeps its lines."""
    return {
        key: value if key == "exception" or not isinstance(value, str) else _escaped(value)
        for key, value in event.items()
    }


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def _redacted_number(value: int) -> int | str:
    text = str(value) if abs(value) < 10**40 else "…"
    redacted = redact_text(text)
    return value if redacted == text else redacted


def _masked_card(match: re.Match[str]) -> str:
    text = match.group()
    if match.group("uuid"):
        return text
    digits = [int(char) for char in text if char.isdigit()]
    return f"****{text[-4:]}" if len(digits) in _CARD_LENGTHS and is_luhn(digits) else text


def is_luhn(digits: list[int]) -> bool:
    """Whether the last digit is the check digit of the others."""
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]  # noqa: PLR2004 - Luhn's rule
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _masked_phone(match: re.Match[str]) -> str:
    text = match.group()
    return f"{text[:3]}***{text[-2:]}"
