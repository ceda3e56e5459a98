"""Money decisions that wait for a second person: seen, approved, rejected; never by one who has a part in the case."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text, update

from api.admin.test_cases import COST, decide, silent_trader, violated
from api.admin.test_deposits import available, deposit_to
from factories.office import Office, Person, code_of, open_office
from factories.world import World
from jivapay.database.locks import lock_deal_for_update
from jivapay.database.models.people import Admin
from jivapay.domain.permissions import FULL
from jivapay.schemas_enums.enums import Role
from jivapay.services import order_status_manager

NOBODY_S = "0199aaaa-0000-7000-8000-000000000000"


async def waiting(person: Person, about: str) -> dict[str, Any]:
    """What waits for a second person about a public id."""
    page = (await person.get("/approvals", params={"status": "requested", "page_size": 200})).json()
    found: dict[str, Any] = next(item for item in page["items"] if about in item["about"].values())
    return found


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPPORT])
@pytest.mark.parametrize("outcome", ["completed", "cancelled", "failed"])
async def test_a_case_above_the_limit(world: World, role: Role, outcome: str) -> None:
    incoming, order_id = await silent_trader(world)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(51))
    async with open_office(world.resources) as office:
        first = await office.admin()
        second = await (await office.hire(role, "approvals:*:any", "orders:decide:any")).sign_in()
        asked = await decide(first, order_id, outcome)
        assert asked.status_code == 202, asked.text
        made = asked.json()
        assert (made["status"], made["needs_second_person"], made["amount"]) == ("requested", True, "51.351351")
        assert made["about"] == {"order_id": order_id, "outcome": outcome, "amount": None}
        assert (await world.statuses(incoming))[1] == "requires_attention"
        again = await decide(second, order_id, outcome)
        assert code_of(again) == (409, "approval.exists")
        assert again.json()["about"] == {"approval_id": made["id"]}
        assert code_of(await first.post(f"/approvals/{made['id']}/approve")) == (403, "approval.same_user")
        assert await waiting(second, order_id) == made
        approved = (await second.post(f"/approvals/{made['id']}/approve")).json()
        assert (approved["status"], approved["decided_by"], approved["version"]) == ("executed", str(second.id), 1)
        for word in ("approve", "reject"):
            late = await second.post(f"/approvals/{made['id']}/{word}", json={"reason": "r"})
            assert code_of(late) == (409, "approval.state_conflict")
        assert (await first.get(f"/approvals/{made['id']}")).json() == approved
    assert (await world.statuses(incoming))[1] == outcome
    balance = await world.trader_balance()
    assert (balance.held, balance.total) == (0, 10_000 - (COST if outcome == "completed" else 0))
    assert await violated(world) == []


async def test_rejected_it_does_not_happen_and_may_be_asked_again(world: World) -> None:
    incoming, order_id = await silent_trader(world)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(51))
    async with open_office(world.resources) as office:
        first, second = await office.admin(), await office.admin()
        made = (await decide(first, order_id, "completed")).json()
        path = f"/approvals/{made['id']}/reject"
        assert code_of(await first.post(path, json={"reason": "mine"})) == (403, "approval.same_user")
        assert (await second.post(path, json={})).status_code == 422
        rejected = (await second.post(path, json={"reason": "forged"})).json()
        assert (rejected["status"], rejected["decision_reason"]) == ("rejected", "forged")
        assert (await world.statuses(incoming))[1] == "requires_attention"
        assert (await decide(first, order_id, "failed")).status_code == 202
    assert await violated(world) == []


async def test_what_has_moved_on_is_stale(world: World) -> None:
    incoming, order_id = await silent_trader(world)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(51))
    async with open_office(world.resources) as office:
        first, second = await office.admin(), await office.admin()
        made = (await decide(first, order_id, "completed")).json()
        await world.confirm_by_trader(incoming)
        assert code_of(await second.post(f"/approvals/{made['id']}/approve")) == (409, "approval.stale")
        assert (await second.get(f"/approvals/{made['id']}")).json()["status"] == "requested"
        rejected = await second.post(f"/approvals/{made['id']}/reject", json={"reason": "too late"})
        assert rejected.json()["status"] == "rejected"
    assert await world.scalar("select count(*) from transfers where kind = 'settlement'") == 1
    assert await violated(world) == []


async def test_who_has_a_part_in_the_case_is_no_second_person(world: World) -> None:
    """He let the order through in review; whether it is settled is another's decision."""
    incoming = await world.accept(Decimal(600_000))
    await world.process(incoming)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(51))
    order_id = str((await world.deal(incoming)).incoming.public_id)
    async with open_office(world.resources) as office:
        first, reviewer, third = await office.admin(), await office.admin(), await office.admin()
        assert (await reviewer.post(f"/orders/{order_id}/review", json={"approve": True, "reason": "r"})).is_success
        await world.process(incoming)
        await world.confirm_by_customer(incoming)
        await world.advance(world.rules.trader_confirm_seconds + 1)
        await world.expire_due()
        first, reviewer, third = [await person.sign_in() for person in (first, reviewer, third)]
        made = (await decide(first, order_id, "completed")).json()
        assert code_of(await reviewer.post(f"/approvals/{made['id']}/approve")) == (403, "approval.same_user")
        assert (await third.post(f"/approvals/{made['id']}/approve")).status_code == 200
    assert (await world.statuses(incoming))[1] == "completed"


async def test_many_small_decisions_are_one_large_one(world: World) -> None:
    """Those that needed nobody count as well, for whoever decides and for whoever gets."""
    orders = [(await silent_trader(world, Decimal(amount)))[1] for amount in (4750, 4751, 4752)]
    await world.advance(25 * 3600)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(110))
    async with open_office(world.resources) as office:
        first, second = await office.admin(), await office.admin()
        answers = [await decide(first, order_id, "completed") for order_id in orders]
        assert [answer.status_code for answer in answers] == [200, 200, 202]
        for_the_same_store = await decide(second, orders[2], "completed")
        assert code_of(for_the_same_store) == (409, "approval.exists")
        assert (await decide(second, orders[2], "cancelled")).status_code == 409


async def test_a_test_order_is_no_money(world: World) -> None:
    store = await world.add_store(test=True)
    await world.add_trader(test=True)
    incoming = await world.assign(store=store)
    await world.confirm_by_customer(incoming)
    await world.advance(world.rules.trader_confirm_seconds + 1)
    await world.expire_due()
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1))
    order_id = str((await world.deal(incoming)).incoming.public_id)
    async with open_office(world.resources) as office:
        assert (await decide(await office.admin(), order_id, "completed")).status_code == 200


async def test_a_deposit_is_decided_in_either_place(office: Office) -> None:
    first, second = await office.admin(), await office.admin()
    for word, status, amount in (("approve", "posted", "2000.000000"), ("reject", "rejected", "0.000000")):
        trader = await office.trader()
        made = (await first.post("/deposits", json=deposit_to(trader, "2000"))).json()
        assert (await waiting(second, made["id"]))["id"] == made["approval_id"]
        answer = await second.post(f"/approvals/{made['approval_id']}/{word}", json={"reason": "looked"})
        assert answer.status_code == 200, answer.text
        shown = (await first.get(f"/deposits/{made['id']}")).json()
        assert (shown["status"], shown["approval_id"], shown["decided_by"]) == (status, None, str(second.id))
        assert await available(trader) == amount
        path = f"/deposits/{made['id']}/decision"
        again = await second.post(path, json={"decision": "approve", "reason": "r"})
        assert code_of(again) == (409, "deposit.state_conflict")


async def test_whoever_may_not_decide_it_alone_is_no_second_person(office: Office) -> None:
    first, trader = await office.admin(), await office.trader()
    made = (await first.post("/deposits", json=deposit_to(trader, "2000"))).json()
    path = f"/approvals/{made['approval_id']}"
    clerk = await office.admin("approvals:*:any")
    reader = await office.admin("approvals:read:any", "deposits:decide:any")
    for person in (clerk, reader):
        for word in ("approve", "reject"):
            refused = await person.post(f"{path}/{word}", json={"reason": "r"})
            assert code_of(refused) == (403, "permission.denied")
    assert (await reader.get(path)).json()["status"] == "requested"
    assert code_of(await (await office.admin("deposits:*:any")).get("/approvals")) == (403, "permission.denied")
    for method, gone in (("GET", ""), ("POST", "/approve"), ("POST", "/reject")):
        answer = await first.call(method, f"/approvals/{NOBODY_S}{gone}", json={"reason": "r"} if gone else None)
        assert code_of(answer) == (404, "not_found")


async def test_hands_on_holds_in_both_directions(office: Office) -> None:
    """The puppet asks and its master approves: still one person."""
    master, trader, other = await office.admin(), await office.trader(), await office.admin()
    created = await master.post("/users", json={"email": "puppet@office.example", "role": "admin"})
    assert created.status_code == 201, created.text
    async with office.resources.database.write() as session:
        await session.execute(
            text("update users set must_change_password = false where email = 'puppet@office.example'")
        )
        await session.execute(update(Admin).values(granted_permissions=[FULL]))
    login = {"email": "puppet@office.example", "password": created.json()["initial_password"]}
    puppet = await (await office.hire(Role.ADMIN)).sign_in(**login)
    made = (await puppet.post("/deposits", json=deposit_to(trader, "5000"))).json()
    path = f"/approvals/{made['approval_id']}/approve"
    assert code_of(await master.post(path)) == (403, "approval.same_user")
    assert (await other.post(path)).status_code == 200


async def test_a_deal_is_locked_before_its_sums(world: World) -> None:
    """Whoever holds the order is not kept waiting by the sums of another decision."""
    (held, held_id), (_, free_id) = await silent_trader(world), await silent_trader(world, Decimal(100))
    async with open_office(world.resources) as office:
        admin = await office.admin()
        async with world.database.write() as session:
            deal = await lock_deal_for_update(session, held)
            assert (await decide(admin, free_id, "cancelled")).status_code == 200
            await order_status_manager.confirm_order_by_trader(session, world.trader.actor, deal, world.rules)
        assert code_of(await decide(admin, held_id, "completed")) == (409, "order.state_conflict")
