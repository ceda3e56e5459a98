"""What a store is told: which steps have an event, and every field of the body."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from jivapay.domain.callback_events import INCOMING_EVENTS, ORDER_EVENTS, OrderFacts, event_body, event_type
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus

ORDER_ID = UUID("0199aa7e-5d0c-7c31-b3a5-0d3f1c2b4a5d")
WAITING = OrderFacts(
    order_id=ORDER_ID,
    external_order_id="A-1001",
    direction=Direction.PAY_IN,
    status=IncomingOrderStatus.NEW,
    amount_fiat=Decimal("4750.00"),
    currency_fiat="RUB",
    amount_crypto=Decimal("51.351351"),
    currency_crypto="USDT",
    crypto_scale=6,
    rate=Decimal("92.50"),
    metadata={"cart": "9"},
    version=1,
    test=False,
)
COMPLETED = replace(
    WAITING,
    status=IncomingOrderStatus.PROCESSED,
    version=6,
    order_status=OrderStatus.COMPLETED,
    amount_agreed=Decimal("4750.00"),
    commission=Decimal("1.540541"),
)


def test_every_status_of_an_order_but_declined_has_an_event_of_its_name() -> None:
    assert set(OrderStatus) - set(ORDER_EVENTS) == {OrderStatus.DECLINED}
    usual = {status: f"order.{status.value}" for status in ORDER_EVENTS}
    assert {**usual, OrderStatus.PENDING: "order.assigned"} == ORDER_EVENTS


@pytest.mark.parametrize("status", IncomingOrderStatus)
def test_an_incoming_order_speaks_only_while_it_has_no_order(status: IncomingOrderStatus) -> None:
    facts = replace(WAITING, status=status)
    assert event_type(facts) == INCOMING_EVENTS.get(status)
    assert event_type(replace(facts, order_status=OrderStatus.EXPIRED)) == "order.expired"


def test_the_body_of_a_completed_pay_in() -> None:
    assert event_body(COMPLETED, "order.completed") == {
        "type": "order.completed",
        "order_id": str(ORDER_ID),
        "external_order_id": "A-1001",
        "direction": "pay_in",
        "status": "processed",
        "order_history_status": "completed",
        "amount_fiat": "4750.00",
        "currency_fiat": "RUB",
        "amount_crypto": "51.351351",
        "currency_crypto": "USDT",
        "rate": "92.50",
        "commission": "1.540541",
        "balance_change": "49.810810",
        "metadata": {"cart": "9"},
        "paid": True,
        "final": False,
        "amount_agreed": "4750.00",
        "amount_exceptions": [],
        "status_version": 6,
        "test": False,
    }


def test_the_body_before_amount_and_rate_are_known() -> None:
    body = event_body(replace(WAITING, amount_fiat=None, amount_crypto=None, rate=None), "order.expired")
    unknown = ("amount_fiat", "amount_crypto", "rate", "commission", "amount_agreed", "order_history_status")
    assert [body[name] for name in unknown] == [None] * 6
    assert (body["paid"], body["balance_change"]) == (False, "0.000000")


@pytest.mark.parametrize("status", [status for status in OrderStatus if status is not OrderStatus.COMPLETED])
def test_only_a_settlement_in_force_is_paid_and_moves_the_balance(status: OrderStatus) -> None:
    facts = replace(COMPLETED, order_status=status)
    assert (facts.is_paid, facts.balance_change) == (False, Decimal(0))


def test_a_pay_out_takes_amount_and_commission_from_the_store() -> None:
    facts = replace(COMPLETED, direction=Direction.PAY_OUT, commission=Decimal("1.027027"))
    assert facts.balance_change == Decimal("-52.378378")


def test_what_was_agreed_and_what_came_are_told_apart() -> None:
    facts = replace(COMPLETED, amount_fiat=Decimal("4000.00"), amount_exceptions=("late", "under"))
    body = event_body(facts, "order.completed")
    assert (body["amount_fiat"], body["amount_agreed"]) == ("4000.00", "4750.00")
    assert body["amount_exceptions"] == ["late", "under"]
