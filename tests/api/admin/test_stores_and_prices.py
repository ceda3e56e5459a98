"""What the platform takes: no active store of a world pays less than any active trader takes; equal is allowed."""

import asyncio
from decimal import Decimal

import pytest

from factories.office import Office, Person, code_of
from jivapay.services.commission_service import Commission


async def store_of(merchant: Person, *, test: bool = False) -> str:
    body = {"name": "S", "lower_limit": "0", "upper_limit": "100000", "test": test}
    made: str = (await merchant.post("/stores", json=body)).json()["id"]
    return made


def terms(payin: str, payout: str, **more: str) -> dict[str, object]:
    return {"commission": {"payin": payin, "payout": payout}, **more}


@pytest.fixture
async def admin(office: Office) -> Person:
    return await office.admin()


async def test_store_and_trader_bound_each_other(office: Office, admin: Person) -> None:
    trader = await office.trader(commission=Commission(Decimal("1.5"), Decimal(1)), test=True)
    store = await store_of(await office.merchant(), test=True)
    path, theirs = f"/stores/{store}/commission", f"/traders/{trader.id}/commission"
    for below in (terms("1.4999", "2"), terms("2", "0.9999")):
        assert code_of(await admin.call("PUT", path, json=below)) == (409, "commission.store_below_trader")
    answer = await admin.call("PUT", path, json=terms("1.5", "1", rate_margin_percent="0.25"))
    assert answer.status_code == 200
    assert answer.json()["commission"] == {"payin": "1.5", "payout": "1"}
    assert answer.json()["rate_margin_percent"] == "0.25"
    for above in ({"payin": "1.5001", "payout": "1"}, {"payin": "1", "payout": "1.0001"}):
        assert code_of(await admin.call("PUT", theirs, json=above)) == (409, "commission.store_below_trader")
    equal = await admin.call("PUT", theirs, json={"payin": "1.5", "payout": "1"})
    assert equal.json() == {"trader_id": str(trader.id), "commission": {"payin": "1.5", "payout": "1"}}
    body = {"email": "dear@office.example", "role": "trader"}
    dear = {**body, "trader": {"commission": {"payin": "1.6", "payout": "1"}, "test": True}}
    assert code_of(await admin.post("/users", json=dear)) == (409, "commission.store_below_trader")
    live = {**body, "trader": {"commission": {"payin": "1.6", "payout": "1"}}}
    assert (await admin.post("/users", json=live)).status_code == 201


async def test_blocked_traders_do_not_count_until_they_return(office: Office, admin: Person) -> None:
    trader = await office.trader(commission=Commission(Decimal(50), Decimal(50)))
    store = await store_of(await office.merchant())
    path = f"/stores/{store}/commission"
    assert code_of(await admin.call("PUT", path, json=terms("40", "40"))) == (409, "commission.store_below_trader")
    await admin.post(f"/users/{trader.id}/block", json={"reason": "r"})
    assert (await admin.call("PUT", path, json=terms("40", "40"))).status_code == 200
    back = await admin.post(f"/users/{trader.id}/unblock", json={"reason": "r"})
    assert code_of(back) == (409, "commission.store_below_trader")


async def test_two_right_changes_at_once_are_not_wrong_together(office: Office, admin: Person) -> None:
    for _ in range(3):
        trader = await office.trader(commission=Commission(Decimal(1), Decimal(1)))
        store = await store_of(await office.merchant())
        await admin.call("PUT", f"/stores/{store}/commission", json=terms("45", "45"))
        answers = await asyncio.gather(
            admin.call("PUT", f"/stores/{store}/commission", json=terms("20", "20")),
            admin.call("PUT", f"/traders/{trader.id}/commission", json={"payin": "30", "payout": "30"}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        await admin.post(f"/users/{trader.id}/block", json={"reason": "r"})


async def test_stores_as_staff_see_them(office: Office, admin: Person) -> None:
    store = await store_of(await office.merchant())
    assert (await admin.get(f"/stores/{store}")).json()["id"] == store
    page = (await admin.get("/stores", params={"page_size": 1})).json()
    assert [item["id"] for item in page["items"]] == [store]
    nobody = "0199aaaa-0000-7000-8000-000000000000"
    assert code_of(await admin.get(f"/stores/{nobody}")) == (404, "not_found")
    answer = await admin.call("PUT", f"/stores/{nobody}/commission", json=terms("1", "1"))
    assert code_of(answer) == (404, "not_found")


@pytest.mark.parametrize("percent", ["100", "-1", "1.00001", "01", "1,5", " 1", "1%", "NaN"])
async def test_percentages(office: Office, admin: Person, percent: str) -> None:
    path = "/stores/0199aaaa-0000-7000-8000-000000000000/commission"
    answer = await admin.call("PUT", path, json=terms(percent, "1"))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"loc": ["body", "commission", "payin"], "code": "percent.format"}]
