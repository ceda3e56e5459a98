"""Orders that wait for a person: seen and decided by administrators and support, never alone above the limit."""

from decimal import Decimal
from typing import Any

import pytest

from factories.office import Person, code_of, open_office
from factories.payouts import PAYS
from factories.world import World
from jivapay.database.invariants import INVARIANTS
from jivapay.schemas_enums.enums import Role
from jivapay.services import invariant_service

COST = Decimal("50.837837")


async def silent_trader(world: World, amount: Decimal = Decimal("4750.00")) -> tuple[int, str]:
    """An order in `requires_attention`, by its internal and its public id."""
    incoming = await world.assign(amount)
    await world.confirm_by_customer(incoming)
    await world.advance(world.rules.trader_confirm_seconds + 1)
    assert await world.expire_due() == 1
    return incoming, str((await world.deal(incoming)).incoming.public_id)


async def decide(person: Person, order_id: str, outcome: str) -> Any:  # noqa: ANN401 - an answer
    return await person.post(f"/orders/{order_id}/decision", json={"outcome": outcome, "reason": "saw the bank"})


async def violated(world: World) -> list[str]:
    lasting = [one for one in INVARIANTS if not one.live]
    return [one.code for one in await invariant_service.run_all(world.database, invariants=lasting) if one.rows]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPPORT])
async def test_listed_with_the_reason(world: World, role: Role) -> None:
    _, order_id = await silent_trader(world)
    reviewed = await world.accept(Decimal(600_000))
    await world.process(reviewed)
    await world.advance(60)
    async with open_office(world.resources) as office:
        person = await (await office.hire(role, "orders:read:any")).sign_in()
        page = (await person.get("/orders/cases")).json()
        assert page["total"] == 2
        second, first = page["items"]
        assert (first["kind"], first["status"], first["order_history_status"]) == ("manual_review",) * 2 + (None,)
        assert first["reason"]
        assert (second["order_id"], second["kind"]) == (order_id, "requires_attention")
        assert (second["amount"], second["amount_crypto"]) == ("4750.00", "51.351351")
        assert second["reason"]
        assert 60 <= second["age_seconds"] < 120
        for item in (first, second):
            only = await person.get("/orders/cases", params={"kind": item["kind"]})
            assert [one["order_id"] for one in only.json()["items"]] == [item["order_id"]]
        assert code_of(await decide(person, order_id, "failed")) == (403, "permission.denied")


@pytest.mark.parametrize(
    ("outcome", "statuses"),
    [
        ("completed", ("processed", "completed", "completed")),
        ("cancelled", ("cancelled", "cancelled", "cancelled")),
        ("failed", ("failed", "failed", "failed")),
    ],
)
async def test_decided(world: World, outcome: str, statuses: tuple[str, str, str]) -> None:
    incoming, order_id = await silent_trader(world)
    before = await world.trader_balance()
    async with open_office(world.resources) as office:
        person = await (await office.hire(Role.SUPPORT, "orders:*:any")).sign_in()
        answer = await decide(person, order_id, outcome)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["status"], answer.json()["order_history_status"]) == statuses[:2]
        assert code_of(await decide(person, order_id, outcome)) == (409, "order.state_conflict")
        assert (await person.get("/orders/cases")).json()["total"] == 0
    assert await world.statuses(incoming) == statuses
    assert before.held == COST
    after, paid = await world.trader_balance(), outcome == "completed"
    assert (after.held, after.total) == (Decimal(0), before.total - (COST if paid else 0))
    assert (await world.store_balance()).available == (Decimal("49.810810") if paid else Decimal(0))
    order = await world.order(incoming)
    assert order.cancellation_reason == ("saw the bank" if outcome == "cancelled" else None)
    assert order.confirmation_source == "customer"
    used = await world.requisite(order.requisite_id)
    assert (used.open_count, used.total_used) == (0, order.amount_fiat if paid else Decimal(0))
    told = "select event_type from callback_deliveries order by id desc limit 1"
    assert await world.scalar(told) == f"order.{outcome}"
    await world.relay()
    assert await violated(world) == []


async def test_a_lapsed_hold_is_taken_again_or_the_decision_is_refused(world: World) -> None:
    incoming = await world.assign()
    await world.cancel(incoming)
    await world.change_settings(FRAUD_MANUAL_REVIEW_THRESHOLD={"RUB": Decimal(10_000_000)})
    left = (await world.trader_balance()).available
    other = await world.assign((left / Decimal("0.99") * Decimal("92.50")).quantize(Decimal("0.01")) - 1)
    await world.confirm_by_customer(incoming, receipt=True)
    order_id = str((await world.deal(incoming)).incoming.public_id)
    async with open_office(world.resources) as office:
        admin = await office.admin()
        assert code_of(await decide(admin, order_id, "completed")) == (422, "balance.insufficient")
        assert (await world.statuses(incoming))[1] == "requires_attention"
        await world.cancel(other)
        assert (await decide(admin, order_id, "completed")).status_code == 200
    assert await world.statuses(incoming) == ("processed", "completed", "completed")


async def test_above_the_limit_the_list_says_so(world: World) -> None:
    """Deciding it is in `test_approvals`."""
    await silent_trader(world)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(51))
    async with open_office(world.resources) as office:
        admin = await office.admin()
        assert (await admin.get("/orders/cases")).json()["items"][0]["needs_second_person"] is True


async def test_what_waits_for_nobody_is_not_decided(world: World) -> None:
    waiting = str((await world.deal(await world.accept())).incoming.public_id)
    pending = str((await world.deal(await world.assign())).incoming.public_id)
    async with open_office(world.resources) as office:
        admin = await office.admin()
        for order_id in (waiting, pending):
            assert code_of(await decide(admin, order_id, "failed")) == (409, "order.state_conflict")
        nobody = await decide(admin, "0199aaaa-0000-7000-8000-000000000000", "failed")
        assert code_of(nobody) == (404, "not_found")
        assert (await decide(admin, pending, "expired")).status_code == 422


async def test_a_case_is_one_persons(world: World) -> None:
    incoming, order_id = await silent_trader(world)
    async with open_office(world.resources) as office:
        mine, other = [await (await office.hire(Role.SUPPORT, "orders:*:any")).sign_in() for _ in "ab"]
        agent = await (await office.hire(Role.SUPPORT, "orders:read:any", "orders:review:any")).sign_in()
        assert (await mine.post(f"/orders/{order_id}/take")).status_code == 204
        assert (await mine.post(f"/orders/{order_id}/take")).status_code == 204
        for person, total in ((mine, 1), (other, 0)):
            assert (await person.get("/orders/cases", params={"taken_by": "me"})).json()["total"] == total
            assert (await person.get("/orders/cases", params={"taken_by": "nobody"})).json()["total"] == 0
        shown = (await other.get("/orders/cases")).json()["items"][0]
        assert (shown["taken_by"], shown["taken_at"] is None) == (str(mine.id), False)
        assert code_of(await other.post(f"/orders/{order_id}/take")) == (409, "case.taken")
        assert code_of(await decide(other, order_id, "cancelled")) == (409, "case.taken")
        assert code_of(await agent.post(f"/orders/{order_id}/release")) == (403, "permission.denied")
        assert (await other.post(f"/orders/{order_id}/release")).status_code == 204
        assert (await agent.post(f"/orders/{order_id}/take")).status_code == 204
        assert (await agent.post(f"/orders/{order_id}/release")).status_code == 204
        assert (await decide(other, order_id, "cancelled")).status_code == 200
        assert code_of(await mine.post(f"/orders/{order_id}/take")) == (409, "order.state_conflict")
        nobody = "0199aaaa-0000-7000-8000-000000000000"
        for verb in ("take", "release"):
            assert code_of(await mine.post(f"/orders/{nobody}/{verb}")) == (404, "not_found")
    assert (await world.statuses(incoming))[1] == "cancelled"


async def test_a_payout_that_one_trader_has_declined_is_one_persons(world: World) -> None:
    """The steps of the first trader's order count in what is taken, and in what is listed."""
    store = await world.add_store(pay_out_enabled=True)
    await world.fund(Decimal(1000), store)
    for _ in range(2):
        await world.add_trader(limits=PAYS)
    incoming = await world.offer_payout(store=store)
    await world.decline_payout(incoming)
    await world.process(incoming)
    await world.take_payout(incoming)
    await world.advance(world.rules.payout_pay_seconds + 1)
    assert await world.expire_due() == 1
    order_id = str((await world.deal(incoming)).incoming.public_id)
    async with open_office(world.resources) as office:
        mine, other = [await (await office.hire(Role.SUPPORT, "orders:*:any")).sign_in() for _ in "ab"]
        assert (await mine.post(f"/orders/{order_id}/take")).status_code == 204
        shown = (await other.get("/orders/cases")).json()["items"][0]
        assert (shown["order_id"], shown["taken_by"]) == (order_id, str(mine.id))
        assert (await mine.get("/orders/cases", params={"taken_by": "me"})).json()["total"] == 1
        assert (await other.get("/orders/cases", params={"taken_by": "nobody"})).json()["total"] == 0
        assert code_of(await other.post(f"/orders/{order_id}/take")) == (409, "case.taken")


async def test_a_review_that_is_taken_is_decided_by_its_taker(world: World) -> None:
    incoming = await world.accept(Decimal(600_000))
    await world.process(incoming)
    order_id = (await world.deal(incoming)).incoming.public_id
    async with open_office(world.resources) as office:
        mine, other = [await (await office.hire(Role.SUPPORT, "orders:*:any")).sign_in() for _ in "ab"]
        assert (await mine.post(f"/orders/{order_id}/take")).status_code == 204
        body = {"approve": True, "reason": "known customer"}
        assert code_of(await other.post(f"/orders/{order_id}/review", json=body)) == (409, "case.taken")
        assert (await mine.post(f"/orders/{order_id}/review", json=body)).json()["status"] == "new"


async def test_decided_at_what_has_come(world: World) -> None:
    incoming = await world.assign()
    await world.confirm_by_trader(incoming, amount=Decimal("4517.00"))
    order_id = (await world.deal(incoming)).incoming.public_id
    async with open_office(world.resources) as office:
        person = await (await office.hire(Role.SUPPORT, "orders:*:any")).sign_in()
        shown = (await person.get("/orders/cases")).json()["items"][0]
        assert (shown["amount"], shown["amount_by_trader"], shown["amount_by_store"]) == ("4750.00", "4517.00", None)
        body = {"outcome": "cancelled", "reason": "r", "amount": "4517.00"}
        assert code_of(await person.post(f"/orders/{order_id}/decision", json=body)) == (
            422,
            "validation.inconsistent",
        )
        answer = await person.post(f"/orders/{order_id}/decision", json={**body, "outcome": "completed"})
        assert answer.json()["order_history_status"] == "completed"
    assert (await world.order(incoming)).amount_fiat == Decimal("4517.00")
