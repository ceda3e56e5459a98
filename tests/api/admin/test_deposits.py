"""Deposits: recorded once by their transaction, posted by one person up to the limit, above it by two."""

import asyncio
from base64 import b64encode, urlsafe_b64encode
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, text

from factories.office import Office, Person, code_of
from jivapay.database.models.records import AuditLog, StatusHistory
from jivapay.domain.actors import Actor
from jivapay.services import freeze_service

hashes = count(1)


def deposit_to(owner: Person, amount: str = "100.5", **changes: object) -> dict[str, object]:
    return {
        "owner_type": "trader",
        "owner_id": str(owner.id),
        "amount": amount,
        "currency": "USDT",
        "network": "tron",
        "tx_hash": f"{next(hashes):064x}",
        "reason": "first deposit",
        **changes,
    }


async def available(trader: Person) -> str:
    items = (await trader.get("/balances")).json()["items"]
    amount: str = next(item["available"] for item in items if item["account"] == "crypto")
    return amount


async def test_posted_at_once(office: Office) -> None:
    admin, trader = await office.admin(), await office.trader()
    answer = await admin.post("/deposits", json=deposit_to(trader))
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    assert made["status"] == "posted"
    assert made["amount"] == "100.500000"
    assert made["version"] == 1
    assert made["needs_second_person"] is False
    assert (made["requested_by"], made["decided_by"]) == (str(admin.id), str(admin.id))
    assert await available(trader) == "100.500000"
    assert (await admin.get(f"/deposits/{made['id']}")).json() == made
    async with office.resources.database.read() as session:
        steps = await session.execute(
            select(StatusHistory.from_status, StatusHistory.to_status, StatusHistory.actor_kind, StatusHistory.reason)
            .where(StatusHistory.entity == "deposit")
            .order_by(StatusHistory.id.desc())
            .limit(2)
        )
        assert [tuple(row) for row in steps] == [
            ("requested", "posted", "user", "first deposit"),
            (None, "requested", "user", "first deposit"),
        ]
        audit = select(AuditLog.action, AuditLog.version).where(AuditLog.entity == "deposit")
        rows = await session.execute(audit.order_by(AuditLog.id.desc()).limit(2))
        assert [tuple(row) for row in rows] == [("deposit.posted", 1), ("deposit.requested", 0)]


async def test_above_the_limit_waits_for_another_person(office: Office) -> None:
    first, second, trader = await office.admin(), await office.admin(), await office.trader()
    made = (await first.post("/deposits", json=deposit_to(trader, "1000.000001"))).json()
    assert (made["status"], made["version"], made["needs_second_person"]) == ("requested", 0, True)
    assert await available(trader) == "0.000000"
    path, approve = f"/deposits/{made['id']}/decision", {"decision": "approve", "reason": "seen on chain"}
    assert code_of(await first.post(path, json=approve)) == (403, "approval.same_user")
    again = await first.sign_in()
    assert code_of(await again.post(path, json=approve)) == (403, "approval.same_user")
    decided = (await second.post(path, json=approve)).json()
    assert (decided["status"], decided["version"], decided["decided_by"]) == ("posted", 1, str(second.id))
    assert decided["decision_reason"] == "seen on chain"
    assert await available(trader) == "1000.000001"
    for decision in ("approve", "reject"):
        answer = await second.post(path, json={"decision": decision, "reason": "r"})
        assert code_of(answer) == (409, "deposit.state_conflict")
        assert answer.json()["about"] == {"current": "posted"}


async def test_rejected_moves_nothing(office: Office) -> None:
    first, second, trader = await office.admin(), await office.admin(), await office.trader()
    made = (await first.post("/deposits", json=deposit_to(trader, "5000"))).json()
    path = f"/deposits/{made['id']}/decision"
    decided = await second.post(path, json={"decision": "reject", "reason": "no such transaction"})
    assert decided.json()["status"] == "rejected"
    assert await available(trader) == "0.000000"


async def test_rejected_may_be_recorded_again(office: Office) -> None:
    first, second, trader = await office.admin(), await office.admin(), await office.trader()
    body = deposit_to(trader, "5000")
    reject = {"decision": "reject", "reason": "mistyped amount"}
    made = (await first.post("/deposits", json=body)).json()
    assert code_of(await first.post("/deposits", json=body)) == (409, "deposit.duplicate")
    await second.post(f"/deposits/{made['id']}/decision", json=reject)
    again = (await first.post("/deposits", json={**body, "amount": "50"})).json()
    assert (again["status"], again["tx_hash"]) == ("posted", made["tx_hash"])
    for output in ("", "0"):
        twice = await second.post("/deposits", json={**body, "tx_output": output})
        assert code_of(twice) == (409, "deposit.duplicate")
    assert await available(trader) == "50.000000"


async def test_many_small_ones_are_one_large_one(office: Office) -> None:
    first, second, trader, other = (
        await office.admin(),
        await office.admin(),
        await office.trader(),
        await office.trader(),
    )
    assert (await first.post("/deposits", json=deposit_to(trader, "600"))).json()["status"] == "posted"
    assert (await first.post("/deposits", json=deposit_to(trader, "400"))).json()["status"] == "posted"
    by_actor = (await first.post("/deposits", json=deposit_to(other, "0.000001"))).json()
    by_beneficiary = (await second.post("/deposits", json=deposit_to(trader, "0.000001"))).json()
    assert (by_actor["status"], by_beneficiary["status"]) == ("requested", "requested")
    assert (await second.post("/deposits", json=deposit_to(other, "1"))).json()["status"] == "posted"


async def test_same_limit_from_many_requests_at_once(office: Office) -> None:
    admin, trader = await office.admin(), await office.trader()
    answers = await asyncio.gather(*(admin.post("/deposits", json=deposit_to(trader, "400")) for _ in range(5)))
    assert sorted(answer.json()["status"] for answer in answers) == ["posted"] * 2 + ["requested"] * 3
    assert await available(trader) == "800.000000"


async def test_a_transaction_counts_once(office: Office) -> None:
    admin, trader, other = await office.admin(), await office.trader(), await office.trader()
    body = deposit_to(trader, tx_hash="0xABCDEF" + "0" * 58)
    assert (await admin.post("/deposits", json=body)).status_code == 201
    for changed in (
        body,
        {**body, "owner_id": str(other.id)},
        {**body, "amount": "1"},
        {**body, "tx_hash": "abcdef" + "0" * 58},
        {**body, "tx_hash": "  0xabcdef" + "0" * 58},
    ):
        assert code_of(await admin.post("/deposits", json=changed)) == (409, "deposit.duplicate")
    assert (await admin.post("/deposits", json={**body, "network": "bsc", "amount": "1"})).status_code == 201
    assert await available(trader) == "101.500000"


async def test_an_output_counts_once_and_none_stands_for_all(office: Office) -> None:
    admin, trader = await office.admin(), await office.trader()
    some, whole = deposit_to(trader, "1", tx_output="0"), deposit_to(trader, "1")
    assert (await admin.post("/deposits", json=some)).status_code == 201
    assert (await admin.post("/deposits", json=whole)).status_code == 201
    for again in ({**some, "tx_output": ""}, {**some, "tx_output": "0"}, {**whole, "tx_output": "0"}, whole):
        assert code_of(await admin.post("/deposits", json=again)) == (409, "deposit.duplicate")
    assert (await admin.post("/deposits", json={**some, "tx_output": "1"})).status_code == 201
    assert await available(trader) == "3.000000"


async def test_a_hash_counts_once_in_hexadecimal_and_base64(office: Office) -> None:
    admin, trader = await office.admin(), await office.trader()
    raw = bytes(range(220, 252))
    body = deposit_to(trader, "1", network="ton", tx_hash=raw.hex())
    made = await admin.post("/deposits", json=body)
    assert (made.status_code, made.json()["tx_hash"]) == (201, raw.hex())
    for spelling in (b64encode(raw), urlsafe_b64encode(raw), urlsafe_b64encode(raw).rstrip(b"=")):
        again = await admin.post("/deposits", json={**body, "tx_hash": spelling.decode()})
        assert code_of(again) == (409, "deposit.duplicate")
    assert await available(trader) == "1.000000"


async def test_same_transaction_many_times_at_once(office: Office) -> None:
    admin, trader = await office.admin(), await office.trader()
    body = deposit_to(trader, "10")
    answers = await asyncio.gather(*(admin.post("/deposits", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert await available(trader) == "10.000000"


async def test_idempotent_many_times_at_once(office: Office) -> None:
    admin, trader = await office.admin(), await office.trader()
    body, key = deposit_to(trader, "10"), {"Idempotency-Key": "deposit-1"}
    answers = await asyncio.gather(*(admin.post("/deposits", json=body, headers=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 4
    assert await available(trader) == "10.000000"


async def test_replay_shows_the_deposit_as_it_is_now(office: Office) -> None:
    first, second, trader = await office.admin(), await office.admin(), await office.trader()
    body, key = deposit_to(trader, "2000"), {"Idempotency-Key": "deposit-2"}
    made = (await first.post("/deposits", json=body, headers=key)).json()
    await second.post(f"/deposits/{made['id']}/decision", json={"decision": "approve", "reason": "r"})
    replayed = await first.post("/deposits", json=body, headers=key)
    assert (replayed.json()["id"], replayed.json()["status"]) == (made["id"], "posted")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": "0"}, 422, "money.not_positive"),
        ({"amount": "-5"}, 422, "money.not_positive"),
        ({"amount": "1.0000001"}, 422, "money.too_many_decimals"),
        ({"amount": 5}, 422, "money.must_be_string"),
        ({"amount": "1e3"}, 422, "money.format"),
        ({"currency": "RUB"}, 422, "currency.unknown"),
        ({"currency": "XXX"}, 422, "currency.unknown"),
        ({"owner_type": "platform"}, 422, "validation.enum"),
        ({"owner_type": "store"}, 404, "not_found"),
        ({"owner_id": "0199aaaa-0000-7000-8000-000000000000"}, 404, "not_found"),
        ({"reason": " "}, 422, "validation.required"),
        ({"tx_hash": ""}, 422, "validation.required"),
        ({"network": "TRON"}, 422, "validation.enum"),
        ({"network": "trc20"}, 422, "validation.enum"),
        ({"tx_output": "00"}, 422, "validation.format"),
        ({"tx_output": "0 "}, 422, "validation.format"),
        ({"tx_output": "a"}, 422, "validation.format"),
        ({"tx_output": "12345678901"}, 422, "validation.format"),
        ({"status": "posted"}, 422, "validation.unknown_field"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_refused(office: Office, changes: dict[str, object], status: int, code: str) -> None:
    admin, trader = await office.admin(), await office.trader()
    answer = await admin.post("/deposits", json=deposit_to(trader, **changes))
    assert answer.status_code == status, answer.text
    assert code in {answer.json()["code"], *(error["code"] for error in answer.json()["errors"])}
    assert await available(trader) == "0.000000"


async def test_test_world_takes_none(office: Office) -> None:
    admin, trader = await office.admin(), await office.trader(test=True)
    assert code_of(await admin.post("/deposits", json=deposit_to(trader))) == (409, "deposit.test_world")


async def test_to_a_store(office: Office) -> None:
    admin, merchant = await office.admin(), await office.merchant()
    store = (await merchant.post("/stores", json={"name": "S", "lower_limit": "1", "upper_limit": "9"})).json()
    body = deposit_to(merchant, owner_type="store", owner_id=store["id"])
    made = await admin.post("/deposits", json=body)
    assert (made.status_code, made.json()["owner_id"]) == (201, store["id"])
    balance = (await merchant.get(f"/stores/{store['id']}/balance")).json()
    assert balance == {"currency": "USDT", "total": "100.500000", "held": "0.000000", "available": "100.500000"}


async def test_seen_by_whom_it_is_for(office: Office) -> None:
    admin, trader, other, merchant = (
        await office.admin(),
        await office.trader(),
        await office.trader(),
        await office.merchant(),
    )
    made = (await admin.post("/deposits", json=deposit_to(trader, "3000"))).json()
    store = (await merchant.post("/stores", json={"name": "S", "lower_limit": "1", "upper_limit": "9"})).json()
    body = deposit_to(merchant, "2", owner_type="store", owner_id=store["id"])
    assert (await admin.post("/deposits", json=body)).status_code == 201
    seen = (await trader.get("/deposits")).json()
    assert (seen["total"], seen["items"][0]["id"], seen["items"][0]["status"]) == (1, made["id"], "requested")
    assert seen["items"][0]["store_id"] is None
    assert not {"reason", "requested_by", "decided_by"} & set(seen["items"][0])
    assert (await trader.get("/deposits", params={"status": "posted"})).json()["total"] == 0
    assert (await other.get("/deposits")).json()["items"] == []
    assert [item["store_id"] for item in (await merchant.get("/deposits")).json()["items"]] == [store["id"]]


async def test_list_by_status(office: Office) -> None:
    admin, trader = await office.admin(), await office.trader()
    made = (await admin.post("/deposits", json=deposit_to(trader, "3000"))).json()
    page = (await admin.get("/deposits", params={"status": "requested", "page_size": 1})).json()
    assert [item["id"] for item in page["items"]] == [made["id"]]
    assert (await admin.get("/deposits", params={"status": "lost"})).status_code == 422
    unknown = await admin.get("/deposits/0199aaaa-0000-7000-8000-000000000000")
    assert code_of(unknown) == (404, "not_found")


async def test_a_freeze_refuses(office: Office) -> None:
    first, second, trader = await office.admin(), await office.admin(), await office.trader()
    waiting = (await first.post("/deposits", json=deposit_to(trader, "3000"))).json()
    async with office.resources.database.write() as session:
        await freeze_service.freeze(session, Actor.system("tests"), reason="planted")
    try:
        answer = await first.post("/deposits", json=deposit_to(trader))
        assert code_of(answer) == (503, "platform.frozen")
        assert int(answer.headers["retry-after"]) > 0
        path = f"/deposits/{waiting['id']}/decision"
        approve = await second.post(path, json={"decision": "approve", "reason": "r"})
        assert code_of(approve) == (503, "platform.frozen")
        assert await available(trader) == "0.000000"
    finally:
        async with office.resources.database.write() as session:
            await freeze_service.unfreeze(session, Actor.system("tests"), reason="done")


async def test_everything_sums_to_zero(office: Office) -> None:
    async with office.resources.database.read() as session:
        assert await session.scalar(text("select sum(amount) from postings")) == Decimal(0)
