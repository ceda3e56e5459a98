"""Money, numbers and times as people read and type them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from jivapay.web.ui.formatting import (
    bare_amount,
    format_countdown,
    format_decimal,
    format_moment,
    format_money,
    format_requisite,
    format_time,
    read_typed_amount,
    seconds_until,
)

NOW = datetime(2026, 11, 21, 6, 50, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "currency", "ru", "en"),
    [
        ("4750.00", "RUB", "4\u00a0750\u00a0₽", "₽4,750"),
        ("12500.50", "RUB", "12\u00a0500,50\u00a0₽", "₽12,500.50"),
        ("12500.5", "RUB", "12\u00a0500,50\u00a0₽", "₽12,500.50"),
        ("0.05", "RUB", "0,05\u00a0₽", "₽0.05"),
        ("-4750.00", "RUB", "\u22124\u00a0750\u00a0₽", "\u2212₽4,750"),
        ("1234567.89", "USD", "1\u00a0234\u00a0567,89\u00a0$", "$1,234,567.89"),
        ("51.351351", "USDT", "51,351351\u00a0USDT", "51.351351\u00a0USDT"),
        ("65.280000", "USDT", "65,280000\u00a0USDT", "65.280000\u00a0USDT"),
        ("999999999999999.99", "RUB", "999\u00a0999\u00a0999\u00a0999\u00a0999,99\u00a0₽", "₽999,999,999,999,999.99"),
    ],
)
def test_money(value: str, currency: str, ru: str, en: str) -> None:
    assert format_money(Decimal(value), currency, "ru") == ru
    assert format_money(Decimal(value), currency, "en") == en


@pytest.mark.parametrize(("value", "shown"), [("4750", "4\u00a0750,00\u00a0₽"), ("0.5", "0,50\u00a0₽")])
def test_money_on_receipts(value: str, shown: str) -> None:
    assert format_money(Decimal(value), "RUB", "ru", whole=False) == shown


def test_nothing_is_rounded() -> None:
    assert format_decimal(Decimal("0.12345678901234567890"), "en") == "0.12345678901234567890"


@pytest.mark.parametrize(("value", "bare"), [("4750.00", "4750"), ("4750.50", "4750.50"), ("4750.5", "4750.50")])
def test_bare_amount(value: str, bare: str) -> None:
    assert bare_amount(Decimal(value)) == bare


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("1234.50", "1234.50"),
        ("1 234,5", "1234.5"),
        ("1\u00a0234,5", "1234.5"),
        ("1\u202f234,50", "1234.50"),
        ("4750", "4750"),
        ("4750,", "4750"),
        ("4 750 ₽", "4750"),
        ("4750 руб.", "4750"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("12,345,678.90", "12345678.90"),
        ("-5", "-5"),
        ("\u22125", "-5"),
    ],
)
def test_typed_amounts(typed: str, understood: str) -> None:
    assert read_typed_amount(typed) == understood


@pytest.mark.parametrize(
    "typed", ["1,234", "1.234", "1,23,4.5", "1e3", "١٢٣", "12.5.0", "сто", "0x10", "1,234,567", ""]
)
def test_what_is_not_plain_stays_as_it_was(typed: str) -> None:
    assert read_typed_amount(typed) == typed


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+79001234567", "+7\u00a0900\u00a0123-45-67"),
        ("2200700123456789", "2200 7001 2345 6789"),
        ("40817810500000000001", "4081 7810 5000 0000 0001"),
        ("+380501234567", "+380501234567"),
        ("•• 4567", "•• 4567"),
    ],
)
def test_requisites(number: str, shown: str) -> None:
    assert format_requisite(number) == shown


def test_moments_stand_in_the_zone_of_the_reader() -> None:
    assert format_moment(NOW, "ru") == "21 ноября 2026\u202fг., 09:50 (UTC+3)"
    assert format_moment(NOW, "en") == "21 November 2026, 09:50 (UTC+3)"
    assert format_moment(NOW, "en", "America/St_Johns") == "21 November 2026, 03:20 (UTC\u22123:30)"
    assert format_time(NOW) == "09:50 (UTC+3)"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(899, "14:59"), (60, "1:00"), (5, "0:05"), (-3, "0:00"), (3600, "60:00")]
)
def test_countdown(seconds: int, shown: str) -> None:
    assert format_countdown(seconds) == shown


def test_seconds_left_are_whole_and_never_negative() -> None:
    assert seconds_until(NOW + timedelta(seconds=2, milliseconds=900), NOW) == 2
    assert seconds_until(NOW - timedelta(seconds=1), NOW) == 0
