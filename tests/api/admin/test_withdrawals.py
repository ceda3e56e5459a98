"""Withdrawals from the request to the transaction: the owner's side, the staff's side, and everything refused."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from factories import disputes
from factories.office import Person, code_of
from factories.payouts import PAYS
from factories.treasury import ADDRESS, OTHER_ADDRESS, Counter, open_counter
from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.services import freeze_service
from jivapay.services.balance_manager import AccountKey
from support.invariants import find_violations

NOBODY_S = "0199aaaa-0000-7000-8000-000000000000"
TX = "ab" * 32
LOOKED = {"reason": "looked"}


@pytest.fixture
async def counter(world: World) -> AsyncIterator[Counter]:
    async with open_counter(world) as opened:
        yield opened
    assert await find_violations(world.database) == {}


async def request(counter: Counter, person: Person, amount: str = "100", **changes: object) -> Any:  # noqa: ANN401 - an answer
    body = {"amount": amount, "currency": "USDT", "address_id": await counter.address(person), **changes}
    return await person.post("/withdrawals", json=body)


async def test_from_request_to_transaction(counter: Counter) -> None:
    world = counter.world
    trader, admin = await counter.trader(), await counter.office.admin()
    answer = await request(counter, trader)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["status"], made["amount"], made["network_fee"]) == ("requested", "100.000000", "2.000000")
    assert (made["address"], made["network"], made["tx_hash"], made["store_id"]) == (ADDRESS, "tron", None, None)
    balance = await world.trader_balance()
    assert (balance.total, balance.held) == (Decimal(10_000), Decimal(102))
    path = f"/withdrawals/{made['id']}"
    approved = await admin.post(f"{path}/approve", json=LOOKED)
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    assert code_of(await trader.post(f"{path}/cancel")) == (409, "withdrawal.state_conflict")
    assert code_of(await admin.post(f"{path}/sent", json={"tx_hash": TX})) == (409, "withdrawal.state_conflict")
    claimed = (await admin.post(f"{path}/claim")).json()
    assert (claimed["status"], claimed["claimed_by"]) == ("sending", str(admin.id))
    sent = (await admin.post(f"{path}/sent", json={"tx_hash": "0x" + TX.upper()})).json()
    assert (sent["status"], sent["tx_hash"], sent["version"]) == ("sent", TX, 3)
    balance = await world.trader_balance()
    assert (balance.total, balance.held) == (Decimal(9898), Decimal(0))
    shown = (await trader.get("/withdrawals")).json()
    assert (shown["total"], shown["items"][0]["tx_hash"]) == (1, TX)
    assert (await trader.get(path)).json() == shown["items"][0]
    assert set(shown["items"][0]) == set(made)
    assert (await admin.get("/withdrawals", params={"status": "sent"})).json()["total"] == 1
    assert (await admin.get(path)).json()["owner_id"] == str(world.trader.user_public_id)


async def test_of_a_store(counter: Counter) -> None:
    world = counter.world
    await world.complete()
    merchant, admin = await counter.merchant(), await counter.office.admin()
    store_id = str(world.store.public_id)
    refused = await request(counter, merchant, "47.810811", store_id=store_id)
    assert code_of(refused) == (422, "balance.insufficient")
    book = (await merchant.get("/withdrawal-addresses")).json()["items"]
    body = {"amount": "47.810810", "currency": "USDT", "address_id": book[0]["id"], "store_id": store_id}
    made = (await merchant.post("/withdrawals", json=body)).json()
    assert (made["store_id"], made["status"]) == (store_id, "requested")
    assert (await world.store_balance()).available == 0
    rejected = await admin.post(f"/withdrawals/{made['id']}/reject", json={"reason": "call us"})
    assert rejected.json()["status"] == "rejected"
    assert (await merchant.get(f"/withdrawals/{made['id']}")).json()["reason"] == "call us"
    assert (await world.store_balance()).available == Decimal("49.810810")


async def late_payment(world: World, leave: Callable[[], Awaitable[None]]) -> str:
    incoming = await world.assign()
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    await leave()
    await world.confirm_by_customer(incoming, receipt=True)
    await world.confirm_by_trader(incoming)
    return "49.810810"


async def payout_that_comes_back(world: World, leave: Callable[[], Awaitable[None]]) -> str:
    cost = Decimal("52.891892")
    await world.change_settings(PAYOUT_RATE_BUFFER_PERCENT=Decimal(0))
    await world.execute("update merchant_stores set pay_out_enabled = true")
    await world.add_requisite(world.trader, limits=PAYS)
    await world.fund(cost)
    incoming = await world.complete_payout(store=replace(world.store, pay_out_enabled=True))
    case = await disputes.open_dispute(world, incoming)
    await leave()
    assert await disputes.resolve(world, case, "cancelled") == "resolved_cancelled"
    return f"{cost:f}"


@pytest.mark.parametrize("comes", [late_payment, payout_that_comes_back])
async def test_what_reaches_an_archived_store_is_its_merchants(
    counter: Counter, comes: Callable[[World, Callable[[], Awaitable[None]]], Awaitable[str]]
) -> None:
    """Nothing was in it when it was archived; what comes late is seen and taken out, by nobody else."""
    store = f"/stores/{counter.world.store.public_id}"

    async def leave() -> None:
        assert (await (await counter.merchant()).call("DELETE", store)).status_code == 204

    amount = await comes(counter.world, leave)
    merchant, other = await counter.merchant(), await counter.office.merchant()
    assert code_of(await merchant.get(store)) == (404, "not_found")
    assert (await merchant.get(f"{store}/balance")).json()["available"] == amount
    assert (await merchant.get(f"{store}/balance/history")).json()["closing"] == amount
    assert code_of(await merchant.get(f"{store}/proofs?date=2026-11-20")) == (409, "proof.not_sealed")
    for path in ("balance", "balance/history", "proofs?date=2026-11-20"):
        assert code_of(await other.get(f"{store}/{path}")) == (404, "not_found")
    asked = {"store_id": str(counter.world.store.public_id), "amount": f"{Decimal(amount) - 2:f}"}
    assert code_of(await request(counter, other, **asked)) == (404, "not_found")
    made = await request(counter, merchant, **asked)
    assert (made.status_code, made.json()["status"]) == (201, "requested")
    assert (await counter.world.store_balance()).available == 0


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": "9998.000001"}, 422, "balance.insufficient"),
        ({"amount": "0"}, 422, "money.not_positive"),
        ({"amount": "1.0000001"}, 422, "money.too_many_decimals"),
        ({"amount": 5}, 422, "money.must_be_string"),
        ({"currency": "RUB"}, 422, "withdrawal.currency_mismatch"),
        ({"address_id": NOBODY_S}, 404, "not_found"),
        ({"address_id": "mine"}, 422, "validation.type"),
        ({"store_id": NOBODY_S}, 422, "validation.unknown_field"),
        ({"network_fee": "0"}, 422, "validation.unknown_field"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_request_refused_changes_nothing(
    counter: Counter, changes: dict[str, object], status: int, code: str
) -> None:
    trader = await counter.trader()
    answer = await request(counter, trader, **{"amount": "1", **changes})
    assert answer.status_code == status, answer.text
    assert code in {answer.json()["code"], *(error["code"] for error in answer.json()["errors"])}
    assert await counter.world.scalar("select count(*) from withdrawals") == 0
    assert (await counter.world.trader_balance()).held == 0


async def test_all_there_is_with_the_fee(counter: Counter) -> None:
    """A22: exactly what is available, fee and all, is taken; one unit more was refused above."""
    assert (await request(counter, await counter.trader(), "9998")).status_code == 201
    assert (await counter.world.trader_balance()).available == 0


async def test_somebody_else_s_is_not_there(counter: Counter) -> None:
    world = counter.world
    await world.add_trader()
    mine = await counter.trader()
    other = await counter.office.enter(world.traders[1].user_id, world.traders[1].user_public_id, mine.role)
    made = (await request(counter, mine)).json()
    address = (await mine.get("/withdrawal-addresses")).json()["items"][0]["id"]
    for method, path in (
        ("GET", f"/withdrawals/{made['id']}"),
        ("POST", f"/withdrawals/{made['id']}/cancel"),
        ("DELETE", f"/withdrawal-addresses/{address}"),
    ):
        assert code_of(await other.call(method, path)) == (404, "not_found")
    body = {"amount": "1", "currency": "USDT", "address_id": address}
    assert code_of(await other.post("/withdrawals", json=body)) == (404, "not_found")
    assert (await other.get("/withdrawals")).json()["total"] == 0
    assert (await other.get("/withdrawal-addresses")).json()["items"] == []
    merchant = await counter.merchant()
    stranger = await world.add_store()
    answer = await request(counter, merchant, "1", store_id=str(stranger.public_id))
    assert code_of(answer) == (404, "not_found")


async def test_the_address_book_cools_off(counter: Counter) -> None:
    world, trader = counter.world, await counter.trader()
    body = {"network": "tron", "address": f" {ADDRESS} ", "label": "mine"}
    made = (await trader.post("/withdrawal-addresses", json=body)).json()
    assert made["address"] == ADDRESS
    ask = {"amount": "1", "currency": "USDT", "address_id": made["id"]}
    refused = await trader.post("/withdrawals", json=ask)
    assert code_of(refused) == (409, "address.cooling")
    assert "usable_at" in refused.json()["about"]
    assert code_of(await trader.post("/withdrawal-addresses", json=body)) == (409, "address.duplicate")
    for wrong, code in (
        ({"address": ADDRESS[:-1] + "u"}, "address.invalid"),
        ({"network": "ethereum"}, "address.invalid"),
        ({"network": "bitcoin"}, "network.unavailable"),
        ({"network": "dogecoin"}, "validation.enum"),
        ({"label": ""}, "validation.required"),
    ):
        answer = await trader.post("/withdrawal-addresses", json={**body, **wrong})
        assert answer.status_code == 422, answer.text
        assert code in {answer.json()["code"], *(error["code"] for error in answer.json()["errors"])}
    await world.advance(world.rules.withdrawal_address_cooling_seconds + 1)
    trader = await counter.trader()
    assert (await trader.post("/withdrawals", json=ask)).status_code == 201
    assert (await trader.call("DELETE", f"/withdrawal-addresses/{made['id']}")).status_code == 204
    assert code_of(await trader.post("/withdrawals", json=ask)) == (404, "not_found")
    again = (await trader.post("/withdrawal-addresses", json=body)).json()
    assert code_of(await trader.post("/withdrawals", json={**ask, "address_id": again["id"]})) == (
        409,
        "address.cooling",
    )
    assert (await trader.post("/withdrawal-addresses", json={**body, "address": OTHER_ADDRESS})).status_code == 201


async def test_money_leaves_only_for_who_has_just_proved_himself(counter: Counter) -> None:
    trader = await counter.trader()
    address_id = await counter.address(trader)
    await counter.world.advance(301)
    for path, body in (
        ("/withdrawals", {"amount": "1", "currency": "USDT", "address_id": address_id}),
        ("/withdrawal-addresses", {"network": "tron", "address": OTHER_ADDRESS, "label": "new"}),
    ):
        assert code_of(await trader.post(path, json=body)) == (401, "auth.step_up_required")


async def test_above_the_limit_two_approve(counter: Counter) -> None:
    world = counter.world
    await world.advance(25 * 3600)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(100))
    trader, first, second = await counter.trader(), await counter.office.admin(), await counter.office.admin()
    made = (await request(counter, trader)).json()
    path = f"/withdrawals/{made['id']}"
    asked = await first.post(f"{path}/approve", json=LOOKED)
    assert (asked.status_code, asked.json()["amount"]) == (202, "102.000000")
    assert asked.json()["about"]["address"] == ADDRESS
    assert code_of(await second.post(f"{path}/approve", json=LOOKED)) == (409, "approval.exists")
    assert code_of(await second.post(f"{path}/claim")) == (409, "withdrawal.state_conflict")
    shown = (await first.get(path)).json()
    assert (shown["status"], shown["approval_id"]) == ("requested", asked.json()["id"])
    word = f"/approvals/{shown['approval_id']}"
    assert code_of(await first.post(f"{word}/approve")) == (403, "approval.same_user")
    assert (await second.post(f"{word}/approve")).json()["status"] == "executed"
    assert (await first.get(path)).json()["status"] == "approved"
    another = (await trader.post("/withdrawals", json={**_again(made), "address_id": await _book(trader)})).json()
    no = (await first.post(f"/withdrawals/{another['id']}/approve", json=LOOKED)).json()
    assert (await second.post(f"/approvals/{no['id']}/reject", json={"reason": "no"})).json()["status"] == "rejected"
    assert (await trader.get(f"/withdrawals/{another['id']}")).json()["status"] == "rejected"


def _again(made: dict[str, Any]) -> dict[str, Any]:
    return {"amount": made["amount"], "currency": made["currency"]}


async def _book(person: Person) -> str:
    return str((await person.get("/withdrawal-addresses")).json()["items"][0]["id"])


async def test_cancelled_while_a_second_person_is_asked(counter: Counter) -> None:
    await counter.world.advance(25 * 3600)
    await counter.world.change_settings(FOUR_EYES_AMOUNT=Decimal(100))
    trader, first, second = await counter.trader(), await counter.office.admin(), await counter.office.admin()
    made = (await request(counter, trader)).json()
    asked = (await first.post(f"/withdrawals/{made['id']}/approve", json=LOOKED)).json()
    assert (await trader.post(f"/withdrawals/{made['id']}/cancel")).json()["status"] == "cancelled"
    assert (await counter.world.trader_balance()).held == 0
    assert code_of(await second.post(f"/approvals/{asked['id']}/approve")) == (409, "approval.stale")
    rejected = await second.post(f"/approvals/{asked['id']}/reject", json={"reason": "gone"})
    assert rejected.json()["status"] == "rejected"
    assert (await trader.get(f"/withdrawals/{made['id']}")).json()["status"] == "cancelled"


async def test_sent_by_whom_it_was_claimed_in_a_transaction_of_its_own(counter: Counter) -> None:
    trader, one, other = await counter.trader(), await counter.office.admin(), await counter.office.admin()
    made = [(await request(counter, trader, "10")).json()]
    book = await _book(trader)
    made.append((await trader.post("/withdrawals", json={**_again(made[0]), "address_id": book})).json())
    for each in made:
        await one.post(f"/withdrawals/{each['id']}/approve", json=LOOKED)
        assert (await one.post(f"/withdrawals/{each['id']}/claim")).status_code == 200
        assert code_of(await other.post(f"/withdrawals/{each['id']}/claim")) == (409, "withdrawal.state_conflict")
    first, second = [f"/withdrawals/{each['id']}/sent" for each in made]
    assert code_of(await other.post(first, json={"tx_hash": TX})) == (403, "withdrawal.not_yours")
    assert (await one.post(first, json={"tx_hash": TX})).json()["status"] == "sent"
    assert code_of(await one.post(second, json={"tx_hash": f"0x{TX}"})) == (409, "withdrawal.duplicate")
    assert code_of(await one.post(first, json={"tx_hash": "cd" * 32})) == (409, "withdrawal.state_conflict")
    assert (await counter.world.trader_balance()).held == Decimal(12)


async def test_nothing_left_and_a_second_person_agrees(counter: Counter) -> None:
    trader, sender, first, second = await counter.trader(), *[await counter.office.admin() for _ in range(3)]
    made = (await request(counter, trader)).json()
    path = f"/withdrawals/{made['id']}"
    await first.post(f"{path}/approve", json=LOOKED)
    assert code_of(await sender.post(f"{path}/return", json=LOOKED)) == (409, "withdrawal.state_conflict")
    await sender.post(f"{path}/claim")
    asked = await second.post(f"{path}/return", json={"reason": "no such transaction"})
    assert (asked.status_code, asked.json()["status"]) == (202, "requested")
    word = f"/approvals/{asked.json()['id']}/approve"
    for who_may_not in (sender, second):
        assert code_of(await who_may_not.post(word)) == (403, "approval.same_user")
    assert (await first.post(word)).status_code == 200
    shown = (await first.get(path)).json()
    assert (shown["status"], shown["claimed_by"]) == ("approved", None)
    assert (await counter.world.trader_balance()).held == Decimal(102)
    assert (await first.post(f"{path}/reject", json=LOOKED)).json()["status"] == "rejected"
    assert (await counter.world.trader_balance()).held == 0


async def test_the_platform_s_profit_by_two_and_never_more_than_is_there(counter: Counter) -> None:
    world = counter.world
    await world.complete(Decimal(475_000))
    platform = AccountKey.platform("USDT", test=False)
    first, second = await counter.office.admin(), await counter.office.admin()
    body = {"amount": "100", "currency": "USDT", "network": "tron", "address": ADDRESS, "reason": "rent"}
    # The profit is 102.7027, but nothing of it is rolled up yet.
    assert code_of(await first.post("/withdrawals", json=body)) == (422, "balance.insufficient")
    await world.roll_up()
    for wrong, code in (({"amount": "100.8"}, "balance.insufficient"), ({"address": "T"}, "address.invalid")):
        assert code_of(await first.post("/withdrawals", json={**body, **wrong})) == (422, code)
    answer = await first.post("/withdrawals", json=body)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["owner_type"], made["owner_id"], made["status"]) == ("platform", None, "requested")
    assert (await world.balance(platform)).held == Decimal(102)
    assert code_of(await first.post("/withdrawals", json={**body, "amount": "1"})) == (422, "balance.insufficient")
    assert code_of(await first.post(f"/approvals/{made['approval_id']}/approve")) == (403, "approval.same_user")
    assert (await second.post(f"/approvals/{made['approval_id']}/approve")).status_code == 200
    path = f"/withdrawals/{made['id']}"
    await second.post(f"{path}/claim")
    assert (await second.post(f"{path}/sent", json={"tx_hash": TX})).json()["status"] == "sent"
    # It has left and is not rolled up: what is cached would still let it be taken again.
    assert (await world.balance(platform)).available > Decimal(102)
    assert code_of(await first.post("/withdrawals", json={**body, "amount": "1"})) == (422, "balance.insufficient")
    await world.roll_up()
    assert (await world.balance(platform)).total == Decimal("0.702703")


async def test_a_freeze_refuses_all_but_what_has_happened(counter: Counter) -> None:
    trader, admin = await counter.trader(), await counter.office.admin()
    sending = (await request(counter, trader, "10")).json()
    body = {**_again(sending), "address_id": await _book(trader)}
    waiting, approved = [(await trader.post("/withdrawals", json=body)).json() for _ in range(2)]
    for each in (sending, approved):
        await admin.post(f"/withdrawals/{each['id']}/approve", json=LOOKED)
    await admin.post(f"/withdrawals/{sending['id']}/claim")
    async with counter.world.database.write() as session:
        await freeze_service.freeze(session, Actor.system("tests"), reason="planted")
    frozen = (503, "platform.frozen")
    assert code_of(await trader.post("/withdrawals", json=body)) == frozen
    assert code_of(await admin.post(f"/withdrawals/{waiting['id']}/approve", json=LOOKED)) == frozen
    assert code_of(await admin.post(f"/withdrawals/{approved['id']}/claim")) == frozen
    assert (await admin.post(f"/withdrawals/{sending['id']}/sent", json={"tx_hash": TX})).status_code == 200
    assert (await trader.post(f"/withdrawals/{waiting['id']}/cancel")).status_code == 200
    async with counter.world.database.write() as session:
        await freeze_service.unfreeze(session, Actor.system("tests"), reason="done")


async def test_repeated_with_its_key(counter: Counter) -> None:
    trader = await counter.trader()
    address_id, key = await counter.address(trader), {"Idempotency-Key": "w-1"}
    body = {"amount": "10", "currency": "USDT", "address_id": address_id}
    first = await trader.post("/withdrawals", json=body, headers=key)
    again = await trader.post("/withdrawals", json=body, headers=key)
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.headers["idempotent-replayed"] == "true"
    other = await trader.post("/withdrawals", json={**body, "amount": "11"}, headers=key)
    assert code_of(other) == (422, "idempotency.mismatch")
    assert (await counter.world.trader_balance()).held == Decimal(12)


async def test_staff_paths_of_nothing(counter: Counter) -> None:
    admin = await counter.office.admin()
    bodies = {"approve": LOOKED, "reject": LOOKED, "claim": None, "sent": {"tx_hash": TX}, "return": LOOKED}
    for word, body in bodies.items():
        answer = await admin.post(f"/withdrawals/{NOBODY_S}/{word}", json=body)
        assert code_of(answer) == (404, "not_found")
    assert code_of(await admin.get(f"/withdrawals/{NOBODY_S}")) == (404, "not_found")
