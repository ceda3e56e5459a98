from decimal import Decimal
from typing import Any

import pytest

from jivapay.simulation import report
from jivapay.simulation.plans import Behaviour, OrderPlan
from jivapay.simulation.purchases import Purchase
from jivapay.simulation.report import Spread, find_problem


def purchase(number: int = 1, amount: str = "4750.00") -> Purchase:
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
    )
    return Purchase(plan, f"run-{number}", f"run-u{number}", asked_at=10.0, wanted_at=10.0)


def answer(of: Purchase, status: str, order: str | None, version: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "order_id": "0199",
        "external_order_id": of.external_id,
        "status": status,
        "order_history_status": order,
        "amount": f"{of.plan.amount:.2f}",
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
    assert counted.outcomes == {"completed": 1}
    assert (counted.paid_fiat, counted.settled_crypto) == (Decimal("4750.00"), Decimal("49.810810"))
    assert counted.commission_crypto == Decimal("1.540541")
    assert counted.to_requisite == Spread(0.5, 0.5)
    assert counted.to_settled == Spread(3.0, 3.0)


def test_what_waits_for_a_person_is_counted_apart() -> None:
    one = purchase()
    one.hear(event(one, "manual_review", None, 2, type="order.requires_attention"), 11.0)
    one.see(answer(one, "manual_review", None, 2), 11.0)
    counted = report.count([one, settled()])
    assert (counted.asked, counted.accounted, counted.waiting) == (2, 2, 1)


def test_a_callback_that_comes_twice_counts_once() -> None:
    one = settled()
    assert not one.hear(event(one, "processed", "completed", 7), 14.0)
    assert report.count([one]).settled_crypto == Decimal("49.810810")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": "4750.01"}, "has amount '4750.01' instead of '4750.00'"),
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
