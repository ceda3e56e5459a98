"""Field types of people, shares and limits: e-mail addresses, percentages, amounts that may be zero."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from jivapay.schemas_enums.base import Text
from jivapay.schemas_enums.money import FIAT_DECIMALS_MAX, read_amount

EMAIL_LENGTH_MAX = 254
PASSWORD_TEXT_MAX = 1024
"""Beyond any password we accept: its own rule answers, this one only bounds the work."""

_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    re.ASCII,
)
_PERCENT = re.compile(r"(?:0|[1-9][0-9]?)(?:\.[0-9]{1,4})?", re.ASCII)
_ZERO = re.compile(r"0(?:\.0{1,4})?", re.ASCII)


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise PydanticCustomError("email.format", "is not an e-mail address")
    return value


def _percent(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("validation.type", "must be a decimal string")
    if not _PERCENT.fullmatch(value):
        raise PydanticCustomError("percent.format", "must be from 0 to below 100, with at most four decimals")
    return Decimal(value)


def _limit(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("validation.type", "must be a decimal string")
    return Decimal(0) if _ZERO.fullmatch(value) else read_amount(value, FIAT_DECIMALS_MAX)


Email = Annotated[str, Text(EMAIL_LENGTH_MAX), AfterValidator(_email)]
PasswordText = Annotated[str, Field(strict=True, max_length=PASSWORD_TEXT_MAX)]
Otp = Annotated[str, Field(strict=True, max_length=16)]
Percent = Annotated[
    Decimal,
    BeforeValidator(_percent),
    WithJsonSchema({"type": "string", "pattern": r"^(0|[1-9][0-9]?)(\.[0-9]{1,4})?$", "examples": ["3.5"]}),
]
"""Of an amount: 0 or more, below 100."""
PERCENT_OF_AMOUNT_MAX = Decimal(5)


def _amount_percent(value: object) -> object:
    percent = _percent(value)
    if isinstance(percent, Decimal) and percent > PERCENT_OF_AMOUNT_MAX:
        raise PydanticCustomError("validation.range", "must be at most 5")
    return percent


AmountPercent = Annotated[
    Decimal,
    BeforeValidator(_amount_percent),
    WithJsonSchema({"type": "string", "pattern": r"^[0-5](\.[0-9]{1,4})?$", "examples": ["1.5"]}),
]
"""How far a payment may be off: 0 to 5."""
LimitAmount = Annotated[
    Decimal,
    BeforeValidator(_limit),
    WithJsonSchema({"type": "string", "pattern": r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$", "examples": ["100.00"]}),
]
"""An amount that may be zero."""
PercentText = Annotated[str, WithJsonSchema({"type": "string", "examples": ["3.5"]})]
