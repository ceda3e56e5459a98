"""The simulated support decides by what the bank says, and has a second person where the platform wants one."""

from typing import Any

from jivapay.simulation.cast import Person
from jivapay.simulation.disputes import DISPUTED_SHARE, Judge, Merchant
from jivapay.simulation.http import Refused

Json = dict[str, Any]


class Door:
    """A person's door: lists what is given, keeps what is sent, refuses what it is told to."""

    def __init__(self, things: dict[str | None, list[Json]], refused: tuple[str, ...] = ()) -> None:
        self.person = Person("support", "one@demo.example", "secret")
        self.things = things
        self.refused = refused
        self.sent: list[tuple[str, Json | None]] = []

    async def sign_in(self) -> None:
        self.sent.append(("sign in", None))

    async def get(self, path: str, **params: Any) -> Json:  # noqa: ANN401 - as the real one
        assert path in {"/disputes", "/orders"}
        return {"items": self.things.get(params.get("status"), [])}

    async def post(self, path: str, body: Json | None = None) -> Json:
        self.sent.append((path, body))
        if path in self.refused:
            raise Refused(409, "dispute.state_conflict", "decided already")
        needs_second = body is not None and body.get("outcome") == "cancelled"
        return {"id": "approval-1", "status": "requested" if needs_second else "resolved_completed"}


def dispute(number: int, run: str = "r") -> Json:
    return {"id": f"d{number}", "order_id": f"o{number}", "external_order_id": f"{run}-{number}"}


def ours(thing: Json) -> bool:
    return bool(thing["external_order_id"].startswith("r-"))


async def test_who_has_paid_is_paid_and_who_has_not_is_not() -> None:
    support = Door({"waiting_merchant": [dispute(1), dispute(2), dispute(3, "other")]})
    second = Door({})
    judge = Judge(support, second, sent={"o1"}, serves=ours)  # type: ignore[arg-type]
    await judge.look()
    assert [(path, body and body["outcome"]) for path, body in support.sent] == [
        ("sign in", None),
        ("/disputes/d1/resolve", "completed"),
        ("/disputes/d2/resolve", "cancelled"),
    ]
    assert second.sent == [("sign in", None), ("/approvals/approval-1/approve", None)]
    assert judge.waiting == 2
    assert judge.outcomes == {"completed": 1, "cancelled": 1}


async def test_what_somebody_else_has_decided_is_left_alone() -> None:
    support = Door({"under_review": [dispute(1)]}, refused=("/disputes/d1/resolve",))
    judge = Judge(support, Door({}), sent=set(), serves=ours)  # type: ignore[arg-type]
    await judge.look()
    assert not judge.outcomes
    support.things = {}
    await judge.finish(5)
    assert judge.waiting == 0


async def test_a_merchant_disputes_a_share_of_what_was_settled_once() -> None:
    settled = [{"order_id": f"o{number}", "external_order_id": f"r-{number}"} for number in range(400)]
    door = Door({"completed": settled})
    merchant = Merchant(door, seed="s", serves=ours)  # type: ignore[arg-type]
    await merchant.look()
    disputed = len(door.sent)
    assert 0.3 * DISPUTED_SHARE < disputed / len(settled) < 3 * DISPUTED_SHARE
    await merchant.look()
    assert len(door.sent) == disputed
