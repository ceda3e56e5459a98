"""Amounts in requests and answers: decimal strings, read exactly, never rounded (decision 14, `docs/money.md`).

A request type checks the form; the scale of the currency is checked where the currency is known
(`domain.money.fits_scale`). Codes: `money.format`, `money.not_positive`, `money.too_many_decimals`,
`money.too_large`, `money.must_be_string`; a value that is no amount at all is `validation.type`.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

WHOLE_DIGITS_MAX = 15
FIAT_DECIMALS_MAX = 4
CRYPTO_DECIMALS_MAX = 18
LENGTH_MAX = 64
"""Longer than any amount; beyond it only the kind of mistake is of interest, not the value."""

_NUMBER = re.compile(r"-?(?P<whole>0|[1-9][0-9]*)(?:\.(?P<decimals>[0-9]+))?", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def read_amount(text: str, decimals_max: int, *, signed: bool = False) -> Decimal:
    """The amount `text` says. Raises PydanticCustomError with a `money.*` code."""
    if len(text) > LENGTH_MAX:
        raise _too_large() if _DIGITS.fullmatch(text) else _malformed()
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _malformed()
    value = Decimal(text)
    if not value or (value < 0 and not signed):
        raise PydanticCustomError("money.not_positive", "must be greater than zero")
    if len(match["whole"]) > WHOLE_DIGITS_MAX:
        raise _too_large()
    if len(match["decimals"] or "") > decimals_max:
        raise PydanticCustomError("money.too_many_decimals", "has too many decimals")
    return value


def read_number(number: int | Decimal, decimals_max: int) -> Decimal:
    """A JSON number as an amount, exactly. Raises PydanticCustomError with a `money.*` code."""
    if isinstance(number, Decimal):
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or exponent > 0:
            raise _malformed()
        if -exponent > LENGTH_MAX:
            raise PydanticCustomError("money.too_many_decimals", "has too many decimals")
    return read_amount(f"{number:f}" if isinstance(number, Decimal) else str(number), decimals_max)


@dataclass(frozen=True, slots=True)
class Amount:
    """Reads a request's amount into a `Decimal`: `Annotated[Decimal, Amount(decimals_max=2)]`."""

    decimals_max: int
    signed: bool = False
    numbers: bool = False
    """Whether JSON numbers are taken, as the payouts service does."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return core_schema.no_info_plain_validator_function(
            self._read, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if self.numbers:
            return {
                "type": "number",
                "exclusiveMinimum": 0,
                "exclusiveMaximum": 10**WHOLE_DIGITS_MAX,
                "description": "With no more decimals than the currency has.",
                "examples": [100.5],
            }
        sign = "-?" if self.signed else ""
        pattern = rf"^{sign}(0|[1-9][0-9]{{0,{WHOLE_DIGITS_MAX - 1}}})(\.[0-9]{{1,{self.decimals_max}}})?$"
        return {"type": "string", "pattern": pattern, "examples": ["4750.00"]}

    def _read(self, value: object) -> Decimal:
        if isinstance(value, str) and value:
            return read_amount(value, self.decimals_max, signed=self.signed)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return self._read_number(value)
        raise PydanticCustomError("validation.type", "must be a decimal string")

    def _read_number(self, number: int | Decimal) -> Decimal:
        try:
            amount = read_number(number, self.decimals_max)
        except PydanticCustomError as error:
            # A fraction this long was most likely spoilt by a double before it came: say what would prevent it.
            if self.numbers or not isinstance(number, Decimal) or error.type != "money.too_large":
                raise
        else:
            if self.numbers:
                return amount
        raise PydanticCustomError("money.must_be_string", "must be a string")


FiatAmount = Annotated[Decimal, Amount(FIAT_DECIMALS_MAX)]
CryptoAmount = Annotated[Decimal, Amount(CRYPTO_DECIMALS_MAX)]
CryptoChange = Annotated[Decimal, Amount(CRYPTO_DECIMALS_MAX, signed=True)]
"""An adjustment: either sign, never zero."""
NumberAmount = Annotated[Decimal, Amount(FIAT_DECIMALS_MAX, numbers=True)]
"""The payouts service's: a JSON number, or the same as a string."""

AmountText = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["4750.00"]})
]
"""An amount in an answer: `domain.money.format_amount` writes it with the currency's own decimals."""
RateText = AmountText


def _malformed() -> PydanticCustomError:
    return PydanticCustomError("money.format", "is not an amount")


def _too_large() -> PydanticCustomError:
    return PydanticCustomError("money.too_large", "is too large")
