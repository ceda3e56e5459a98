"""Money is `Decimal`, rounded half-even to the currency's own scale, and input is never rounded (decision 14).

The same rule stands once more in SQL (`money_round` in the first migration) because PostgreSQL's `round()`
rounds ties away from zero; `tests/unit/domain/money_vectors.py` proves the two agree (hard case 26).
"""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

FIAT_SCALE = 2
RATE_SCALE = 8
PRECISION = 60
"""Digits of an intermediate result: far beyond any amount, so that only the last step rounds."""

ZERO = Decimal(0)


def money_round(value: Decimal, scale: int) -> Decimal:
    """`value` half-even to `scale` decimals, with exactly that many decimals."""
    with localcontext(prec=PRECISION):
        return value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_EVEN)


def crypto_amount(amount_fiat: Decimal, rate: Decimal, scale: int) -> Decimal:
    """Fiat at `rate` fiat per crypto, half-even to the crypto currency's scale."""
    with localcontext(prec=PRECISION):
        return money_round(amount_fiat / rate, scale)


def percent_of(amount: Decimal, percent: Decimal, scale: int) -> Decimal:
    with localcontext(prec=PRECISION):
        return money_round(amount * percent / 100, scale)


def decimals_of(value: Decimal) -> int:
    """How many decimals the value was written with; `Decimal("1.50")` has 2."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError("not a finite number")  # noqa: TRY004 - NaN is a bad value, not a bad type
    return max(0, -exponent)


def fits_scale(value: Decimal, scale: int) -> bool:
    return decimals_of(value) <= scale


def format_amount(value: Decimal, scale: int) -> str:
    """The JSON form: exactly `scale` decimals. Raises ValueError when that would round."""
    rounded = money_round(value, scale)
    if rounded != value:
        raise ValueError(f"amount does not fit {scale} decimals")
    return f"{rounded:f}"


def format_rate(value: Decimal) -> str:
    """A rate whole, with at least two decimals: `92.50`, `92.12345678`."""
    text = f"{value.normalize():f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(FIAT_SCALE, '0')}"


def format_percent(value: Decimal) -> str:
    """Without the zeros nobody needs: `3`, `3.5`."""
    return f"{value.normalize():f}"
