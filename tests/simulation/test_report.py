from decimal import Decimal
from typing import Any

import pytest

from jivapay.simulation import report
from jivapay.simulation.plans import Behaviour, OrderPlan, PayoutPlan
from jivapay.simulation.purchases import Purchase
from jivapay.simulation.report import Spread, Tally, find_problem


def purchase(number: int = 1, amount: str = "4750.00", sends: str | None = None) -> Purchase:
    plan = OrderPlan(
        number=number,
        store=0,
        hosted=False,
        method="card",
        bank=None,
        amount=Decimal(amount),
        amount_is_open=False,
        method_is_open=False,
        behaviour=Behaviour.PAYS,
        thinks_seconds=0.0,
        pays_after_seconds=0.0,
        sends=Decimal(sends or amount),
        states_amount=False,
        store_agrees=False,
    )
    return Purchase(plan, f"run-{number}", f"run-u{number}", asked_at=10.0, wanted_at=10.0)


def payout(number: int = 2) -> Purchase:
    plan = PayoutPlan(
        number=number,
        store=0,
        method="card",
        bank=None,
        amount=Decimal("4750.00"),
        cancels=False,
        confirms_receipt=False,
    )
    return Purchase(plan, f"run-{number}", f"run-u{number}", asked_at=10.0, wanted_at=10.0)


def answer(of: Purchase, status: str, order: str | None, version: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "order_id": "0199",
        "external_order_id": of.external_id,
        "status": status,
        "order_history_status": order,
        "direction": of.plan.direction.value,
        "amount": f"{of.plan.amount:.2f}",
        "amount_agreed": f"{of.plan.amount:.2f}",
        "currency": "RUB",
        "metadata": {"number": str(of.plan.number)},
        "version": version,
        "paid": order == "completed",
        **more,
    }


def event(of: Purchase, status: str, order: str | None, version: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "event_id": f"evt_{version}",
        "type": f"order.{order or status}",
        "external_order_id": of.external_id,
        "status": status,
        "order_history_status": order,
        "status_version": version,
        "amount_fiat": "4750.00",
        "balance_change": "49.810810",
        "commission": "1.540541",
        "paid": order == "completed",
        **more,
    }


def settled() -> Purchase:
    one = purchase()
    one.see(answer(one, "assigned", "pending", 3), 10.5)
    one.hear(event(one, "assigned", "pending", 3), 10.6)
    one.hear(event(one, "processed", "completed", 7), 13.0)
    one.see(answer(one, "processed", "completed", 7), 13.1)
    return one


def test_a_settled_order_is_accounted_for() -> None:
    counted = report.count([settled()])
    assert counted.problems == []
    assert (counted.asked, counted.accounted, counted.waiting) == (1, 1, 0)
    payins = counted.payins
    assert payins.outcomes == {"completed": 1}
    assert (payins.paid_fiat, payins.moved_crypto) == (Decimal("4750.00"), Decimal("49.810810"))
    assert payins.commission_crypto == Decimal("1.540541")
    assert payins.to_requisite == Spread(0.5, 0.5)
    assert payins.to_settled == Spread(3.0, 3.0)
    assert counted.payouts == Tally()


def paid_out() -> Purchase:
    one = payout()
    one.see(answer(one, "new", None, 1), 10.1)
    one.hear(event(one, "assigned", "pending", 3), 10.6)
    one.hear(event(one, "assigned", "in_progress", 4), 12.0)
    one.hear(event(one, "processed", "completed", 6, balance_change="-52.378378", commission="1.027027"), 15.0)
    one.see(answer(one, "processed", "completed", 6), 15.1)
    return one


def test_payouts_are_counted_apart() -> None:
    counted = report.count([settled(), paid_out()])
    assert (counted.problems, counted.asked, counted.accounted) == ([], 2, 2)
    payouts = counted.payouts
    assert (payouts.asked, payouts.outcomes) == (1, {"completed": 1})
    assert (payouts.paid_fiat, payouts.moved_crypto) == (Decimal("4750.00"), Decimal("-52.378378"))
    assert (payouts.to_accepted, payouts.to_settled) == (Spread(2.0, 2.0), Spread(5.0, 5.0))


def test_a_payout_that_was_taken_back_has_moved_nothing_and_is_not_paid() -> None:
    one = paid_out()
    back = {"type": "order.reversed", "balance_change": "52.378378", "paid": False}
    one.hear(event(one, "processed", "reversed", 7, **back), 20.0)
    one.see(answer(one, "processed", "reversed", 7), 20.1)
    payouts = report.count([one]).payouts
    assert (payouts.paid_fiat, payouts.moved_crypto, payouts.commission_crypto) == (0, 0, 0)
    assert (payouts.accounted, payouts.outcomes) == (1, {"reversed": 1})


def test_what_the_store_cannot_pay_is_refused_and_accounted_for() -> None:
    one = payout()
    one.refused = "balance.insufficient"
    counted = report.count([one])
    assert (counted.problems, counted.accounted) == ([], 1)
    assert counted.payouts.outcomes == {"refused": 1}


def test_an_event_that_was_never_pushed_counts_as_money_and_not_as_told() -> None:
    one = purchase()
    one.hear(event(one, "assigned", "pending", 3), 10.6)
    one.see(answer(one, "processed", "completed", 7), 13.1)
    one.overhear(event(one, "processed", "completed", 7))
    assert one.moved == Decimal("49.810810")
    assert find_problem(one) == "is completed, but its shop was told order.pending"


def test_another_amount_is_no_lie_where_it_was_sent() -> None:
    for sends, problem in (("4700.00", None), ("4750.00", "has amount '4700.00', which nobody asked for or sent")):
        one = purchase(sends=sends)
        one.hear(event(one, "processed", "completed", 7, amount_fiat="4700.00"), 13.0)
        one.see(answer(one, "processed", "completed", 7, amount="4700.00"), 13.1)
        assert find_problem(one) == problem


def test_what_waits_for_a_person_is_counted_apart() -> None:
    one = purchase()
    one.hear(event(one, "manual_review", None, 2, type="order.requires_attention"), 11.0)
    one.see(answer(one, "manual_review", None, 2), 11.0)
    counted = report.count([one, settled()])
    assert (counted.asked, counted.accounted, counted.waiting) == (2, 2, 1)


def test_a_callback_that_comes_twice_counts_once() -> None:
    one = settled()
    assert not one.hear(event(one, "processed", "completed", 7), 14.0)
    assert report.count([one]).payins.moved_crypto == Decimal("49.810810")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": "4750.01"}, "has amount '4750.01', which nobody asked for or sent"),
        ({"amount_agreed": "4750.01"}, "has amount_agreed '4750.01' instead of '4750.00'"),
        ({"direction": "pay_out"}, "has direction 'pay_out' instead of 'pay_in'"),
        ({"currency": "USD"}, "has currency 'USD' instead of 'RUB'"),
        ({"metadata": {}}, "has metadata {} instead of {'number': '1'}"),
        ({"paid": False}, "is completed and says paid: False"),
    ],
)
def test_a_platform_that_lies_is_found_out(change: dict[str, Any], problem: str) -> None:
    one = settled()
    one.see(answer(one, "processed", "completed", 7) | change, 14.0)
    assert find_problem(one) == problem


def test_an_order_nobody_answered_is_not_accounted_for() -> None:
    counted = report.count([purchase()])
    assert (counted.accounted, counted.problems) == (0, ["run-1 was never answered"])


def test_an_order_under_way_is_not_accounted_for() -> None:
    one = purchase()
    one.see(answer(one, "assigned", "pending", 3), 10.5)
    assert find_problem(one) == "is still pending"


def test_a_missing_callback_is_found_out() -> None:
    one = purchase()
    one.hear(event(one, "assigned", "pending", 3), 10.6)
    one.see(answer(one, "processed", "completed", 7), 13.1)
    assert find_problem(one) == "is completed, but its shop was told order.pending"


def test_two_settlements_are_found_out() -> None:
    one = settled()
    one.hear(event(one, "processed", "completed", 8), 14.0)
    assert find_problem(one) == "was settled more than once"


def test_an_older_answer_changes_nothing() -> None:
    one = settled()
    one.see(answer(one, "assigned", "pending", 3), 15.0)
    assert one.state == "completed"


@pytest.mark.parametrize(
    ("values", "spread"),
    [([], Spread(None, None)), ([1.0], Spread(1.0, 1.0)), ([float(n) for n in range(1, 101)], Spread(50.0, 95.0))],
)
def test_spread_is_by_nearest_rank(values: list[float], spread: Spread) -> None:
    assert Spread.of(values) == spread
