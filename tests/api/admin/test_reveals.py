"""Hard case 29: whole numbers are shown with a reason, twenty an hour, then only when another person says so."""

from sqlalchemy import select

from factories.office import Person, code_of, open_office
from factories.world import World
from jivapay.database.models.records import AuditLog
from jivapay.database.models.requisites import Requisite
from jivapay.domain.permissions import PRESETS
from jivapay.schemas_enums.enums import Role

REASON = {"reason": "a payer asks"}


async def number_of(world: World) -> str:
    async with world.database.read() as session:
        return str(await session.scalar(select(Requisite.public_id).limit(1)))


async def reveal(person: Person, requisite_id: str) -> tuple[int, str]:
    answer = await person.post(f"/requisites/{requisite_id}/reveal", json=REASON)
    return (200, answer.json()["number"]) if answer.status_code == 200 else code_of(answer)


async def test_case_29_twenty_an_hour_then_an_alarm_and_a_second_person(world: World) -> None:
    async with open_office(world.resources) as office:
        person, other = await office.admin(), await office.admin()
        requisite_id = await number_of(world)
        for _ in range(20):
            assert await reveal(person, requisite_id) == (200, "4276380012345675")
        assert await reveal(person, requisite_id) == (403, "requisite.reveal_limit")
        assert (await reveal(other, requisite_id))[0] == 200
        path = f"/requisites/reveals/{person.id}/allow"
        assert code_of(await person.post(path, json=REASON)) == (403, "approval.same_user")
        assert (await other.post(path, json=REASON)).status_code == 204
        assert (await reveal(person, requisite_id))[0] == 200
        async with world.database.read() as session:
            rows = (
                await session.execute(
                    select(AuditLog.action, AuditLog.level, AuditLog.details)
                    .where(AuditLog.action.like("requisite.reveal%"))
                    .order_by(AuditLog.id)
                )
            ).all()
    assert [(row.action, row.level) for row in rows[19:22]] == [
        ("requisite.revealed", "WARNING"),
        ("requisite.reveal_refused", "CRITICAL"),
        ("requisite.revealed", "WARNING"),
    ]
    assert all(row.details == REASON for row in rows)
    assert not any("4276380012345675" in str(row.details) for row in rows)


async def test_the_hour_passes(world: World) -> None:
    async with open_office(world.resources) as office:
        person = await office.admin()
        requisite_id = await number_of(world)
        for _ in range(21):
            await reveal(person, requisite_id)
        await world.advance(3601)
        assert (await reveal(await person.sign_in(), requisite_id))[0] == 200


async def test_refused(world: World) -> None:
    nobody_s = "0199aaaa-0000-7000-8000-000000000000"
    async with open_office(world.resources) as office:
        person = await office.admin()
        assert await reveal(person, nobody_s) == (404, "not_found")
        assert code_of(await person.post(f"/requisites/reveals/{nobody_s}/allow", json=REASON)) == (404, "not_found")
        requisite_id = await number_of(world)
        assert (await person.post(f"/requisites/{requisite_id}/reveal", json={})).status_code == 422
        await world.advance(301)
        assert await reveal(person, requisite_id) == (401, "auth.step_up_required")


async def test_case_29_support_s_door_counts_the_same(world: World) -> None:
    """Whoever of them may reveal sees as many as an administrator; a colleague at either door lets him go on."""
    async with open_office(world.resources) as office:
        rights = PRESETS[Role.SUPPORT]["orders"]
        agent, other = [await (await office.hire(Role.SUPPORT, *rights)).sign_in() for _ in range(2)]
        reader = await (await office.hire(Role.SUPPORT, *PRESETS[Role.SUPPORT]["readonly"])).sign_in()
        requisite_id = await number_of(world)
        listed = (await agent.get("/requisites")).json()
        assert [item["number_masked"] for item in listed["items"]] == ["•••• 5675"]
        assert "4276380012345675" not in str(listed)
        assert (await reader.get(f"/requisites/{requisite_id}")).status_code == 200
        assert await reveal(reader, requisite_id) == (403, "permission.denied")
        for _ in range(20):
            assert await reveal(agent, requisite_id) == (200, "4276380012345675")
        assert await reveal(agent, requisite_id) == (403, "requisite.reveal_limit")
        assert (await other.post(f"/requisites/reveals/{agent.id}/allow", json=REASON)).status_code == 204
        assert (await reveal(agent, requisite_id))[0] == 200
        moderated = await agent.call("PUT", f"/requisites/{requisite_id}/status", json={"status": "blocked", **REASON})
        assert moderated.status_code in {404, 405}
