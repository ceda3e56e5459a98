"""Commissions over time and by method: what is in force, planned, and written down; what is refused names who."""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from factories.office import Office, Person, code_of
from jivapay.database.models.records import AuditLog
from jivapay.schemas_enums.enums import Role
from jivapay.services.commission_service import Commission

NOBODY = "0199aaaa-0000-7000-8000-000000000000"


def terms(payin: str, payout: str, **more: object) -> dict[str, object]:
    return {"commission": {"payin": payin, "payout": payout}, **more}


def later(office: Office, hours: float) -> str:
    return (office.resources.clock.now().astimezone(UTC) + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


@pytest.fixture
async def admin(office: Office) -> Person:
    return await office.admin()


async def open_store(office: Office, admin: Person, payin: str = "3", payout: str = "2") -> tuple[Person, str]:
    merchant = await office.merchant()
    body = {"name": "Tea and more", "lower_limit": "0", "upper_limit": "100000", "test": True}
    store = (await merchant.post("/stores", json=body)).json()["id"]
    answer = await admin.call("PUT", f"/stores/{store}/commission", json=terms(payin, payout, reason="opened"))
    assert answer.status_code == 200, answer.text
    return merchant, store


async def test_history_says_who_when_from_what_to_what(office: Office, admin: Person) -> None:
    merchant, store = await open_store(office, admin)
    await admin.call("PUT", f"/stores/{store}/commission", json=terms("3.5", "2", reason="new year"))
    page = (await admin.get(f"/stores/{store}/commissions/history")).json()
    assert page["total"] == 3
    newest = page["items"][0]
    assert (newest["direction"], newest["percent_before"], newest["percent"]) == ("pay_in", "3", "3.5")
    assert (newest["set_by"], newest["reason"], newest["payment_method"]) == (str(admin.id), "new year", None)
    assert newest["effective_from"] == newest["created_at"]
    own = (await merchant.get(f"/stores/{store}/commissions/history")).json()
    assert own["items"] == [{**item, "set_by": None} for item in page["items"]]
    assert {item["percent_before"] for item in page["items"][1:]} == {None}
    shown = (await merchant.get(f"/stores/{store}/commissions")).json()
    assert [(term["direction"], term["percent"]) for term in shown["in_force"]] == [("pay_in", "3.5"), ("pay_out", "2")]
    assert shown["planned"] == []
    assert shown == (await admin.get(f"/stores/{store}/commissions")).json()
    stranger = await office.merchant()
    for path in (f"/stores/{store}/commissions", f"/stores/{store}/commissions/history"):
        assert code_of(await stranger.get(path)) == (404, "not_found")
    async with office.resources.database.read() as session:
        rows = select(AuditLog.details).where(AuditLog.action == "store.commission_set").order_by(AuditLog.id.desc())
        details: dict[str, Any] = (await session.scalars(rows.limit(1))).one()
    assert details["pay_in"] == "3.5"
    assert "pay_out" not in details


async def test_a_planned_change_begins_at_its_moment(office: Office, admin: Person) -> None:
    merchant, store = await open_store(office, admin)
    begins = later(office, 2)
    path = f"/stores/{store}/commission"
    answer = await admin.call("PUT", path, json=terms("4", "2", effective_from=begins, reason="planned"))
    assert answer.json()["commission"] == {"payin": "3", "payout": "2"}
    shown = (await merchant.get(f"/stores/{store}/commissions")).json()
    assert [(term["percent"], term["effective_from"]) for term in shown["planned"]] == [("4", begins)]
    office.resources.clock.advance(timedelta(hours=2, seconds=1))  # type: ignore[attr-defined]  # tests run on a clock that can be moved
    admin, merchant = await admin.sign_in(), await merchant.sign_in()
    assert (await merchant.get(f"/stores/{store}")).json()["commission"] == {"payin": "4", "payout": "2"}
    assert (await merchant.get(f"/stores/{store}/commissions")).json()["planned"] == []
    past = terms("5", "2", effective_from=begins)
    assert code_of(await admin.call("PUT", path, json=past)) == (422, "commission.in_the_past")


async def test_a_method_goes_before_the_default_until_it_ends(office: Office, admin: Person) -> None:
    merchant, store = await open_store(office, admin)
    path = f"/stores/{store}/commission"
    assert (await admin.call("PUT", path, json=terms("5", "4", payment_method="card"))).status_code == 200
    begins = later(office, 1)
    await admin.call("PUT", path, json=terms("6", "4", payment_method="card", effective_from=begins))
    shown = (await merchant.get(f"/stores/{store}/commissions")).json()
    assert [(term["direction"], term["payment_method"], term["percent"]) for term in shown["in_force"]] == [
        ("pay_in", None, "3"),
        ("pay_in", "card", "5"),
        ("pay_out", None, "2"),
        ("pay_out", "card", "4"),
    ]
    assert [term["percent"] for term in shown["planned"]] == ["6"]
    assert (await merchant.get(f"/stores/{store}")).json()["commission"] == {"payin": "3", "payout": "2"}
    ended = await admin.post(f"/stores/{store}/commission/card/end", json={"reason": "no longer"})
    assert ended.status_code == 204, ended.text
    shown = (await merchant.get(f"/stores/{store}/commissions")).json()
    assert [term["payment_method"] for term in shown["in_force"]] == [None, None]
    assert [(term["percent"], term["effective_from"]) for term in shown["planned"]] == [(None, begins)]
    again = await admin.post(f"/stores/{store}/commission/card/end", json={"reason": "no longer"})
    assert code_of(again) == (404, "not_found")


async def test_a_trader_reads_his_own(office: Office, admin: Person) -> None:
    trader = await office.trader(commission=Commission(Decimal(1), Decimal("0.5")), test=True)
    body = {"payin": "0.9", "payout": "0.5", "payment_method": "sbp", "reason": "phones are quicker"}
    assert (await admin.call("PUT", f"/traders/{trader.id}/commission", json=body)).status_code == 200
    shown = (await trader.get("/commissions")).json()
    assert [(term["direction"], term["payment_method"], term["percent"]) for term in shown["in_force"]] == [
        ("pay_in", None, "1"),
        ("pay_in", "sbp", "0.9"),
        ("pay_out", None, "0.5"),
        ("pay_out", "sbp", "0.5"),
    ]
    assert shown == (await admin.get(f"/traders/{trader.id}/commissions")).json()
    history = (await admin.get(f"/traders/{trader.id}/commissions/history", params={"page_size": 1})).json()
    assert (history["total"], len(history["items"])) == (4, 1)
    own = (await trader.get("/commissions/history")).json()
    assert [(item["percent"], item["reason"]) for item in own["items"][:1]] == [("0.5", "phones are quicker")]
    assert {item["set_by"] for item in own["items"]} == {None}
    ended = await admin.post(f"/traders/{trader.id}/commission/sbp/end", json={"reason": "r"})
    assert ended.status_code == 204
    for path in ("commissions", "commissions/history"):
        assert code_of(await admin.get(f"/traders/{NOBODY}/{path}")) == (404, "not_found")
        assert code_of(await admin.get(f"/stores/{NOBODY}/{path}")) == (404, "not_found")


async def test_the_refusal_names_who_would_be_below(office: Office, admin: Person) -> None:
    """By direction and method, and at every moment that has already been decided."""
    _, store = await open_store(office, admin, "3", "2")
    trader = await office.trader(commission=Commission(Decimal(1), Decimal(1)), test=True)
    theirs, ours = f"/traders/{trader.id}/commission", f"/stores/{store}/commission"
    above = await admin.call("PUT", theirs, json={"payin": "3.1", "payout": "1", "payment_method": "card"})
    assert code_of(above) == (409, "commission.store_below_trader")
    assert above.json()["about"]["offenders"] == "Tea and more (pay_in, card)"
    planned = {"payin": "2.5", "payout": "1", "effective_from": later(office, 3)}
    assert (await admin.call("PUT", theirs, json=planned)).status_code == 200
    below = await admin.call("PUT", ours, json=terms("2", "2"))
    assert code_of(below) == (409, "commission.store_below_trader")
    assert below.json()["about"]["offenders"] == f"{trader.email} (pay_in)"
    assert (await admin.get(f"/stores/{store}")).json()["commission"] == {"payin": "3", "payout": "2"}
    assert (await admin.get(f"/stores/{store}/commissions/history")).json()["total"] == 2
    # A method of its own may be lower than the default as long as nobody takes more for that method.
    assert (await admin.call("PUT", ours, json=terms("2.5", "1", payment_method="card"))).status_code == 200
    higher = {"payin": "2.6", "payout": "1", "effective_from": later(office, 4)}
    refused = await admin.call("PUT", theirs, json=higher)
    assert refused.json()["about"]["offenders"] == "Tea and more (pay_in, card)"


async def test_what_is_refused_changes_nothing(office: Office, admin: Person) -> None:
    merchant = await office.merchant()
    body = {"name": "S", "lower_limit": "0", "upper_limit": "100000", "test": True}
    store = (await merchant.post("/stores", json=body)).json()["id"]
    path = f"/stores/{store}/commission"
    early = terms("50", "50", payment_method="card")
    assert code_of(await admin.call("PUT", path, json=early)) == (409, "commission.default_missing")
    unknown = terms("50", "50", payment_method="pigeon")
    assert code_of(await admin.call("PUT", path, json=unknown)) == (422, "payment_method.unavailable")
    mixed = terms("50", "50", rate_margin_percent="1", effective_from=later(office, 1))
    assert code_of(await admin.call("PUT", path, json=mixed)) == (422, "validation.inconsistent")
    assert (await admin.get(f"/stores/{store}/commissions/history")).json()["total"] == 0
    missing = await admin.post(f"/stores/{NOBODY}/commission/card/end", json={"reason": "r"})
    assert code_of(missing) == (404, "not_found")


async def test_changing_asks_for_step_up(office: Office) -> None:
    admin = await (await office.hire(Role.ADMIN, "commissions:*:any")).sign_in()
    office.resources.clock.advance(timedelta(minutes=6))  # type: ignore[attr-defined]  # as above
    path = f"/traders/{NOBODY}/commission"
    refused = await admin.call("PUT", path, json={"payin": "1", "payout": "1"})
    assert code_of(refused) == (401, "auth.step_up_required")
