"""Money, numbers of requisites and times as people read them, and amounts as people type them.

`Decimal` all the way and nothing is rounded (decision 14); the forms are those of the interface guide, "Numbers,
money, time": `12 500,50 ₽` and `₽12,500.50`, with spaces that do not break.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
ZONE_DEFAULT = "Europe/Moscow"
"""Where a reader is taken to be until he says otherwise."""
FIAT_DECIMALS = 2

SYMBOLS = {"RUB": "₽", "USD": "$", "EUR": "€", "GBP": "£", "KZT": "₸", "UAH": "₴", "TRY": "₺", "INR": "₹"}

_TYPED_SPACES = re.compile(r"[\s'’]")
_TYPED_CURRENCY = re.compile(r"(?:₽|р\.?|руб\.?|rub)$", re.IGNORECASE)
_TYPED_PLAIN = re.compile(r"(-?\d+)(?:[.,](\d*))?", re.ASCII)
_TYPED_GROUPED = re.compile(r"(-?\d{1,3}(?:,\d{3})+)\.(\d+)|(-?\d{1,3}(?:\.\d{3})+),(\d+)", re.ASCII)
THOUSANDS_DIGITS = 3

_PHONE = re.compile(r"\+7(\d{3})(\d{3})(\d{2})(\d{2})", re.ASCII)
_DIGITS = re.compile(r"\d{8,}", re.ASCII)
GROUP = 4


def format_decimal(value: Decimal, language: str) -> str:
    """All the digits of `value`, grouped: `12 500,50`, `12,500.50`."""
    text = f"{abs(value):,f}"
    if language == "ru":
        text = text.replace(",", NBSP).replace(".", ",")
    return f"{MINUS}{text}" if value < 0 else text


def format_money(value: Decimal, currency: str, language: str, *, whole: bool = True) -> str:
    """An amount with its currency. Zero decimals of fiat are left out, unless `whole` is False (receipts, ledgers)."""
    symbol = SYMBOLS.get(currency)
    if symbol is not None:
        value = _with_decimals(value, whole=whole)
    number = format_decimal(value, language)
    if symbol is None or language == "ru":
        return f"{number}{NBSP}{symbol or currency}"
    return f"{MINUS}{symbol}{number[1:]}" if value < 0 else f"{symbol}{number}"


def bare_amount(value: Decimal) -> str:
    """What a copy button gives: `4750` or `4750.50`."""
    return f"{_with_decimals(value, whole=True):f}"


def _with_decimals(value: Decimal, *, whole: bool) -> Decimal:
    """The same value with no decimals when they are zero and need not be shown, else with at least two."""
    if whole and value == value.to_integral_value():
        return value.quantize(Decimal(1))
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -FIAT_DECIMALS:
        return value.quantize(Decimal(1).scaleb(-FIAT_DECIMALS))
    return value


def read_typed_amount(text: str) -> str:
    """An amount as a person types it, in the form of the API: `1 234,5` and `1234.50 ₽` are plain to read.

    `1,234` is a thousand to one reader and one and a bit to another: what cannot be understood in one way only
    comes back as it was, and is refused as an amount further down.
    """
    compact = _TYPED_CURRENCY.sub("", _TYPED_SPACES.sub("", text).replace(MINUS, "-"))
    grouped = _TYPED_GROUPED.fullmatch(compact)
    if grouped is not None:
        number, decimals = (grouped[1], grouped[2]) if grouped[1] else (grouped[3], grouped[4])
        return f"{re.sub('[.,]', '', number)}.{decimals}"
    plain = _TYPED_PLAIN.fullmatch(compact)
    if plain is None or len(plain[2] or "") == THOUSANDS_DIGITS:
        return text
    return f"{plain[1]}.{plain[2]}" if plain[2] else plain[1]


def format_requisite(number: str) -> str:
    """`+7 900 123-45-67`, `2200 7001 2345 6789`; a masked number stays as it is."""
    phone = _PHONE.fullmatch(number)
    if phone is not None:
        return f"+7{NBSP}{phone[1]}{NBSP}{phone[2]}-{phone[3]}-{phone[4]}"
    if _DIGITS.fullmatch(number):
        return " ".join(number[start : start + GROUP] for start in range(0, len(number), GROUP))
    return number


def format_moment(moment: datetime, language: str, zone: str = ZONE_DEFAULT) -> str:
    """`21 ноября 2026 г., 12:50 (UTC+3)`."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{format_date(local, 'long', locale=_locale(language))}, {local:%H:%M} ({_offset(local)})"


def format_time(moment: datetime, zone: str = ZONE_DEFAULT) -> str:
    """`12:50 (UTC+3)`."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M} ({_offset(local)})"


def format_countdown(seconds: int) -> str:
    """`14:59`; an hour is `60:00`."""
    minutes, rest = divmod(max(0, seconds), 60)
    return f"{minutes}:{rest:02d}"


def seconds_until(moment: datetime, now: datetime) -> int:
    """Whole seconds left, never less than none."""
    return max(0, (moment - now) // timedelta(seconds=1))


def _locale(language: str) -> str:
    return {"ru": "ru_RU"}.get(language, "en_GB")


def _offset(local: datetime) -> str:
    minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    sign = MINUS if minutes < 0 else "+"
    return f"UTC{sign}{hours}:{rest:02d}" if rest else f"UTC{sign}{hours}"
