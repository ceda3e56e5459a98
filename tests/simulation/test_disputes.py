"""The simulated support decides by what the bank says, and has a second person where the platform wants one."""

from decimal import Decimal
from typing import Any

import pytest

from jivapay.simulation.bank import Bank
from jivapay.simulation.cast import Person
from jivapay.simulation.disputes import COMPLAINT, DISPUTED_SHARE, NOT_ARRIVED, Judge, Merchant
from jivapay.simulation.http import Refused
from jivapay.simulation.panel import Panel
from jivapay.simulation.support import Support

Json = dict[str, Any]


class Door:
    """A person's door: lists what is given by path and status, keeps what is sent, refuses what it is told to."""

    def __init__(
        self,
        things: dict[str, list[Json]] | None = None,
        refused: tuple[str, ...] = (),
        code: str = "dispute.state_conflict",
    ) -> None:
        self.person = Person("support", "one@demo.example", "secret")
        self.things = things or {}
        self.refused = refused
        self.code = code
        self.sent: list[tuple[str, Json | None]] = []

    async def sign_in(self) -> None:
        self.sent.append(("sign in", None))

    async def get(self, path: str, **params: Any) -> Json:  # noqa: ANN401 - as the real one
        status = params.get("status")
        items = self.things.get(path if status is None else f"{path}?{status}", [])
        return {"items": items, "total": len(items)}

    async def post(self, path: str, body: Json | None = None) -> Json:
        self.sent.append((path, body))
        if path in self.refused:
            raise Refused(403 if self.code == "approval.same_user" else 409, self.code, path)
        needs_second = body is not None and body.get("outcome") == "cancelled"
        return {"id": "approval-1", "status": "requested" if needs_second else "resolved_completed"}

    @property
    def decisions(self) -> list[tuple[str, str]]:
        """What was decided, without the reasons."""
        return [(path, str(body.get("outcome", body.get("approve")))) for path, body in self.sent if body is not None]


def panel(support: Door, second: Door | None = None) -> Panel:
    return Panel(support, second or Door())  # type: ignore[arg-type]  # doors of paper


def dispute(number: int, run: str = "r", direction: str = "pay_in") -> Json:
    return {
        "id": f"d{number}",
        "order_id": f"o{number}",
        "external_order_id": f"{run}-{number}",
        "direction": direction,
        "amount": "100.00",
    }


def ours(thing: Json) -> bool:
    return bool(thing["external_order_id"].startswith("r-"))


async def test_who_has_paid_is_paid_and_who_has_not_is_not() -> None:
    support, second = Door({"/disputes?waiting_merchant": [dispute(1), dispute(2), dispute(3, "other")]}), Door()
    judge = Judge(panel(support, second), bank=Bank(received={"o1": Decimal(100)}), serves=ours)
    assert await judge.look() == 2
    assert support.sent[0] == ("sign in", None)
    assert support.decisions == [("/disputes/d1/resolve", "completed"), ("/disputes/d2/resolve", "cancelled")]
    assert second.sent == [("sign in", None), ("/approvals/approval-1/approve", None)]
    assert judge.outcomes == {"completed": 1, "cancelled": 1}


async def test_who_has_a_part_in_a_case_leaves_it_to_the_next_second_person() -> None:
    approve = "/approvals/approval-1/approve"
    involved, other = Door(refused=(approve,), code="approval.same_user"), Door()
    for seconds, decided in (((involved, other), True), ((involved,), False)):
        asked = Panel(Door(), *seconds)  # type: ignore[arg-type]  # doors of paper
        assert await asked.decide("/disputes/d1/resolve", {"outcome": "cancelled"}) is decided
    assert other.sent == [("sign in", None), (approve, None)]


async def test_less_than_settled_is_adjusted_and_a_payout_is_judged_by_its_recipient() -> None:
    listed = [dispute(1), dispute(2, direction="pay_out"), dispute(3, direction="pay_out")]
    support = Door({"/disputes?under_review": listed})
    bank = Bank(received={"o1": Decimal("90.50")}, paid_out={"o2"})
    await Judge(panel(support), bank=bank, serves=ours).look()
    adjusted = next(body for _, body in support.sent if body and body["outcome"] == "adjusted")
    assert adjusted["amount"] == "90.50"
    assert [outcome for _, outcome in support.decisions] == ["adjusted", "completed", "cancelled"]


async def test_what_somebody_else_has_decided_is_left_alone() -> None:
    support = Door({"/disputes?under_review": [dispute(1)]}, refused=("/disputes/d1/resolve",))
    judge = Judge(panel(support), bank=Bank(), serves=ours)
    assert await judge.look() == 1
    assert not judge.outcomes
    support.things = {}
    assert await judge.look() == 0


async def test_a_merchant_disputes_a_share_of_what_was_settled_once() -> None:
    settled = [{"order_id": f"o{n}", "external_order_id": f"r-{n}", "direction": "pay_in"} for n in range(400)]
    door = Door({"/orders?completed": settled})
    merchant = Merchant(door, seed="s", bank=Bank(), serves=ours)  # type: ignore[arg-type]
    await merchant.look()
    disputed = len(door.sent)
    assert 0.3 * DISPUTED_SHARE < disputed / len(settled) < 3 * DISPUTED_SHARE
    assert {body and body["reason"] for _, body in door.sent} == {COMPLAINT}
    await merchant.look()
    assert len(door.sent) == disputed


async def test_a_merchant_disputes_every_payout_that_did_not_arrive() -> None:
    paid = [{"order_id": f"o{n}", "external_order_id": f"r-{n}", "direction": "pay_out"} for n in range(5)]
    door = Door({"/orders?completed": paid})
    bank = Bank(paid_out={"o0", "o1", "o3", "o4"})
    await Merchant(door, seed="s", bank=bank, serves=ours).look()  # type: ignore[arg-type]
    assert door.sent == [("/orders/o2/dispute", {"reason": NOT_ARRIVED})]


def case(number: int, kind: str = "requires_attention", direction: str = "pay_in", age: int = 60) -> Json:
    return dispute(number, direction=direction) | {"kind": kind, "age_seconds": age}


def desk(door: Door, bank: Bank) -> Support:
    judge = Judge(panel(door), bank=bank, serves=ours)
    return Support(panel(door), judge, seed="s", bank=bank, serves=ours, is_our_order=lambda order: order == "o9")


async def test_cases_are_decided_by_the_bank_and_some_are_left_to_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [case(1), case(2), case(3, direction="pay_out"), case(4, direction="pay_out"), case(5, age=1)]
    door = Door({"/orders/cases": cases})
    bank = Bank(received={"o1": Decimal("90.50")}, paid_out={"o3"})
    support = desk(door, bank)
    monkeypatch.setattr("jivapay.simulation.support.LEFT_SHARE", 0.0)
    assert await support.look() == 5
    assert door.decisions == [
        ("/orders/o1/decision", "completed"),
        ("/orders/o2/decision", "cancelled"),
        ("/orders/o3/decision", "completed"),
        ("/orders/o4/decision", "failed"),
    ]
    assert support.decided == {"completed": 2, "cancelled": 1, "failed": 1}
    many = Door({"/orders/cases": [case(number, "manual_review") for number in range(200)]})
    monkeypatch.undo()
    left = 200 - await desk(many, bank).look()
    assert 20 < left < 60
    assert {decision for _, decision in many.decisions} == {"True", "False"}


async def test_stray_money_goes_to_its_order_or_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jivapay.simulation.support.LEFT_SHARE", 0.0)
    payments = [
        {"id": name, "from_order_id": source, "amount": "10.00"}
        for name, source in (("p1", None), ("p2", None), ("p3", "o9"), ("p4", "o8"))
    ]
    door = Door({"/unmatched-payments?open": payments, "/unmatched-payments/p1/candidates": [{"order_id": "o1"}]})
    bank = Bank(strays={"o1": Decimal(10), "o2": Decimal(10)}, declared={"p1": "o1", "p2": "o2", "p5": "o5"})
    support = desk(door, bank)
    assert await support.look() == 3
    deeds = [path for path, _ in door.sent if path.startswith("/unmatched")]
    assert deeds == [f"/unmatched-payments/{deed}" for deed in ("p1/attach", "p2/return", "p3/return")]
    assert support.decided == {"attached": 1, "returned": 2}
    assert bank.strays == {"o1": Decimal(10)}
    inbox = await support.count_inbox()
    assert (inbox.counts, inbox.sums, inbox.missing) == ({"open": 3}, {"open": Decimal(30)}, 1)
