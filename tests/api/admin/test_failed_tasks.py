"""Failed tasks over HTTP: who sees them, and who sends them again."""

from sqlalchemy import insert

from factories.office import Office, code_of
from jivapay.database.models.reference import FailedTask


async def test_seen_and_sent_again(office: Office) -> None:
    async with office.resources.database.write() as session:
        await session.execute(
            insert(FailedTask).values(
                task_id="a-1", name="jivapay.update_balance", args=[7], error="ValueError", traceback="secret 4111"
            )
        )
    operator, reader = await office.admin("tasks:*:any"), await office.admin("tasks:read:any")
    page = await reader.get("/failed-tasks")
    assert "secret" not in page.text
    assert [(item["task_id"], item["error"], item["resolved_at"]) for item in page.json()["items"]] == [
        ("a-1", "ValueError", None)
    ]
    assert code_of(await reader.post("/failed-tasks/a-1/requeue")) == (403, "permission.denied")
    assert code_of(await operator.post("/failed-tasks/none/requeue")) == (404, "not_found")
    sent = await operator.post("/failed-tasks/a-1/requeue")
    assert sent.status_code == 200
    assert sent.json()["resolved_at"] is not None
    assert code_of(await operator.post("/failed-tasks/a-1/requeue")) == (409, "task.resolved")
    assert (await reader.get("/failed-tasks")).json()["total"] == 0
    stranger = await office.admin("orders:read:any")
    assert code_of(await stranger.get("/failed-tasks")) == (403, "permission.denied")
