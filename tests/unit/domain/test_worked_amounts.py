"""The numbers of `docs/money.md` about late and other amounts, computed again."""

from decimal import Decimal
from pathlib import Path

import pytest

from jivapay.domain.amounts import Split, Stated, is_accepted, is_within, split
from jivapay.domain.commissions import Terms, calculate_quote
from jivapay.domain.money import crypto_amount
from jivapay.schemas_enums.enums import Direction

MONEY = (Path(__file__).parents[3] / "docs" / "money.md").read_text(encoding="utf-8")
AGREED = Decimal("4750.00")


def chapter(heading: str) -> str:
    return MONEY.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def terms(rate: str) -> Terms:
    return Terms(Direction.PAY_IN, Decimal(rate), Decimal(0), Decimal(3), Decimal(1), 6)


@pytest.mark.parametrize(
    ("heading", "amount", "rate"),
    [("Another amount arrived", "4517.00", "92.50"), ("Too late for the frozen rate", "4750.00", "120.00")],
)
def test_the_legs(heading: str, amount: str, rate: str) -> None:
    text = chapter(heading)
    frozen = calculate_quote(Decimal(amount), terms(rate))
    for number in (
        frozen.amount_crypto,
        frozen.store_commission,
        frozen.trader_commission,
        frozen.trader_net,
        frozen.store_net,
    ):
        assert f"| {number} |" in text
    assert frozen.trader_net - frozen.store_net == frozen.platform_profit


def test_the_profit_and_the_rest() -> None:
    text = chapter("Another amount arrived")
    assert f"| {calculate_quote(Decimal('4517.00'), terms('92.50')).platform_profit} |" in text
    divided = split(AGREED, Decimal("5000.00"), Decimal(5))
    assert divided == Split(AGREED, Decimal("250.00"))
    assert f"| {crypto_amount(divided.rest, Decimal('92.50'), 6)} |" in text


def test_the_late_cover() -> None:
    cost = calculate_quote(AGREED, terms("92.50")).trader_net
    left = f"{10_000 - cost:,}".replace(",", " ")
    assert f"10 000 − {cost} = {left}" in chapter("Too late for the frozen rate")


@pytest.mark.parametrize(
    ("actual", "percent", "within"),
    [
        ("4750.00", "0", True),
        ("4749.99", "0", False),
        ("4512.50", "5", True),
        ("4512.49", "5", False),
        ("4987.50", "5", True),
        ("4987.51", "5", False),
    ],
)
def test_the_percentage_to_the_kopeck(actual: str, percent: str, within: bool) -> None:
    assert is_within(AGREED, Decimal(actual), Decimal(percent)) is within


LESS, MORE = Decimal("4517.00"), Decimal("4900.00")


@pytest.mark.parametrize(
    ("stated", "percent", "accepted"),
    [
        pytest.param(Stated(AGREED), "5", False, id="nobody"),
        pytest.param(Stated(AGREED, by_trader=LESS), "5", False, id="the trader alone"),
        pytest.param(Stated(AGREED, by_payer=LESS, by_store=LESS), "5", False, id="all but the trader"),
        pytest.param(Stated(AGREED, by_trader=LESS, by_payer=LESS), "5", True, id="payer within"),
        pytest.param(Stated(AGREED, by_trader=LESS, by_payer=LESS), "4", False, id="payer beyond"),
        pytest.param(Stated(AGREED, by_trader=LESS, by_store=LESS), "0", True, id="the store itself"),
        pytest.param(Stated(AGREED, by_trader=LESS, by_store=AGREED), "5", False, id="the store says otherwise"),
        pytest.param(Stated(AGREED, by_trader=MORE, by_store=MORE), "0", False, id="more than the store computes"),
        pytest.param(Stated(AGREED, by_trader=MORE, by_payer=MORE), "5", True, id="more within"),
    ],
)
def test_who_has_to_state_what(stated: Stated, percent: str, accepted: bool) -> None:
    assert is_accepted(stated, Decimal(percent)) is accepted
