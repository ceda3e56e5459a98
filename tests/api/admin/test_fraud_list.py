"""The block and allow lists over HTTP: kept by those who may, in one spelling, every change in the audit log."""

import pytest

from factories.office import code_of, open_office
from factories.world import World
from jivapay.domain.outcomes import Denied

NOBODY = "0199aaaa-0000-7000-8000-000000000000"


async def test_an_address_is_listed_denied_and_removed(world: World) -> None:
    async with open_office(world.resources) as office:
        admin = await office.admin()
        body = {"list_type": "block", "ip": "::ffff:203.0.113.9", "reason": "seen"}
        made = await admin.post("/fraud-list", json=body)
        assert (made.status_code, made.json()["ip"], made.json()["kind"]) == (201, "203.0.113.9", "ip")
        again = await admin.post("/fraud-list", json={**body, "ip": "203.0.113.9"})
        assert code_of(again) == (409, "fraud_list.exists")
        assert await world.process(await world.accept(customer_ip="203.0.113.9")) == Denied("fraud.block_list")
        path = f"/fraud-list/{made.json()['id']}"
        assert (await admin.call("DELETE", path)).status_code == 422
        assert (await admin.call("DELETE", path, params={"reason": "a mistake"})).status_code == 204
        assert code_of(await admin.call("DELETE", path, params={"reason": "again"})) == (404, "not_found")
        assert (await admin.get("/fraud-list")).json()["total"] == 0
    noted = await world.scalar("select array_agg(action order by id) from audit_log where entity = 'fraud_list_entry'")
    assert noted == ["fraud_list.added", "fraud_list.removed"]


async def test_a_customer_is_named_by_his_store(world: World) -> None:
    async with open_office(world.resources) as office:
        admin = await office.admin()
        body = {"list_type": "block", "store_id": str(world.store.public_id), "customer_id": "u:1", "reason": "seen"}
        assert (await admin.post("/fraud-list", json=body)).status_code == 201
        shown = (await admin.get("/fraud-list", params={"list_type": "block"})).json()["items"][0]
        assert (shown["store_id"], shown["customer_id"]) == (str(world.store.public_id), "u:1")
        assert (await admin.get("/fraud-list", params={"list_type": "allow"})).json()["total"] == 0
        assert code_of(await admin.post("/fraud-list", json={**body, "store_id": NOBODY})) == (404, "not_found")
    assert await world.process(await world.accept(customer_id="u:1")) == Denied("fraud.block_list")


@pytest.mark.parametrize(
    "changes",
    [
        {"ip": None},
        {"ip": "203.0.113.300"},
        {"customer_id": "u-1"},
        {"list_type": "grey"},
        {"reason": ""},
    ],
)
async def test_what_is_refused(world: World, changes: dict[str, str | None]) -> None:
    async with open_office(world.resources) as office:
        admin = await office.admin()
        body = {"list_type": "block", "ip": "203.0.113.9", "reason": "seen", **changes}
        assert (await admin.post("/fraud-list", json=body)).status_code == 422
        looker = await office.admin("fraud_list:read:any")
        assert (await looker.get("/fraud-list")).json()["total"] == 0
        assert code_of(await looker.post("/fraud-list", json=body))[0] in {403, 422}
