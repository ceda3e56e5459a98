"""Payout requests above their amount wait for a second person; until then nobody pays (hard case 14)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.payouts.caller import Caller
from factories.office import Office, Person, code_of, open_office
from factories.world import World
from jivapay.schemas_enums.enums import Role
from jivapay.services.payout_service.dispatch import SANDBOX_REST_SECONDS

LIMIT = 500_000


@pytest.fixture(scope="module")
async def office(world: World) -> AsyncIterator[Office]:
    async with open_office(world.resources) as opened:
        yield opened


@pytest.fixture(scope="module")
async def second(office: Office) -> Person:
    return await (await office.hire(Role.SUPPORT, "approvals:*:any", "payouts:decide:any")).sign_in()


async def waiting(second: Person, payout_id: int) -> dict[str, Any]:
    page = (await second.get("/approvals", params={"status": "requested", "page_size": 200})).json()
    return next(dict(item) for item in page["items"] if item["about"].get("payout_id") == payout_id)


async def test_at_the_amount_nobody_is_asked(caller: Caller, world: World) -> None:
    made = await caller.create(amount=LIMIT)
    await world.advance(SANDBOX_REST_SECONDS)
    assert await caller.execute(made["id"]) == "processed"


async def test_approved_it_is_paid(caller: Caller, world: World, second: Person) -> None:
    made = await caller.create(amount=f"{LIMIT}.01")
    assert made["status"] == "pending"
    await world.advance(SANDBOX_REST_SECONDS)
    assert await caller.execute(made["id"]) is None
    for status in ("processed", "processing"):
        answer = await caller.patch(made["id"], status)
        assert code_of(answer) == (409, "payout.awaits_approval")
    asked = await waiting(second, made["id"])
    assert (asked["action"], asked["amount"], asked["needs_second_person"]) == ("payout.execute", "500000.01", True)
    approved = await second.post(f"/approvals/{asked['id']}/approve")
    assert approved.status_code == 200, approved.text
    await world.advance(SANDBOX_REST_SECONDS)
    assert await caller.execute(made["id"]) == "processed"


async def test_rejected_it_is_cancelled(caller: Caller, second: Person) -> None:
    made = await caller.create(amount=LIMIT + 1)
    asked = await waiting(second, made["id"])
    answer = await second.post(f"/approvals/{asked['id']}/reject", json={"reason": "too much"})
    assert answer.status_code == 200, answer.text
    assert await caller.status(made["id"]) == "cancelled"


@pytest.mark.parametrize("way", ["cancel", "delete"])
async def test_taken_back_nobody_is_asked_any_more(caller: Caller, second: Person, way: str) -> None:
    made = await caller.create(amount=LIMIT + 1)
    asked = await waiting(second, made["id"])
    if way == "cancel":
        assert (await caller.patch(made["id"], "cancelled")).status_code == 200
    else:
        assert (await caller.call("DELETE", f"{made['id']}/")).status_code == 204
    late = await second.post(f"/approvals/{asked['id']}/approve")
    assert code_of(late) == (409, "approval.state_conflict")
    assert (await second.get(f"/approvals/{asked['id']}")).json()["status"] == "lapsed"


async def test_not_by_whoever_may_not(caller: Caller, office: Office, second: Person) -> None:
    made = await caller.create(amount=LIMIT + 1)
    asked = await waiting(second, made["id"])
    clerk = await (await office.hire(Role.SUPPORT, "approvals:*:any")).sign_in()
    assert code_of(await clerk.post(f"/approvals/{asked['id']}/approve")) == (403, "permission.denied")


async def test_another_store_ends_nothing(caller: Caller, other: Caller, second: Person) -> None:
    made = await caller.create(amount=LIMIT + 1)
    assert (await other.patch(made["id"], "cancelled")).status_code == 404
    assert (await other.call("DELETE", f"{made['id']}/")).status_code == 404
    assert (await waiting(second, made["id"]))["status"] == "requested"
