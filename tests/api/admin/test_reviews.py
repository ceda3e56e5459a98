"""Orders that a rule has stopped: a person lets them go on or rejects them, once."""

from decimal import Decimal

import pytest

from factories.office import code_of, open_office
from factories.world import World


@pytest.mark.parametrize(("approve", "status"), [(True, "new"), (False, "failed")])
async def test_decision(world: World, approve: bool, status: str) -> None:
    incoming_id = await world.accept(Decimal(600_000))
    await world.process(incoming_id)
    assert (await world.statuses(incoming_id))[0] == "manual_review"
    order_id = (await world.deal(incoming_id)).incoming.public_id
    async with open_office(world.resources) as office:
        admin = await office.admin()
        path, body = f"/orders/{order_id}/review", {"approve": approve, "reason": "called the shop"}
        answer = await admin.post(path, json=body)
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert code_of(await admin.post(path, json=body)) == (409, "order.state_conflict")
        assert (await admin.post(path, json={"approve": "yes", "reason": "r"})).status_code == 422
        nobody = await admin.post("/orders/0199aaaa-0000-7000-8000-000000000000/review", json=body)
        assert code_of(nobody) == (404, "not_found")
    kept = await world.scalar("select count(*) from audit_log where details::text like '%called the shop%'")
    assert kept == 1
