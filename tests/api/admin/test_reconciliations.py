"""Asking for a reconciliation and reading its report."""

from factories.office import Office, code_of
from jivapay.config.crypto import HeadSigner
from jivapay.domain.actors import Actor
from jivapay.services import reconciliation_service

SYSTEM = Actor.system("tests")


async def test_asked_for_made_and_read(office: Office) -> None:
    admin = await office.admin("reconciliations:*:any")
    key = {"Idempotency-Key": "books-1"}
    asked = await admin.post("/reconciliations", json={"date": "2026-11-20"}, headers=key)
    assert asked.status_code == 202
    made = asked.json()
    assert (made["date"], made["finished_at"], made["differences"]) == ("2026-11-20", None, 0)
    assert (await admin.post("/reconciliations", json={"date": "2026-11-20"}, headers=key)).json() == made
    waiting = (await admin.get(f"/reconciliations/{made['id']}")).json()
    assert waiting["checks"] == []
    resources = office.resources
    signer = HeadSigner.from_settings(resources.settings)
    assert await reconciliation_service.run_due(resources.database, resources.storage, signer, SYSTEM) == 1
    report = (await admin.get(f"/reconciliations/{made['id']}")).json()
    assert report["finished_at"] is not None
    assert [check["check"] for check in report["checks"]] == [one.code for one in reconciliation_service.CHECKS]
    assert all(check["differences"] == 0 and check["sentence"] for check in report["checks"])
    page = (await admin.get("/reconciliations", params={"page_size": 1})).json()
    assert (page["total"], page["items"][0]["id"]) == (1, made["id"])


async def test_who_may(office: Office) -> None:
    reader, stranger = await office.admin("reconciliations:read:any"), await office.admin("orders:read:any")
    assert (await reader.get("/reconciliations")).status_code == 200
    assert code_of(await reader.post("/reconciliations", json={})) == (403, "permission.denied")
    for answer in (
        await stranger.get("/reconciliations"),
        await stranger.get("/reconciliations/0199aaaa-0000-7000-8000-000000000000"),
        await stranger.post("/reconciliations", json={}),
    ):
        assert code_of(answer) == (403, "permission.denied")


async def test_refused(office: Office) -> None:
    admin = await office.admin()
    unknown = await admin.get("/reconciliations/0199aaaa-0000-7000-8000-000000000000")
    assert code_of(unknown) == (404, "not_found")
    before = (await admin.get("/reconciliations")).json()["total"]
    for body in ({"date": "yesterday"}, {"date": "2026-02-30"}, {"date": 20261120}, {"day": "2026-11-20"}):
        assert (await admin.post("/reconciliations", json=body)).status_code == 422
    assert (await admin.get("/reconciliations")).json()["total"] == before
