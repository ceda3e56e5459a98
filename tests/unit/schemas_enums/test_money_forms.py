"""Every row of the money catalogue (A01 to A18) that a form can decide."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from jivapay.schemas_enums.base import RequestModel
from jivapay.schemas_enums.money import CryptoChange, FiatAmount, NumberAmount


class Fiat(RequestModel):
    amount: FiatAmount


class Change(RequestModel):
    amount: CryptoChange


class Number(RequestModel):
    amount: NumberAmount


def code_of(model: type[RequestModel], amount: object) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"amount": amount})
    (error,) = caught.value.errors()
    assert error["loc"] == ("amount",)
    return error["type"]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("4750.00", Decimal("4750.00")),
        ("0.01", Decimal("0.01")),
        ("1", Decimal(1)),
        ("999999999999999.9999", Decimal("999999999999999.9999")),
    ],
)
def test_an_amount_is_read_exactly(text: str, amount: Decimal) -> None:
    read = Fiat.model_validate({"amount": text}).amount
    assert read == amount
    assert read.as_tuple() == amount.as_tuple()


REFUSED = [
    pytest.param("-0.01", "money.not_positive", id="A01 text"),
    pytest.param(-1, "money.not_positive", id="A01 number"),
    pytest.param("0", "money.not_positive", id="zero"),
    pytest.param("0.00", "money.not_positive", id="zero with decimals"),
    pytest.param("-0", "money.not_positive", id="minus zero"),
    pytest.param("NaN", "money.format", id="A04 NaN"),
    pytest.param("Infinity", "money.format", id="A04 Infinity"),
    pytest.param("sNaN", "money.format", id="A04 sNaN"),
    pytest.param(Decimal("1e3"), "money.format", id="A06 number"),
    pytest.param("1E+2", "money.format", id="A06 plus"),
    pytest.param("1e-2", "money.format", id="A06 minus"),
    pytest.param("1.00000", "money.too_many_decimals", id="A08"),
    pytest.param("9" * 30, "money.too_large", id="A09"),
    pytest.param(int("9" * 30), "money.too_large", id="A09 number"),
    pytest.param("9" * 5000, "money.too_large", id="A10"),
    pytest.param("9" * 5000 + "x", "money.format", id="A10 with a letter"),
    pytest.param("1000000000000000", "money.too_large", id="16 digits"),
    pytest.param(Decimal("9007199254740993.01"), "money.must_be_string", id="A11"),
    pytest.param(Decimal("0.30000000000000004"), "money.too_many_decimals", id="A13"),
    pytest.param(Decimal("100.50"), "money.must_be_string", id="a good number"),
    pytest.param(Decimal("1e-400"), "money.too_many_decimals", id="a tiny number"),
    pytest.param("1_000", "money.format", id="A15"),
    pytest.param("1,000", "money.format", id="A17 comma"),
    pytest.param("1 000", "money.format", id="A17 space"),
    pytest.param("0x10", "money.format", id="A17 hexadecimal"),
    pytest.param("١٫٥", "money.format", id="A17 other digits"),
    pytest.param("١", "money.format", id="A17 another digit"),
    pytest.param("01", "money.format", id="leading zero"),
    pytest.param("+1", "money.format", id="plus"),
    pytest.param(".5", "money.format", id="no whole part"),
    pytest.param("5.", "money.format", id="no decimals"),
    pytest.param(" 1", "money.format", id="space before"),
    pytest.param("1\n", "money.format", id="line end"),
    *(pytest.param(value, "validation.type", id=f"A18 {value!r}") for value in (True, None, [], {}, "")),
]


@pytest.mark.parametrize(("amount", "code"), REFUSED)
def test_what_is_not_an_amount_is_refused_with_its_code(amount: object, code: str) -> None:
    assert code_of(Fiat, amount) == code


def test_a_change_has_either_sign_and_is_never_zero() -> None:
    assert Change.model_validate({"amount": "-0.000001"}).amount == Decimal("-0.000001")
    assert code_of(Change, "0.000000") == "money.not_positive"


def test_the_payouts_service_takes_numbers_exactly() -> None:
    assert Number.model_validate({"amount": Decimal("100.50")}).amount == Decimal("100.50")
    assert Number.model_validate({"amount": 100}).amount == Decimal(100)
    assert code_of(Number, Decimal("1e3")) == "money.format"
    assert code_of(Number, Decimal("0.30000000000000004")) == "money.too_many_decimals"
    assert code_of(Number, True) == "validation.type"
