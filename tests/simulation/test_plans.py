from collections import Counter
from decimal import Decimal

import pytest

from jivapay.domain.requisite_numbers import normalize_number
from jivapay.schemas_enums.enums import Direction
from jivapay.simulation.cast import Store
from jivapay.simulation.plans import (
    BANKS,
    METHODS,
    REVIEWED_AMOUNT,
    Behaviour,
    PayerMood,
    plan_any,
    plan_order,
    plan_payer,
    plan_payout,
    plan_trader,
)
from jivapay.simulation.receipts import make_receipt
from jivapay.utils.receipts import clean_receipt

STORES = tuple(
    Store(id=str(number), name=f"store {number}", api_key="", callback_secret="", test=number == 1)
    for number in range(3)
)


def test_the_same_seed_gives_the_same_orders() -> None:
    assert [plan_order("a", number, STORES) for number in range(50)] == [
        plan_order("a", number, STORES) for number in range(50)
    ]
    assert plan_order("a", 1, STORES) != plan_order("b", 1, STORES)
    assert plan_payout("a", 1, STORES) == plan_payout("a", 1, STORES) != plan_payout("b", 1, STORES)
    assert plan_trader("a", "u-1", "100.00") == plan_trader("a", "u-1", "100.00")
    assert plan_payer("a", "trader1", "0001", "100.00") == plan_payer("a", "trader1", "0001", "100.00")


def test_two_orders_of_five_are_payouts() -> None:
    directions = Counter(plan_any("a", number, STORES).direction for number in range(1, 301))
    assert directions == {Direction.PAY_IN: 180, Direction.PAY_OUT: 120}


def test_two_hundred_orders_show_every_outcome() -> None:
    plans = [plan_order("a", number, STORES) for number in range(200)]
    assert {plan.behaviour for plan in plans} == set(Behaviour)
    assert {plan.store for plan in plans} == {0, 1, 2}
    assert {(plan.hosted, plan.method) for plan in plans} == {(h, m) for h in (True, False) for m in METHODS}
    assert {plan.bank for plan in plans} == {None, *BANKS}
    treated = [plan_trader("a", str(number), "1.00") for number in range(200)]
    assert any(plan.is_silent for plan in treated)
    assert any(plan.cancels for plan in treated)
    assert {plan_payer("a", "trader1", str(number), "1.00").mood for number in range(200)} == set(PayerMood)
    payouts = [plan_payout("a", number, STORES) for number in range(200)]
    assert {plan.cancels for plan in payouts} == {plan.confirms_receipt for plan in payouts} == {True, False}


def test_traders_differ_about_one_payout() -> None:
    moods = {plan_payer("a", f"trader{number}", "0001", "100.00").mood for number in range(50)}
    assert len(moods) > 1


def test_recipients_are_numbers_that_banks_know() -> None:
    for number in range(1, 200):
        plan = plan_payout("a", number, STORES)
        kind = "phone" if plan.method == "sbp" else "card"
        assert normalize_number(kind, plan.recipient) == plan.recipient
        assert Decimal(100) <= plan.amount <= Decimal(100_000)


def test_another_amount_is_sent_by_those_who_pay_otherwise_and_nobody_else() -> None:
    plans = [plan_order("a", number, STORES) for number in range(300)]
    assert all((plan.sends != plan.amount) is (plan.behaviour is Behaviour.PAYS_OTHERWISE) for plan in plans)
    otherwise = [plan for plan in plans if plan.behaviour is Behaviour.PAYS_OTHERWISE]
    assert {plan.sends > plan.amount for plan in otherwise} == {True, False}


def test_orders_are_what_the_demo_world_takes() -> None:
    for number in range(500):
        plan = plan_order("c", number, STORES)
        assert Decimal(100) <= plan.amount <= Decimal(100_000) or plan.amount == REVIEWED_AMOUNT
        assert plan.amount == round(plan.amount, 2)
        assert plan.hosted or not (plan.amount_is_open or plan.method_is_open)
        assert plan.hosted or plan.behaviour is not Behaviour.NEVER_COMES


@pytest.mark.parametrize("number", ["1", "2"])
async def test_a_receipt_is_a_picture_the_platform_takes(number: str) -> None:
    receipt = make_receipt("a", number)
    assert receipt == make_receipt("a", number)
    assert (await clean_receipt(receipt)).content_type == "image/png"


def test_no_two_receipts_are_the_same() -> None:
    assert len({make_receipt("a", str(number)) for number in range(20)}) == 20


def test_most_customers_pay() -> None:
    behaviours = Counter(plan_order("d", number, STORES).behaviour for number in range(500))
    assert behaviours[Behaviour.PAYS] + behaviours[Behaviour.PAYS_WITH_RECEIPT] > 300
