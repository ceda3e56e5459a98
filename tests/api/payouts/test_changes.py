"""`/api/payouts/{id}/`: the status moves along its table, and only what nobody pays may be deleted (hard case 18)."""

import asyncio
from typing import Any

import pytest

from api.payouts.caller import JSON, MASKED, Caller
from factories.world import World
from jivapay.services.payout_service.dispatch import SANDBOX_REST_SECONDS


async def test_processed_by_hand(caller: Caller) -> None:
    made = await caller.create()
    answer = await caller.patch(made["id"], "processed")
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["status"], changed["recipient_details"]) == ("processed", {"card": MASKED})
    assert changed["processed_at"] is not None
    assert changed["updated_at"] >= made["updated_at"]
    again = await caller.patch(made["id"], "processed")
    assert (again.status_code, again.json()) == (200, changed)


@pytest.mark.parametrize(
    "path",
    [
        ["cancelled"],
        ["processing", "processed"],
        ["processing", "failed", "pending", "cancelled"],
    ],
)
async def test_along_the_table(caller: Caller, path: list[str]) -> None:
    made = await caller.create()
    for status in path:
        answer = await caller.patch(made["id"], status)
        assert (answer.status_code, answer.json()["status"]) == (200, status)


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ([], "failed"),
        (["processed"], "pending"),
        (["processed"], "cancelled"),
        (["processed"], "processing"),
        (["cancelled"], "pending"),
        (["processing"], "cancelled"),
        (["processing", "failed"], "processed"),
    ],
)
async def test_not_beside_the_table(caller: Caller, path: list[str], refused: str) -> None:
    made = await caller.create()
    for status in path:
        assert (await caller.patch(made["id"], status)).status_code == 200
    answer = await caller.patch(made["id"], refused)
    assert (answer.status_code, answer.json()["code"]) == (409, "payout.state_conflict")
    assert await caller.status(made["id"]) == (path[-1] if path else "pending")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "processed", "amount": 5}, "amount"),
        ({"amount": 5}, "status"),
        ({"comment": "x", "status": "cancelled"}, "comment"),
        ({}, "status"),
        ({"status": "paid"}, "status"),
        ({"status": None}, "status"),
    ],
)
async def test_only_the_status(caller: Caller, body: dict[str, Any], field: str) -> None:
    made = await caller.create()
    answer = await caller.call("PATCH", f"{made['id']}/", json=body)
    assert answer.status_code == 400
    assert field in answer.json()
    assert await caller.status(made["id"]) == "pending"


async def test_delete_what_nobody_pays(caller: Caller, world: World) -> None:
    for path in ([], ["cancelled"], ["processing", "failed"]):
        made = await caller.create(user_id=77)
        for status in path:
            await caller.patch(made["id"], status)
        answer = await caller.call("DELETE", f"{made['id']}/")
        assert (answer.status_code, answer.content) == (204, b"")
        for method in ("GET", "DELETE"):
            assert (await caller.call(method, f"{made['id']}/")).status_code == 404
        assert (await caller.patch(made["id"], "cancelled")).status_code == 404
        assert await world.scalar("select count(*) from audit_log where action = 'payout.deleted'") > 0
    assert (await caller.call("GET", "?user_id=77")).json()["count"] == 0
    assert await world.scalar("select count(*) from payouts where user_id = 77") == 3


@pytest.mark.parametrize("path", [["processing"], ["processed"]])
async def test_not_what_somebody_pays(caller: Caller, path: list[str]) -> None:
    made = await caller.create()
    for status in path:
        await caller.patch(made["id"], status)
    answer = await caller.call("DELETE", f"{made['id']}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "payout.not_deletable")
    assert await caller.status(made["id"]) == path[-1]


async def test_another_stores(caller: Caller, other: Caller) -> None:
    made = await caller.create()
    assert (await other.patch(made["id"], "processed")).status_code == 404
    assert (await other.call("DELETE", f"{made['id']}/")).status_code == 404
    assert await caller.status(made["id"]) == "pending"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "", "GET, POST"),
        ("PUT", "1/", "DELETE, GET, PATCH"),
        ("OPTIONS", "1/", "DELETE, GET, PATCH"),
        ("GET", "bulk/", "POST"),
        ("PATCH", "bulk/", "POST"),
        ("GET", "bulk/csv/", "POST"),
    ],
)
async def test_what_is_not_offered(caller: Caller, method: str, path: str, allowed: str) -> None:
    answer = await caller.call(method, path, json=caller.body())
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


async def test_the_sandbox_settles_by_itself(caller: Caller, world: World) -> None:
    made = await caller.create()
    assert await caller.execute(made["id"]) is None, "too early: the store may still change its mind"
    await world.advance(SANDBOX_REST_SECONDS)
    assert await caller.execute(made["id"]) == "processed"
    assert await caller.execute(made["id"]) is None
    assert await caller.status(made["id"]) == "processed"


async def test_the_sandbox_does_as_it_is_told(caller: Caller, world: World) -> None:
    refused = await caller.create(recipient_details={"sandbox": "fail"})
    slow = await caller.create(recipient_details={"sandbox": "wait"})
    await world.advance(SANDBOX_REST_SECONDS)
    assert await caller.execute(refused["id"]) == "failed"
    assert await caller.execute(slow["id"]) == "processing"
    assert (await caller.call("DELETE", f"{slow['id']}/")).status_code == 409
    await world.advance(2)
    assert await caller.execute(slow["id"]) == "processed"
    assert (await caller.patch(refused["id"], "pending")).status_code == 200
    await world.advance(SANDBOX_REST_SECONDS)
    assert await caller.execute(refused["id"]) == "failed"
    assert await world.scalar("select count(*) from payout_attempts where payout_id = :id", id=refused["id"]) == 2


async def test_scheduled(caller: Caller, world: World) -> None:
    at = world.clock.now().timestamp() + 3600
    made = await caller.create(execute_at=f"{world.clock.now().replace(microsecond=0):%Y-%m-%dT}23:59:59Z")
    assert at
    await world.advance(SANDBOX_REST_SECONDS)
    assert await caller.execute(made["id"]) is None
    await world.advance(86_400)
    assert await caller.execute(made["id"]) == "processed"


async def test_changed_and_deleted_at_once(caller: Caller, world: World) -> None:
    """Hard case 18: whoever deletes and whoever pays meet on the row, and one of them is told."""
    made = [await caller.create() for _ in range(8)]
    await world.advance(SANDBOX_REST_SECONDS)

    async def delete(payout_id: int) -> int:
        return (await caller.call("DELETE", f"{payout_id}/")).status_code

    ended = await asyncio.gather(*(job(one["id"]) for one in made for job in (delete, caller.execute)))
    for one, deleted, executed in zip(made, ended[::2], ended[1::2], strict=True):
        assert (deleted, executed) in {(204, None), (409, "processed"), (409, None)}, one
        paid = await world.scalar(
            "select count(*) from sandbox_payments s join payout_attempts a using (reference) where a.payout_id = :id",
            id=one["id"],
        )
        if deleted == 204:
            assert paid == 0


async def test_malformed_path(caller: Caller) -> None:
    assert (await caller.call("PATCH", "abc/", json={"status": "processed"})).status_code == 404
    assert (await caller.call("DELETE", "abc/")).status_code == 404
    assert (await caller.call("PATCH", "1/", content="[]", headers=JSON)).status_code == 400
