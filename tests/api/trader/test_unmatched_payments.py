"""The inbox of unmatched money over HTTP: declared by a trader, attached or returned by staff, seen by nobody else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from factories.office import Office, Person, code_of, open_office
from factories.world import World
from jivapay.schemas_enums.enums import Role

NOBODY = "0199aaaa-0000-7000-8000-000000000000"


@dataclass
class Desk:
    world: World
    office: Office
    trader: Person
    stranger: Person
    admin: Person
    requisite: str

    async def declare(self, amount: str = "4750.00", **changes: object) -> str:
        body = {"requisite_id": self.requisite, "amount": amount, **changes}
        answer = await self.trader.post("/unmatched-payments", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    here = world.trader
    requisite = await world.scalar("select public_id from requisites limit 1")
    async with open_office(world.resources) as office:
        trader = await office.enter(here.user_id, here.user_public_id, Role.TRADER)
        yield Desk(world, office, trader, await office.trader(), await office.admin(), str(requisite))


async def test_declared_listed_and_returned(desk: Desk) -> None:
    payment = await desk.declare(payer_bank="Alfa", payer_name="4321", note="who is it?")
    shown = (await desk.trader.get(f"/unmatched-payments/{payment}")).json()
    assert (shown["amount"], shown["amount_crypto"], shown["status"]) == ("4750.00", "51.351351", "open")
    assert (shown["payer_bank"], shown["payer_name"], shown["note"]) == ("Alfa", "4321", "who is it?")
    assert (await desk.trader.get("/unmatched-payments")).json()["items"][0]["id"] == payment
    assert (await desk.admin.get("/unmatched-payments", params={"status": "open"})).json()["total"] == 1
    answer = await desk.admin.post(f"/unmatched-payments/{payment}/return", json={"reason": "sent back"})
    assert (answer.status_code, answer.json()["status"]) == (200, "returned")
    assert (await desk.admin.get("/unmatched-payments", params={"status": "open"})).json()["total"] == 0
    again = await desk.admin.post(f"/unmatched-payments/{payment}/return", json={"reason": "once more"})
    assert code_of(again) == (409, "unmatched.state_conflict")


async def test_attached_to_its_candidate(desk: Desk) -> None:
    incoming = await desk.world.assign()
    await desk.world.cancel(incoming)
    payment = await desk.declare()
    found = (await desk.admin.get(f"/unmatched-payments/{payment}/candidates")).json()["items"]
    order_id = str((await desk.world.deal(incoming)).incoming.public_id)
    assert [(one["order_id"], one["same_requisite"], one["status"]) for one in found] == [(order_id, True, "cancelled")]
    body = {"order_id": order_id, "reason": "the same amount within a minute"}
    answer = await desk.admin.post(f"/unmatched-payments/{payment}/attach", json=body)
    assert (answer.json()["status"], answer.json()["order_id"]) == ("attached", order_id)
    assert await desk.world.statuses(incoming) == ("processed", "completed", "completed")


async def test_a_key_declares_once(desk: Desk) -> None:
    body = {"requisite_id": desk.requisite, "amount": "100.00"}
    first, second = [
        await desk.trader.post("/unmatched-payments", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert (first.json()["id"], second.headers["Idempotent-Replayed"]) == (second.json()["id"], "true")
    assert await desk.world.scalar("select count(*) from unmatched_payments") == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": "0"}, 422, "money.not_positive"),
        ({"amount": "1.001"}, 422, "money.too_many_decimals"),
        ({"amount": "999999999.00"}, 422, "balance.insufficient"),
        ({"requisite_id": NOBODY}, 404, "not_found"),
        ({"received_at": "2999-01-01T00:00:00Z"}, 422, "range.invalid"),
        ({"payer_name": "x" * 121}, 422, "validation.failed"),
    ],
)
async def test_what_is_refused_changes_nothing(desk: Desk, changes: dict[str, str], status: int, code: str) -> None:
    body = {"requisite_id": desk.requisite, "amount": "100.00", **changes}
    answer = await desk.trader.post("/unmatched-payments", json=body)
    assert answer.status_code == status, answer.text
    assert code == "validation.failed" or answer.json()["code"] == code
    assert await desk.world.scalar("select count(*) from unmatched_payments") == 0
    assert await desk.world.scalar("select sum(held) from accounts") == 0


async def test_somebody_else_s(desk: Desk) -> None:
    payment = await desk.declare()
    assert (await desk.stranger.get("/unmatched-payments")).json()["total"] == 0
    assert code_of(await desk.stranger.get(f"/unmatched-payments/{payment}")) == (404, "not_found")
    foreign = {"requisite_id": desk.requisite, "amount": "1.00"}
    assert code_of(await desk.stranger.post("/unmatched-payments", json=foreign)) == (404, "not_found")
    for path in (f"/unmatched-payments/{NOBODY}", f"/unmatched-payments/{NOBODY}/candidates"):
        assert code_of(await desk.admin.get(path)) == (404, "not_found")
    looker = await desk.office.admin("unmatched:read:any")
    refused = await looker.post(f"/unmatched-payments/{payment}/return", json={"reason": "r"})
    assert code_of(refused) == (403, "permission.denied")


@pytest.mark.parametrize("verb", ["attach", "return"])
async def test_above_the_sum_of_a_day_a_second_person_decides(desk: Desk, verb: str) -> None:
    incoming = await desk.world.assign()
    await desk.world.cancel(incoming)
    payment = await desk.declare()
    await desk.world.change_settings(FOUR_EYES_AMOUNT=10)
    body = {"reason": "seen"}
    if verb == "attach":
        body["order_id"] = str((await desk.world.deal(incoming)).incoming.public_id)
    asked = await desk.admin.post(f"/unmatched-payments/{payment}/{verb}", json=body)
    assert asked.status_code == 202, asked.text
    assert (await desk.admin.get(f"/unmatched-payments/{payment}")).json()["status"] == "open"
    path = f"/approvals/{asked.json()['id']}/approve"
    assert code_of(await desk.admin.post(path)) == (403, "approval.same_user")
    second = await desk.office.admin()
    assert (await second.post(path)).status_code == 200
    status = (await desk.admin.get(f"/unmatched-payments/{payment}")).json()["status"]
    assert status == {"attach": "attached", "return": "returned"}[verb]
    assert await desk.world.scalar("select sum(held) from accounts") == 0
