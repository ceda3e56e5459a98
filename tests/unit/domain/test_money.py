"""Money: rounding to the table both engines share, and the forms amounts and rates take in JSON."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jivapay.domain import money
from unit.domain.money_vectors import vectors

SCALES = st.integers(0, 8)
AMOUNTS = st.decimals(-(10**15), 10**15, allow_nan=False, allow_infinity=False, places=12)


@pytest.mark.parametrize(("value", "scale", "rounded"), vectors())
def test_rounding_by_the_shared_table(value: Decimal, scale: int, rounded: Decimal) -> None:
    result = money.money_round(value, scale)
    assert result == rounded
    assert money.decimals_of(result) == scale


@given(AMOUNTS, SCALES)
def test_rounding_is_half_even_moves_less_than_a_unit_and_stays(value: Decimal, scale: int) -> None:
    rounded = money.money_round(value, scale)
    half = Decimal(1).scaleb(-scale) / 2
    assert abs(rounded - value) <= half
    if abs(rounded - value) == half:
        assert int(abs(rounded).scaleb(scale)) % 2 == 0
    assert money.money_round(rounded, scale) == rounded


@given(st.decimals("0.01", 10**9, places=2), st.decimals("0.00000001", 10**7, places=8), SCALES)
def test_crypto_amount_is_rounded_once_from_the_exact_quotient(fiat: Decimal, rate: Decimal, scale: int) -> None:
    with localcontext(prec=120):
        exact = (fiat / rate).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_EVEN)
    assert money.crypto_amount(fiat, rate, scale) == exact


def test_a_caller_s_own_decimal_context_changes_nothing() -> None:
    with localcontext(prec=4):
        assert money.crypto_amount(Decimal("4750.00"), Decimal("92.50"), 6) == Decimal("51.351351")
        assert money.percent_of(Decimal("51.351351"), Decimal(3), 6) == Decimal("1.540541")
        assert money.money_round(Decimal("123456.785"), 2) == Decimal("123456.78")


@given(st.integers(-(10**18), 10**18), SCALES)
def test_amounts_survive_their_json_form(units: int, scale: int) -> None:
    amount = Decimal(units).scaleb(-scale)
    text = money.format_amount(amount, scale)
    assert Decimal(text) == amount
    assert len(text.partition(".")[2]) == scale
    assert "e" not in text.lower()


@pytest.mark.parametrize(("value", "scale"), [("1.001", 2), ("0.0000001", 6), ("0.5", 0)])
def test_formatting_never_rounds(value: str, scale: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        money.format_amount(Decimal(value), scale)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("92.5", "92.50"),
        ("92.50", "92.50"),
        ("92", "92.00"),
        ("100", "100.00"),
        ("1E+3", "1000.00"),
        ("92.12345678", "92.12345678"),
        ("92.12345600", "92.123456"),
        ("0.00000001", "0.00000001"),
    ],
)
def test_rates_are_whole_with_at_least_two_decimals(value: str, text: str) -> None:
    assert money.format_rate(Decimal(value)) == text


@pytest.mark.parametrize(("value", "decimals"), [("1", 0), ("1.50", 2), ("1E+3", 0), ("1E-7", 7), ("0.000", 3)])
def test_decimals_are_counted_as_written(value: str, decimals: int) -> None:
    assert money.decimals_of(Decimal(value)) == decimals


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_has_no_decimals(value: str) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        money.decimals_of(Decimal(value))


def test_scale_is_judged_as_written() -> None:
    assert money.fits_scale(Decimal("1.00"), 2)
    assert not money.fits_scale(Decimal("1.000"), 2)
