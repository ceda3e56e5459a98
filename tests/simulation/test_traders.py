"""How simulated traders treat pay-outs, other amounts and money that no order explains."""

from decimal import Decimal
from typing import Any

import pytest

from jivapay.simulation import traders
from jivapay.simulation.bank import Bank
from jivapay.simulation.cast import Person
from jivapay.simulation.http import Refused
from jivapay.simulation.plans import PayerMood, PayerPlan, TraderPlan
from jivapay.simulation.traders import Trader

Json = dict[str, Any]
LATER = 60.0


class Door:
    """The trader's door: his list, one order that he can look up, and what he sends."""

    def __init__(self, *orders: Json, knows: str | None = None, refuses: str | None = None) -> None:
        self.person = Person("trader", "trader1@demo.example", "secret")
        self.orders = orders
        self.knows = knows
        self.refuses = refuses
        self.sent: list[tuple[str, Json]] = []

    async def get(self, path: str, **_params: Any) -> Json:  # noqa: ANN401 - as the real one
        if path == "/orders":
            return {"items": list(self.orders)}
        if path != f"/orders/{self.knows}":
            raise Refused(404, "not_found", path)
        return {"requisite_id": "r1"}

    async def post(self, path: str, body: Json | None = None, **given: Any) -> Json:  # noqa: ANN401 - as the real one
        self.sent.append((path, {**(body or {}), **given}))
        if path == self.refuses:
            raise Refused(422, "balance.insufficient", path)
        return {"id": "p1"}


def order(number: int, status: str, direction: str = "pay_out") -> Json:
    return {
        "order_id": f"o{number}",
        "status": status,
        "direction": direction,
        "amount": "4750.00",
        "amount_agreed": "4750.00",
        "customer_id": "r-u1" if direction == "pay_in" else None,
        "recipient": {"number": "•••• 0001"},
    }


async def look(door: Door, bank: Bank, monkeypatch: pytest.MonkeyPatch, mood: PayerMood = PayerMood.PAYS) -> Trader:
    """Twice: a trader does nothing at first sight."""
    monkeypatch.setattr(traders, "plan_payer", lambda *_: PayerPlan(mood, 1.0))
    calm = TraderPlan(1.0, is_silent=False, cancels=False, disputes=False)
    monkeypatch.setattr(traders, "plan_trader", lambda *_: calm)
    trader = Trader(door, None, seed="s", bank=bank, serves=lambda _: True)  # type: ignore[arg-type]  # doors of paper
    await trader.look(0.0)
    await trader.look(LATER)
    return trader


@pytest.mark.parametrize(
    ("mood", "deeds", "arrives"),
    [
        (PayerMood.PAYS, ["/orders/o1/accept", "/orders/o2/confirm"], True),
        (PayerMood.FORGES, ["/orders/o1/accept", "/orders/o2/confirm"], False),
        (PayerMood.SILENT, ["/orders/o1/accept"], False),
        (PayerMood.DECLINES, ["/orders/o1/decline", "/orders/o2/confirm"], True),
        (PayerMood.IGNORES, [], False),
    ],
)
async def test_payouts_by_mood(
    monkeypatch: pytest.MonkeyPatch, mood: PayerMood, deeds: list[str], arrives: bool
) -> None:
    door, bank = Door(order(1, "pending"), order(2, "in_progress")), Bank()
    await look(door, bank, monkeypatch, mood)
    assert [path for path, _ in door.sent] == deeds
    assert bank.paid_out == ({"o2"} if arrives else set())
    assert all(given["receipt"] for path, given in door.sent if path.endswith("confirm"))


@pytest.mark.parametrize(("sent", "form"), [("4750.00", None), ("4700.00", {"amount": "4700.00"})])
async def test_a_trader_says_what_came(monkeypatch: pytest.MonkeyPatch, sent: str, form: dict[str, str] | None) -> None:
    door = Door(order(1, "pending_trader_confirmation", "pay_in"))
    await look(door, Bank(received={"o1": Decimal(sent)}), monkeypatch)
    assert door.sent == [("/orders/o1/confirm", {"form": form})]


@pytest.mark.parametrize(("knows", "declared"), [("o7", {"p1": "o7"}), ("o8", {})])
async def test_stray_money_is_declared_by_whom_it_came_to_once(
    monkeypatch: pytest.MonkeyPatch, knows: str, declared: dict[str, str]
) -> None:
    door, bank = Door(knows=knows), Bank(strays={"o7": Decimal("12.50")})
    trader = await look(door, bank, monkeypatch)
    await trader.look(LATER)
    assert bank.declared == declared
    assert [path for path, _ in door.sent] == ["/unmatched-payments"] * len(declared)
    assert all((given["amount"], given["key"]) == ("12.50", "stray-o7") for _, given in door.sent)


async def test_an_order_that_is_refused_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(order(1, "in_progress"), order(2, "in_progress"), refuses="/orders/o1/confirm")
    with pytest.raises(Refused):
        await look(door, Bank(), monkeypatch)
    assert [path for path, _ in door.sent] == ["/orders/o1/confirm", "/orders/o2/confirm"]
