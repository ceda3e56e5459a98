"""A trader's own requisites, and what staff make of them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from factories.office import Office, Person, code_of
from jivapay.database.models.requisites import Requisite

CARD = "4276380012345679"
LIMITS = {"lower_limit": "0", "upper_limit": "100000.00"}
NOBODY = "0199aaaa-0000-7000-8000-000000000000"


def card(**changes: object) -> dict[str, Any]:
    return {
        "payment_method": "card",
        "bank": "sber",
        "number": "4276 3800 1234 5679",
        "holder": "Иванов Иван",
        "settings": LIMITS,
        **changes,
    }


async def add(trader: Person, **changes: object) -> dict[str, Any]:
    answer = await trader.post("/requisites", json=card(**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_add_see_and_approve(office: Office) -> None:
    trader, admin = await office.trader(), await office.admin()
    made = await add(trader)
    assert made["status"] == "check"
    assert (made["number"], made["number_masked"]) == (CARD, "•••• 5679")
    assert made["holder"] == "Иванов Иван"
    assert made["bank_name"] == "Сбербанк"
    assert made["settings"]["upper_limit"] == "100000.00"
    assert made["settings"]["max_open_orders"] == 10
    assert (await trader.get(f"/requisites/{made['id']}")).json() == made
    assert [item["number"] for item in (await trader.get("/requisites")).json()["items"]] == [CARD]
    path = f"/requisites/{made['id']}/status"
    answer = await admin.call("PUT", path, json={"status": "approve", "reason": "checked"})
    assert (answer.status_code, answer.json()["status"]) == (200, "approve")
    assert answer.json()["trader_id"] == str(trader.id)
    assert CARD not in answer.text
    assert CARD not in (await admin.get("/requisites")).text
    assert CARD not in (await admin.get(f"/requisites/{made['id']}")).text
    again = await admin.post(path, json={"status": "approve", "reason": "other words"})
    assert (again.status_code, again.json()["status_reason"]) == (200, "checked")
    blocked = await admin.call("PUT", path, json={"status": "blocked", "reason": "bank called"})
    assert blocked.json()["status"] == "blocked"
    assert (await trader.get(f"/requisites/{made['id']}")).json()["status_reason"] == "bank called"


async def test_stored_encrypted(office: Office) -> None:
    trader = await office.trader()
    made = await add(trader, number="79001234567", payment_method="sbp", bank="tbank")
    assert (made["number"], made["number_masked"]) == ("+79001234567", "+7•••••• 4567")
    async with office.resources.database.read() as session:
        row = await session.scalar(select(Requisite).where(Requisite.public_id == made["id"]))
        assert row is not None
        assert b"9001234567" not in row.number
        cipher = office.resources.cipher
        assert cipher.decrypt(row.number, f"requisites.number:{row.public_id}") == "+79001234567"
        assert row.number_index == cipher.blind_index("+79001234567", "requisites.number")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": "4276380012345674"}, "requisite.format"),
        ({"number": "427638"}, "requisite.format"),
        ({"number": "٤٢٧٦٣٨٠٠١٢٣٤٥٦٧٥"}, "requisite.format"),
        ({"number": "+79001234567"}, "requisite.format"),
        ({"payment_method": "sbp", "number": "+7900123456"}, "requisite.format"),
        ({"payment_method": "sbp", "number": "+19001234567"}, "requisite.format"),
        ({"payment_method": "sbp", "number": "+74951234567"}, "requisite.format"),
        ({"payment_method": "cash"}, "payment_method.unavailable"),
        ({"bank": "nobank"}, "bank.unavailable"),
        ({"settings": {**LIMITS, "lower_limit": "100000.01"}}, "validation.inconsistent"),
        ({"settings": {**LIMITS, "upper_limit": "10.001"}}, "money.too_many_decimals"),
        ({"settings": {**LIMITS, "upper_limit": "0"}}, "money.not_positive"),
        ({"settings": {**LIMITS, "turnover_limit_minutes": 5}}, "validation.inconsistent"),
        ({"settings": {**LIMITS, "max_open_orders": 0}}, "validation.range"),
        ({"status": "approve"}, "validation.unknown_field"),
        ({"holder": ""}, "validation.required"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_refused(office: Office, changes: dict[str, object], code: str) -> None:
    trader = await office.trader()
    answer = await trader.post("/requisites", json=card(**changes))
    assert answer.status_code == 422
    assert code in {answer.json()["code"], *(error["code"] for error in answer.json()["errors"])}
    assert CARD not in answer.text
    assert (await trader.get("/requisites")).json()["total"] == 0


async def test_duplicates(office: Office) -> None:
    trader, other, admin = await office.trader(), await office.trader(), await office.admin()
    phone = {"payment_method": "sbp", "number": "8 (900) 555-35-35"}
    await add(trader, **phone)
    assert code_of(await trader.post("/requisites", json=card(payment_method="sbp", number="+79005553535"))) == (
        409,
        "requisite.duplicate",
    )
    await add(trader, **phone, bank="alfa")
    theirs = await add(other, **phone)
    assert (await admin.get(f"/requisites/{theirs['id']}")).json()["duplicates"] == 2


async def test_the_same_many_times_at_once(office: Office) -> None:
    trader = await office.trader()
    answers = await asyncio.gather(*(trader.post("/requisites", json=card()) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_idempotency(office: Office) -> None:
    trader = await office.trader()
    key = {"Idempotency-Key": "requisite-1"}
    first, second = [await trader.post("/requisites", json=card(), headers=key) for _ in range(2)]
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"


async def test_limits_change_without_moderation(office: Office) -> None:
    trader, admin = await office.trader(), await office.admin()
    made = await add(trader)
    await admin.call("PUT", f"/requisites/{made['id']}/status", json={"status": "approve", "reason": "r"})
    path = f"/requisites/{made['id']}"
    body = {"settings": {"upper_limit": "500.00", "turnover_limit_minutes": 60, "turnover_limit_sum": "900"}}
    changed = (await trader.call("PATCH", path, json={**body, "is_excluded_from_distribution": True})).json()
    assert changed["status"] == "approve"
    assert changed["is_excluded_from_distribution"] is True
    assert changed["settings"]["upper_limit"] == "500.00"
    assert changed["settings"]["turnover_limit_sum"] == "900.00"
    for bad in ({"lower_limit": "500.01"}, {"turnover_limit_sum": None}, {"upper_limit": None}):
        assert (await trader.call("PATCH", path, json={"settings": bad})).status_code == 422
    body = {"settings": {"turnover_limit_minutes": None, "turnover_limit_sum": None}}
    cleared = (await trader.call("PATCH", path, json=body)).json()
    assert cleared["settings"]["turnover_limit_sum"] is None


async def test_details_go_to_moderation_again(office: Office) -> None:
    trader, admin = await office.trader(), await office.admin()
    made = await add(trader)
    path = f"/requisites/{made['id']}"
    approve = {"status": "approve", "reason": "r"}
    await admin.call("PUT", f"{path}/status", json=approve)
    changed = (await trader.call("PATCH", path, json={"holder": "Петров Пётр"})).json()
    assert (changed["holder"], changed["status"], changed["status_reason"]) == ("Петров Пётр", "check", None)
    await admin.call("PUT", f"{path}/status", json=approve)
    async with office.resources.database.write() as session:
        await session.execute(update(Requisite).where(Requisite.public_id == made["id"]).values(open_count=1))
    assert code_of(await trader.call("DELETE", path)) == (409, "requisite.in_use")
    assert (await trader.call("PATCH", path, json={"settings": {"upper_limit": "7"}})).status_code == 200


async def test_blocked_stays_blocked_whatever_is_changed(office: Office) -> None:
    trader, admin = await office.trader(), await office.admin()
    made = await add(trader)
    path = f"/requisites/{made['id']}"
    await admin.call("PUT", f"{path}/status", json={"status": "blocked", "reason": "fraud"})
    assert (await trader.call("PATCH", path, json={"bank": "alfa"})).json()["status"] == "blocked"


async def test_archived(office: Office) -> None:
    trader, admin = await office.trader(), await office.admin()
    made = await add(trader)
    path = f"/requisites/{made['id']}"
    assert (await trader.call("DELETE", path)).status_code == 204
    assert (await trader.get("/requisites")).json()["items"] == []
    assert (await trader.get("/requisites", params={"status": "archived"})).json()["total"] == 1
    assert code_of(await trader.call("DELETE", path)) == (404, "not_found")
    assert code_of(await trader.call("PATCH", path, json={"bank": "alfa"})) == (404, "not_found")
    answer = await admin.call("PUT", f"{path}/status", json={"status": "approve", "reason": "r"})
    assert code_of(answer) == (409, "requisite.state_conflict")
    await add(trader)


async def test_somebody_elses(office: Office) -> None:
    mine, other, admin = await office.trader(), await office.trader(), await office.admin()
    theirs = await add(other)
    assert (await mine.get("/requisites")).json()["total"] == 0
    for requisite_id in (theirs["id"], NOBODY):
        path = f"/requisites/{requisite_id}"
        for method, body in (("GET", None), ("PATCH", {"bank": "alfa"}), ("DELETE", None)):
            assert code_of(await mine.call(method, path, json=body)) == (404, "not_found")
    assert (await other.get(f"/requisites/{theirs['id']}")).json()["bank"] == "sber"
    for method, suffix, body in (("GET", "", None), ("PUT", "/status", {"status": "approve", "reason": "r"})):
        answer = await admin.call(method, f"/requisites/{NOBODY}{suffix}", json=body)
        assert code_of(answer) == (404, "not_found")


async def test_moderation_list(office: Office) -> None:
    trader, admin = await office.trader(), await office.admin()
    made = await add(trader)
    query = {"status": "check", "trader_id": str(trader.id)}
    page = (await admin.get("/requisites", params=query)).json()
    assert [item["id"] for item in page["items"]] == [made["id"]]
    assert page["items"][0]["trader_email"] == trader.email
    query["status"] = "approve"
    assert (await admin.get("/requisites", params=query)).json()["total"] == 0


async def test_work_and_balances(office: Office) -> None:
    trader = await office.trader()
    assert (await trader.get("/work")).json() == {"in_work": False, "is_traffic_enabled_by_teamlead": True}
    for _ in range(2):
        assert (await trader.post("/work", json={"in_work": True})).json()["in_work"] is True
    assert (await trader.post("/work", json={"in_work": "yes"})).status_code == 422
    assert (await trader.get("/balances")).json() == {
        "items": [
            {"account": "crypto", "currency": "USDT", "total": "0.000000", "held": "0.000000", "available": "0.000000"},
            {"account": "fiat", "currency": "RUB", "total": "0.00", "held": "0.00", "available": "0.00"},
        ]
    }
