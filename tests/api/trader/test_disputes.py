"""Disputes over HTTP: opened by a side, answered by turns, proved, decided by staff; nobody sees another one's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from factories import disputes
from factories.office import Office, Person, code_of, open_office
from factories.world import World
from jivapay.schemas_enums.enums import Role
from jivapay.services import freeze_service
from support.receipt_files import picture

NOBODY = "0199aaaa-0000-7000-8000-000000000000"
NET = Decimal("49.810810")
pytestmark = pytest.mark.usefixtures("own_invariants_hold")


@dataclass
class Court:
    """The world's trader and merchant, signed in, a stranger of each kind, and two of the support."""

    world: World
    office: Office
    trader: Person
    merchant: Person
    support: Person
    second: Person

    async def completed(self) -> tuple[int, UUID]:
        incoming_id = await self.world.complete()
        return incoming_id, (await self.world.deal(incoming_id)).incoming.public_id

    async def opened(self, by: Person, order_id: UUID, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - what is said
        answer = await by.post(f"/orders/{order_id}/dispute", json={"reason": "not what I got", **body})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def back(self, user_id: int, person: Person) -> Person:
        """Signed in anew: time has gone by."""
        return await self.office.enter(user_id, person.id, person.role)


@pytest.fixture
async def court(world: World) -> AsyncIterator[Court]:
    async with world.database.read() as session:
        merchant_id, public_id = (
            await session.execute(
                text(
                    "select u.id, u.public_id from users u join merchants m on m.user_id = u.id"
                    " join merchant_stores s on s.merchant_id = m.id where s.id = :store"
                ),
                {"store": world.store.id},
            )
        ).one()
    async with open_office(world.resources) as office:
        trader = await office.enter(world.trader.user_id, world.trader.user_public_id, Role.TRADER)
        merchant = await office.enter(merchant_id, public_id, Role.MERCHANT)
        rights = ("disputes:*:any", "orders:read:any", "approvals:*:any")
        support, second = [await (await office.hire(Role.SUPPORT, *rights)).sign_in() for _ in range(2)]
        yield Court(world, office, trader, merchant, support, second)


async def test_by_turns_to_a_decision(court: Court) -> None:
    incoming, order_id = await court.completed()
    made = await court.opened(court.merchant, order_id, amount="4000.00")
    assert (made["status"], made["opened_by"], made["order_status"]) == ("waiting_trader", "merchant", "completed")
    assert (made["claimed_amount"], made["amount"], made["currency"]) == ("4000.00", "4750.00", "RUB")
    path = f"/disputes/{made['id']}"
    for person in (court.trader, court.merchant, court.support):
        page = (await person.get("/disputes")).json()
        assert [item["id"] for item in page["items"]] == [made["id"]]
        assert (await person.get("/disputes", params={"status": "under_review"})).json()["total"] == 0
    answered = await court.trader.post(f"{path}/messages", json={"text": "I saw 4 000."})
    assert (answered.status_code, answered.json()["status"]) == (201, "waiting_merchant")
    aside = await court.trader.post(f"{path}/messages", json={"text": "Only that."})
    assert aside.json()["status"] == "waiting_merchant"
    asked = await court.support.post(f"{path}/messages", json={"text": "A statement, please.", "to": "trader"})
    assert asked.json()["status"] == "waiting_trader"
    escalated = await court.trader.post(f"{path}/messages", json={"text": "Decide.", "escalate": True})
    assert escalated.json()["status"] == "under_review"
    taken = await court.support.post(f"{path}/take")
    assert taken.json()["assigned_to"] == str(court.support.id)
    assert (await court.support.get("/disputes", params={"mine": "true"})).json()["total"] == 1
    assert (await court.second.get("/disputes", params={"mine": "true"})).json()["total"] == 0
    assert (taken.json()["hold_target"], taken.json()["held"]) == ("49.810810", "49.810810")
    body = {"outcome": "adjusted", "amount": "4000.00", "reason": "both say so"}
    decided = await court.support.post(f"{path}/resolve", json=body)
    assert (decided.status_code, decided.json()["status"]) == (200, "resolved_adjusted")
    seen = (await court.merchant.get(path)).json()
    assert (seen["decision"], seen["decided_amount"], seen["decision_reason"]) == ("adjusted", "4000.00", "both say so")
    assert [one["side"] for one in seen["messages"]] == ["trader", "trader", "staff", "trader"]
    assert "assigned_to" not in seen
    assert (await court.world.order(incoming)).amount_fiat == Decimal(4000)
    late = await court.trader.post(f"{path}/messages", json={"text": "And now?"})
    assert code_of(late) == (409, "dispute.state_conflict")
    again = await court.support.post(f"{path}/resolve", json=body)
    assert code_of(again) == (409, "dispute.state_conflict")


async def test_opened_once_however_often_it_is_asked(court: Court) -> None:
    _, order_id = await court.completed()
    headers = {"Idempotency-Key": "one"}
    first = await court.trader.post(f"/orders/{order_id}/dispute", json={"reason": "no money"}, headers=headers)
    again = await court.trader.post(f"/orders/{order_id}/dispute", json={"reason": "no money"}, headers=headers)
    assert (first.status_code, again.status_code, first.json()["id"]) == (201, 201, again.json()["id"])
    assert again.headers["idempotent-replayed"] == "true"
    second = await court.merchant.post(f"/orders/{order_id}/dispute", json={"reason": "me too"})
    assert code_of(second) == (409, "dispute.exists")
    assert await court.world.scalar("select count(*) from disputes") == 1


async def test_an_open_order_waits_with_its_hold(court: Court) -> None:
    incoming = await court.world.assign()
    await court.world.confirm_by_customer(incoming)
    order_id = (await court.world.deal(incoming)).incoming.public_id
    held = (await court.world.trader_balance()).held
    made = await court.opened(court.trader, order_id)
    assert (made["status"], made["order_status"]) == ("waiting_merchant", "dispute")
    assert (await court.world.trader_balance()).held == held
    assert code_of(await court.trader.post(f"/orders/{order_id}/confirm")) == (409, "order.state_conflict")
    done = await court.support.post(f"/disputes/{made['id']}/resolve", json={"outcome": "failed", "reason": "a fake"})
    assert done.json()["status"] == "resolved_cancelled"
    assert await court.world.statuses(incoming) == ("failed", "failed", "failed")
    assert (await court.world.trader_balance()).held == Decimal(0)


async def test_refused_when_it_is_not_theirs(court: Court) -> None:
    _, order_id = await court.completed()
    waiting = (await court.world.deal(await court.world.accept(Decimal(10)))).incoming.public_id
    unassigned = await court.merchant.post(f"/orders/{waiting}/dispute", json={"reason": "x"})
    assert code_of(unassigned) == (409, "order.state_conflict")
    for stranger in (await court.office.trader(), await court.office.merchant()):
        answer = await stranger.post(f"/orders/{order_id}/dispute", json={"reason": "x"})
        assert code_of(answer) == (404, "not_found")
    assert code_of(await court.support.post(f"/orders/{NOBODY}/dispute", json={"reason": "x"})) == (404, "not_found")
    bad = await court.merchant.post(f"/orders/{order_id}/dispute", json={"reason": "x", "amount": "1.001"})
    assert code_of(bad) == (422, "money.too_many_decimals")
    assert await court.world.scalar("select count(*) from disputes") == 0


async def test_refused_when_it_is_too_late(court: Court) -> None:
    """A trader has nothing to dispute about an order that lapsed; nobody has after the window."""
    lapsed = await court.world.assign(Decimal(100))
    _, order_id = await court.completed()
    await court.world.advance(court.world.rules.client_pay_seconds + 1)
    await court.world.expire_due()
    lapsed_id = (await court.world.deal(lapsed)).incoming.public_id
    trader = await court.back(court.world.trader.user_id, court.trader)
    by_trader = await trader.post(f"/orders/{lapsed_id}/dispute", json={"reason": "x"})
    assert code_of(by_trader) == (409, "order.state_conflict")
    await court.world.advance(court.world.rules.dispute_window_seconds)
    trader = await court.back(court.world.trader.user_id, court.trader)
    over = await trader.post(f"/orders/{order_id}/dispute", json={"reason": "x"})
    assert code_of(over) == (409, "dispute.window_over")
    assert await court.world.scalar("select count(*) from disputes") == 0


async def test_strangers_find_nothing(court: Court) -> None:
    _, order_id = await court.completed()
    path = f"/disputes/{(await court.opened(court.trader, order_id))['id']}"
    for stranger in (await court.office.trader(), await court.office.merchant()):
        assert (await stranger.get("/disputes")).json()["total"] == 0
        assert code_of(await stranger.get(path)) == (404, "not_found")
        assert code_of(await stranger.post(f"{path}/messages", json={"text": "x"})) == (404, "not_found")
        file = {"file": ("r.png", picture("PNG"), "image/png")}
        assert code_of(await stranger.post(f"{path}/evidence", files=file)) == (404, "not_found")
    reader = await (await court.office.hire(Role.SUPPORT, "disputes:read:any")).sign_in()
    assert (await reader.get(path)).status_code == 200
    body = {"outcome": "completed", "reason": "x"}
    assert code_of(await reader.post(f"{path}/resolve", json=body)) == (403, "permission.denied")


async def test_evidence_is_one_s_own_and_staff_s(court: Court) -> None:
    _, order_id = await court.completed()
    path = f"/disputes/{(await court.opened(court.trader, order_id))['id']}"
    file = {"file": ("r.png", picture("PNG"), "image/png")}
    shown = await court.trader.post(f"{path}/evidence", files=file)
    assert shown.status_code == 201, shown.text
    (evidence,) = shown.json()["evidence"]
    assert (evidence["side"], evidence["downloadable"]) == ("trader", True)
    (hidden,) = (await court.merchant.get(path)).json()["evidence"]
    assert hidden["downloadable"] is False
    for person in (court.trader, court.support):
        got = await person.get(f"{path}/evidence/{evidence['id']}")
        assert (got.status_code, got.headers["content-type"]) == (200, "image/png")
        assert got.headers["content-disposition"].startswith("attachment; filename=")
    assert code_of(await court.merchant.get(f"{path}/evidence/{evidence['id']}")) == (404, "not_found")
    bad = {"file": ("r.png", b"<html>", "image/png")}
    assert code_of(await court.merchant.post(f"{path}/evidence", files=bad)) == (422, "file.type_not_allowed")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"outcome": "adjusted"}, (422, "validation.inconsistent")),
        ({"outcome": "completed", "amount": "1.00"}, (422, "validation.inconsistent")),
        ({"outcome": "adjusted", "amount": "4750.00"}, (422, "dispute.amount_unchanged")),
        ({"outcome": "adjusted", "amount": "0.001"}, (422, "money.too_many_decimals")),
        ({"outcome": "adjusted", "amount": "100000000.00"}, (422, "balance.insufficient")),
        ({"outcome": "failed"}, (409, "dispute.outcome_unavailable")),
        ({"outcome": "won"}, (422, "validation.enum")),
    ],
)
async def test_a_bad_decision_changes_nothing(court: Court, body: dict[str, str], code: tuple[int, str]) -> None:
    incoming, order_id = await court.completed()
    path = f"/disputes/{(await court.opened(court.trader, order_id))['id']}"
    assert code_of(await court.support.post(f"{path}/resolve", json={"reason": "x", **body})) == code
    assert (await court.support.get(path)).json()["status"] == "waiting_merchant"
    assert (await court.world.order(incoming)).version == 2


async def test_a_second_person_carries_it_out(court: Court) -> None:
    incoming, order_id = await court.completed()
    await court.office.set(FOUR_EYES_AMOUNT=10)
    made = await court.opened(court.trader, order_id)
    body = {"outcome": "cancelled", "reason": "not his"}
    waiting = await court.support.post(f"/disputes/{made['id']}/resolve", json=body)
    assert (waiting.status_code, waiting.json()["status"]) == (202, "requested")
    assert (await court.world.order(incoming)).status == "completed"
    approve = f"/approvals/{waiting.json()['id']}/approve"
    assert code_of(await court.support.post(approve)) == (403, "approval.same_user")
    done = await court.second.post(approve)
    assert (done.status_code, done.json()["status"]) == (200, "executed")
    assert (await court.world.order(incoming)).status == "reversed"
    assert (await court.world.store_balance()).total == Decimal(0)


async def test_money_that_is_not_there_is_waited_for_or_lent(court: Court) -> None:
    incoming, order_id = await court.completed()
    await disputes.tie_up(court.world, "30")
    made = await court.opened(court.trader, order_id)
    path = f"/disputes/{made['id']}"
    early = await court.support.post(f"{path}/lend", json={"reason": "x"})
    assert code_of(early) == (409, "dispute.state_conflict")
    body = {"outcome": "cancelled", "reason": "not his"}
    waiting = await court.support.post(f"{path}/resolve", json=body)
    assert (waiting.status_code, waiting.json()["status"]) == (200, "waiting_funds")
    lent = await court.support.post(f"{path}/lend", json={"reason": "he cannot wait"})
    assert lent.status_code == 202
    await court.second.post(f"/approvals/{lent.json()['id']}/approve")
    assert (await court.support.get(path)).json()["status"] == "resolved_cancelled"
    assert (await court.world.order(incoming)).status == "reversed"


async def test_decided_once_however_often_it_is_asked(court: Court) -> None:
    """Sent again, a decision shows its case as it is now; under another body it is refused."""
    incoming, order_id = await court.completed()
    made = await court.opened(court.merchant, order_id)
    path, key = f"/disputes/{made['id']}/resolve", {"Idempotency-Key": "decide-1"}
    body = {"outcome": "adjusted", "amount": "4000.00", "reason": "both say so"}
    first, again = [await court.support.post(path, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()["status"]) == (200, "resolved_adjusted")
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    other = await court.support.post(path, json={**body, "amount": "4100.00"}, headers=key)
    assert code_of(other) == (422, "idempotency.mismatch")
    assert (await court.world.order(incoming)).version == 3
    another_s = await court.second.post(path, json=body, headers=key)
    assert code_of(another_s) == (409, "dispute.state_conflict")


async def test_what_waits_for_a_second_person_is_asked_for_once(court: Court) -> None:
    _, order_id = await court.completed()
    await disputes.tie_up(court.world, "30")
    made = await court.opened(court.trader, order_id)
    body = {"outcome": "cancelled", "reason": "not his"}
    await court.support.post(f"/disputes/{made['id']}/resolve", json=body)
    path, key = f"/disputes/{made['id']}/lend", {"Idempotency-Key": "lend-1"}
    first, again = [await court.support.post(path, json={"reason": "now"}, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    await court.second.post(f"/approvals/{first.json()['id']}/approve")
    later = await court.support.post(path, json={"reason": "now"}, headers=key)
    assert (later.status_code, later.json()["status"]) == (202, "executed")
    assert await court.world.scalar("select count(*) from covers") == 1


async def test_a_freeze_refuses_decisions_and_nothing_else(court: Court) -> None:
    _, order_id = await court.completed()
    async with court.world.database.write() as session:
        await freeze_service.freeze(session, court.world.staff, reason="looked odd")
    path = f"/disputes/{(await court.opened(court.trader, order_id))['id']}"
    assert (await court.merchant.post(f"{path}/messages", json={"text": "x"})).status_code == 201
    body = {"outcome": "cancelled", "reason": "x"}
    assert code_of(await court.support.post(f"{path}/resolve", json=body)) == (503, "platform.frozen")


async def test_the_timeline_tells_everything(court: Court) -> None:
    _, order_id = await court.completed()
    path = f"/disputes/{(await court.opened(court.trader, order_id))['id']}"
    await court.merchant.post(f"{path}/messages", json={"text": "We have shipped."})
    await court.trader.post(f"{path}/evidence", files={"file": ("r.png", picture("PNG"), "image/png")})
    await court.support.post(f"{path}/resolve", json={"outcome": "cancelled", "reason": "a fake"})
    items = (await court.support.get(f"/orders/{order_id}/timeline")).json()["items"]
    told = [(one["kind"], one["entity"], one["name"]) for one in items]
    for expected in (
        ("step", "order", "completed"),
        ("step", "dispute", "open"),
        ("step", "dispute", "waiting_merchant"),
        ("message", "dispute", "merchant"),
        ("document", "document", "dispute_evidence"),
        ("step", "dispute", "resolved_cancelled"),
        ("step", "order", "reversed"),
    ):
        assert expected in told, expected
    assert [one["at"] for one in items] == sorted(one["at"] for one in items)
    last = next(one for one in items if one["name"] == "reversed")
    assert (last["actor"], last["details"]["reason"]) == (str(court.support.id), "a fake")
    assert code_of(await court.support.get(f"/orders/{NOBODY}/timeline")) == (404, "not_found")
    assert (await court.trader.get(f"/orders/{order_id}/timeline")).status_code == 404
