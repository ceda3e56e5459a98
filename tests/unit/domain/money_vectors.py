"""One table of rounding for two engines: `domain.money.money_round` and SQL's `money_round` (hard case 26).

Ties are the point: half-even and PostgreSQL's own `round()` differ there. Each row is value, scale, result.
"""

from decimal import Decimal

VECTORS: tuple[tuple[str, int, str], ...] = (
    # No tie: nearest wins.
    ("0", 2, "0.00"),
    ("1", 2, "1.00"),
    ("1.004", 2, "1.00"),
    ("1.006", 2, "1.01"),
    ("-1.006", 2, "-1.01"),
    ("51.35135135135135", 6, "51.351351"),
    ("0.0000004", 6, "0.000000"),
    ("0.0000006", 6, "0.000001"),
    # A tie goes to the even neighbour, up or down, with either sign, at every scale in use.
    ("0.5", 0, "0"),
    ("1.5", 0, "2"),
    ("2.5", 0, "2"),
    ("-0.5", 0, "0"),
    ("-1.5", 0, "-2"),
    ("-2.5", 0, "-2"),
    ("0.005", 2, "0.00"),
    ("0.015", 2, "0.02"),
    ("0.025", 2, "0.02"),
    ("0.035", 2, "0.04"),
    ("-0.005", 2, "0.00"),
    ("-0.025", 2, "-0.02"),
    ("-0.035", 2, "-0.04"),
    ("1.005", 2, "1.00"),
    ("999999.995", 2, "1000000.00"),
    ("0.0000005", 6, "0.000000"),
    ("0.0000015", 6, "0.000002"),
    ("51.3513505", 6, "51.351350"),
    ("51.3513515", 6, "51.351352"),
    ("92.500000005", 8, "92.50000000"),
    ("92.500000015", 8, "92.50000002"),
    # One digit beyond a tie, however far out, is no tie.
    ("0.0050000000000000000001", 2, "0.01"),
    ("0.0249999999999999999999", 2, "0.02"),
    ("0.0250000000000000000001", 2, "0.03"),
    ("-0.0250000000000000000001", 2, "-0.03"),
    # Large amounts keep every digit.
    ("123456789012345.675", 2, "123456789012345.68"),
    ("123456789012345.665", 2, "123456789012345.66"),
    ("123456789012345678901234567890.0000005", 6, "123456789012345678901234567890.000000"),
)


def vectors() -> list[tuple[Decimal, int, Decimal]]:
    return [(Decimal(value), scale, Decimal(result)) for value, scale, result in VECTORS]
