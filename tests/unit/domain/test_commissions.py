"""Who gets what of a deal: the worked numbers of domain.md to the digit, and what holds for every amount."""

from dataclasses import asdict
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jivapay.domain.commissions import Quote, Terms, calculate_quote, rate_with_margin
from jivapay.domain.money import decimals_of
from jivapay.schemas_enums.enums import Direction

F, RATE = Decimal("4750.00"), Decimal("92.50")

FIATS = st.decimals("0.01", 10**9, places=2)
RATES = st.decimals("0.00000001", 10**7, places=8)
PERCENTS = st.decimals(0, "99.9999", places=4)
MARGINS = st.decimals(0, 50, places=3)
DIRECTIONS = st.sampled_from(list(Direction))


def quote(direction: Direction, store: str, trader: str, margin: str = "0") -> Quote:
    return calculate_quote(F, Terms(direction, RATE, Decimal(margin), Decimal(store), Decimal(trader), 6))


def numbers(made: Quote) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(made).items()}


def test_pay_in_to_the_digit() -> None:
    assert numbers(quote(Direction.PAY_IN, "3", "1")) == {
        "amount_fiat": "4750.00",
        "rate": "92.50000000",
        "amount_crypto": "51.351351",
        "trader_amount_crypto": "51.351351",
        "store_commission": "1.540541",
        "trader_commission": "0.513514",
        "platform_profit": "1.027027",
        "trader_net": "50.837837",
        "store_net": "49.810810",
    }


def test_pay_out_to_the_digit() -> None:
    assert numbers(quote(Direction.PAY_OUT, "2", "1")) == {
        "amount_fiat": "4750.00",
        "rate": "92.50000000",
        "amount_crypto": "51.351351",
        "trader_amount_crypto": "51.351351",
        "store_commission": "1.027027",
        "trader_commission": "0.513514",
        "platform_profit": "0.513513",
        "trader_net": "51.864865",
        "store_net": "52.378378",
    }


def test_the_margin_is_the_platform_s_and_never_the_trader_s() -> None:
    """Hard case 20: with 2 % a pay-in trader pays 50.837837 as without, and the store's leg shrinks."""
    made = quote(Direction.PAY_IN, "3", "1", margin="2")
    assert (made.rate, made.amount_crypto) == (Decimal("94.35000000"), Decimal("50.344462"))
    assert (made.trader_amount_crypto, made.trader_net) == (Decimal("51.351351"), Decimal("50.837837"))
    margin = made.trader_amount_crypto - made.amount_crypto
    assert made.platform_profit == made.store_commission - made.trader_commission + margin == Decimal("2.003709")


def test_a_pay_out_s_margin_takes_the_rate_down() -> None:
    made = quote(Direction.PAY_OUT, "2", "1", margin="2")
    assert (made.rate, made.trader_net) == (Decimal("90.65000000"), Decimal("51.864865"))
    assert made.store_net > Decimal("52.378378")


@pytest.mark.parametrize(
    ("base", "margin", "direction", "rate"),
    [
        ("92.50", "0", Direction.PAY_IN, "92.50000000"),
        ("92.50", "2.5", Direction.PAY_IN, "94.81250000"),
        ("92.50", "2.5", Direction.PAY_OUT, "90.18750000"),
        ("0.00000001", "50", Direction.PAY_IN, "0.00000002"),
        ("0.00000003", "50", Direction.PAY_IN, "0.00000004"),
    ],
)
def test_rates_with_margin_are_half_even_to_eight_decimals(
    base: str, margin: str, direction: Direction, rate: str
) -> None:
    assert f"{rate_with_margin(Decimal(base), Decimal(margin), direction):f}" == rate


@given(FIATS, RATES, MARGINS, PERCENTS, PERCENTS, DIRECTIONS, st.sampled_from([2, 6, 8]))
def test_every_deal_sums_to_zero_and_nobody_pays_in(
    fiat: Decimal, rate: Decimal, margin: Decimal, store: Decimal, trader: Decimal, direction: Direction, scale: int
) -> None:
    assume(trader <= store)
    terms = Terms(direction, rate, margin, store, trader, scale)
    assume(terms.store_rate > 0)
    made = calculate_quote(fiat, terms)
    if direction is Direction.PAY_IN:
        assert made.trader_net == made.store_net + made.platform_profit
    else:
        assert made.store_net == made.trader_net + made.platform_profit
    legs = (made.trader_net, made.store_net, made.platform_profit, made.store_commission, made.trader_commission)
    assert all(leg >= 0 for leg in legs)
    assert all(decimals_of(leg) == scale for leg in legs)
    if made.is_payable:
        assert made.trader_net > 0
        assert made.store_net > 0


@pytest.mark.parametrize(
    ("fiat", "rate", "payable"),
    [
        ("0.01", "1100000", False),  # crypto is zero
        ("0.01", "92.50", True),
        ("0.01", "10000", True),  # one unit, of which commissions round to nothing
        ("0.01", "20000", False),  # a tie below half a unit
    ],
)
def test_amounts_too_small_for_a_leg_are_not_payable(fiat: str, rate: str, payable: bool) -> None:
    terms = Terms(Direction.PAY_IN, Decimal(rate), Decimal(0), Decimal(3), Decimal(1), 6)
    assert calculate_quote(Decimal(fiat), terms).is_payable is payable


def test_a_leg_eaten_by_commission_is_not_payable() -> None:
    terms = Terms(Direction.PAY_IN, Decimal(10_000), Decimal(0), Decimal(60), Decimal(0), 6)
    made = calculate_quote(Decimal("0.01"), terms)
    assert (made.store_net, made.is_payable) == (Decimal(0), False)
