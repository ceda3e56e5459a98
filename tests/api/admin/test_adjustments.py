"""Balances set right by hand: always by two, never below what is available; and transfers undone by their opposite."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from factories.office import Person, code_of
from factories.treasury import ADDRESS, Counter, open_counter
from factories.world import World
from jivapay.services.balance_manager import AccountKey
from support.invariants import find_violations

PLATFORM = AccountKey.platform("USDT", test=False)
NOBODY_S = "0199aaaa-0000-7000-8000-000000000000"


@pytest.fixture
async def counter(world: World) -> AsyncIterator[Counter]:
    async with open_counter(world) as opened:
        yield opened
    await world.roll_up()
    assert await find_violations(world.database) == {}


def adjust(world: World, amount: str, **changes: object) -> dict[str, object]:
    return {
        "owner_type": "trader",
        "owner_id": str(world.trader.user_public_id),
        "amount": amount,
        "currency": "USDT",
        "reason": "paid twice",
        **changes,
    }


async def ask(person: Person, body: dict[str, object], path: str = "/adjustments") -> dict[str, str]:
    answer = await person.post(path, json=body)
    assert answer.status_code == 202, answer.text
    made: dict[str, str] = answer.json()
    return made


async def agree(person: Person, made: dict[str, str]) -> tuple[int, str]:
    answer = await person.post(f"/approvals/{made['approval_id']}/approve")
    return answer.status_code, answer.json().get("code", "")


@pytest.mark.parametrize("amount", ["0.5", "-10000"])
async def test_always_by_two(counter: Counter, amount: str) -> None:
    world = counter.world
    first, second = await counter.office.admin(), await counter.office.admin()
    made = await ask(first, adjust(world, amount))
    assert (made["status"], Decimal(made["amount"])) == ("requested", Decimal(amount))
    assert (await world.trader_balance()).total == 10_000
    assert await agree(first, made) == (403, "approval.same_user")
    assert await agree(second, made) == (200, "")
    shown = (await first.get(f"/adjustments/{made['id']}")).json()
    assert (shown["status"], shown["decided_by"], shown["approval_id"]) == ("posted", str(second.id), None)
    assert (await world.trader_balance()).total == 10_000 + Decimal(amount)
    await world.roll_up()
    assert (await world.balance(PLATFORM)).total == -Decimal(amount)
    assert (await first.get("/adjustments", params={"status": "posted"})).json()["items"] == [shown]


async def test_rejected_moves_nothing(counter: Counter) -> None:
    first, second = await counter.office.admin(), await counter.office.admin()
    made = await ask(first, adjust(counter.world, "5"))
    no = await second.post(f"/approvals/{made['approval_id']}/reject", json={"reason": "why"})
    assert no.status_code == 200
    shown = (await first.get(f"/adjustments/{made['id']}")).json()
    assert (shown["status"], shown["decision_reason"]) == ("rejected", "why")
    assert (await counter.world.trader_balance()).total == 10_000


async def test_never_below_what_is_available(counter: Counter) -> None:
    """A24, when it is asked for and when it is approved: what a deal holds is not available."""
    world = counter.world
    first, second = await counter.office.admin(), await counter.office.admin()
    refused = await first.post("/adjustments", json=adjust(world, "-10000.000001"))
    assert code_of(refused) == (422, "balance.insufficient")
    made = await ask(first, adjust(world, "-10000"))
    await world.assign()
    assert await agree(second, made) == (422, "balance.insufficient")
    assert (await first.get(f"/adjustments/{made['id']}")).json()["status"] == "requested"
    assert (await world.trader_balance()).total == 10_000
    of_platform = adjust(world, "-1", owner_type="platform", owner_id=None)
    made = await ask(first, of_platform)
    assert await agree(second, made) == (422, "balance.insufficient")


async def test_the_platform_s_own_against_the_outside(counter: Counter) -> None:
    world = counter.world
    first, second = await counter.office.admin(), await counter.office.admin()
    for amount, left in (("50", 50), ("-50", 0)):
        made = await ask(first, adjust(world, amount, owner_type="platform", owner_id=None))
        assert await agree(second, made) == (200, "")
        await world.roll_up()
        assert (await world.balance(PLATFORM)).total == left


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": "0"}, 422, "money.not_positive"),
        ({"amount": "0.0000001"}, 422, "money.too_many_decimals"),
        ({"currency": "RUB"}, 422, "balance_adjustment.currency_mismatch"),
        ({"owner_type": "world"}, 422, "validation.enum"),
        ({"owner_type": "platform"}, 422, "validation.inconsistent"),
        ({"owner_type": "store"}, 404, "not_found"),
        ({"owner_id": NOBODY_S}, 404, "not_found"),
        ({"reason": " "}, 422, "validation.required"),
        ({"status": "posted"}, 422, "validation.unknown_field"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_refused(counter: Counter, changes: dict[str, object], status: int, code: str) -> None:
    admin = await counter.office.admin()
    answer = await admin.post("/adjustments", json={**adjust(counter.world, "1"), **changes})
    assert answer.status_code == status, answer.text
    assert code in {answer.json()["code"], *(error["code"] for error in answer.json()["errors"])}
    assert await counter.world.scalar("select count(*) from balance_adjustments") == 0


async def test_a_deposit_undone(counter: Counter) -> None:
    """What was booked stays; its opposite names it; once only, and by nobody who had a part in it."""
    world = counter.world
    first, second, third = [await counter.office.admin() for _ in range(3)]
    deposit = (await first.get("/deposits")).json()["items"][0]
    body = {"corrects_type": "deposit", "corrects_id": deposit["id"], "reason": "another platform's"}
    made = await ask(second, body, "/adjustments/corrections")
    assert (made["amount"], made["corrects_id"], made["owner_id"]) == (
        "-10000.000000",
        deposit["id"],
        str(world.trader.user_public_id),
    )
    assert code_of(await first.post("/adjustments/corrections", json=body)) == (409, "correction.duplicate")
    assert await agree(third, made) == (200, "")
    assert (await world.trader_balance()).total == 0
    assert await world.scalar(
        "select count(*) from transfers r join transfers t on t.id = r.reverses_id"
        " where r.kind = 'deposit_reversal' and t.kind = 'deposit' and r.ref_id = t.ref_id"
    )
    assert (await first.get(f"/deposits/{deposit['id']}")).json()["status"] == "posted"
    assert code_of(await second.post("/adjustments/corrections", json=body)) == (409, "correction.nothing_in_force")


async def test_a_deposit_that_is_spent_cannot_be_undone(counter: Counter) -> None:
    first, second = await counter.office.admin(), await counter.office.admin()
    deposit = (await first.get("/deposits")).json()["items"][0]
    body = {"corrects_type": "deposit", "corrects_id": deposit["id"], "reason": "r"}
    await counter.world.assign()
    assert code_of(await first.post("/adjustments/corrections", json=body)) == (422, "balance.insufficient")
    assert (await second.get("/adjustments")).json()["total"] == 0


async def test_a_withdrawal_that_came_back_and_an_adjustment_that_was_wrong(counter: Counter) -> None:
    world = counter.world
    trader, sender, first, second = await counter.trader(), *[await counter.office.admin() for _ in range(3)]
    ask_for = {"amount": "100", "currency": "USDT", "address_id": await counter.address(trader)}
    made = (await trader.post("/withdrawals", json=ask_for)).json()
    body = {"corrects_type": "withdrawal", "corrects_id": made["id"], "reason": "the chain gave it back"}
    assert code_of(await first.post("/adjustments/corrections", json=body)) == (409, "correction.nothing_in_force")
    for word, with_it in (("approve", {"reason": "r"}), ("claim", None), ("sent", {"tx_hash": "ab" * 32})):
        assert (await sender.post(f"/withdrawals/{made['id']}/{word}", json=with_it)).status_code == 200
    correction = await ask(first, body, "/adjustments/corrections")
    assert correction["amount"] == "102.000000"
    assert await agree(sender, correction) == (403, "approval.same_user")
    assert await agree(second, correction) == (200, "")
    assert (await world.trader_balance()).total == 10_000
    assert made["address"] == ADDRESS
    wrong = await ask(first, adjust(world, "7"))
    assert await agree(second, wrong) == (200, "")
    undo = {"corrects_type": "balance_adjustment", "corrects_id": wrong["id"], "reason": "was right"}
    undone = await ask(first, undo, "/adjustments/corrections")
    third = await counter.office.admin()
    assert await agree(second, undone) == (403, "approval.same_user")
    assert await agree(third, undone) == (200, "")
    assert (await world.trader_balance()).total == 10_000


@pytest.mark.parametrize("what", ["deposit", "withdrawal", "balance_adjustment"])
async def test_a_correction_of_nothing(counter: Counter, what: str) -> None:
    admin = await counter.office.admin()
    body = {"corrects_type": what, "corrects_id": NOBODY_S, "reason": "r"}
    assert code_of(await admin.post("/adjustments/corrections", json=body)) == (404, "not_found")
    assert code_of(await admin.get(f"/adjustments/{NOBODY_S}")) == (404, "not_found")
    wrong = await admin.post("/adjustments/corrections", json={**body, "corrects_type": "order"})
    assert wrong.status_code == 422
