"""Sessions live in the database: refreshed by rotation, ended at once by logout, block and a stolen token."""

import asyncio
from datetime import timedelta

from sqlalchemy import select

from factories.office import PASSWORD, Office, Person, code_of
from jivapay.config.clock import ShiftedClock
from jivapay.database.models.records import AuditLog


async def refresh(person: Person, token: str | None = None, role: str | None = None) -> tuple[int, dict[str, str]]:
    body = {"refresh_token": token or person.refresh_token}
    answer = await person.office.client.post(f"/api/{role or person.role}/auth/refresh", json=body)
    return answer.status_code, answer.json()


async def test_renewing_has_a_limit_of_its_own(office: Office) -> None:
    """Many who renew behind one address keep nobody from signing in."""
    person = await office.trader()
    await office.set(RATE_LIMIT_REFRESH="2/minute")
    try:
        answers = [(await refresh(person, "no-such-token"))[0] for _ in range(6)]
        assert 429 in answers
        await person.sign_in()
    finally:
        await office.set(RATE_LIMIT_REFRESH="9000/minute")


async def test_refresh_rotates(office: Office) -> None:
    person = await office.trader()
    status, pair = await refresh(person)
    assert status == 200
    assert pair["refresh_token"] != person.refresh_token
    person.token = pair["access_token"]
    assert (await person.get("/work")).status_code == 200
    assert (await refresh(person, pair["refresh_token"]))[0] == 200


async def test_reused_refresh_token_ends_the_session(office: Office) -> None:
    person = await office.trader()
    _, pair = await refresh(person)
    assert (await refresh(person))[0] == 401
    assert (await refresh(person, pair["refresh_token"]))[0] == 401
    assert code_of(await person.get("/work")) == (401, "auth.invalid")
    async with office.resources.database.read() as session:
        found = select(AuditLog.level).where(AuditLog.action == "auth.refresh_reused")
        assert (await session.scalars(found)).all() == ["WARNING"]


async def test_refresh_token_of_another_door_or_of_nobody(office: Office) -> None:
    person = await office.trader()
    assert (await refresh(person, role="merchant"))[0] == 401
    assert (await refresh(person, "x" * 43))[0] == 401
    assert (await refresh(person, person.token[:200]))[0] == 401
    assert (await refresh(person))[0] == 200


async def test_two_refreshes_at_once_do_not_both_win(office: Office) -> None:
    person = await office.trader()
    answers = await asyncio.gather(*(refresh(person) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 401, 401, 401]
    assert code_of(await person.get("/work")) == (401, "auth.invalid")


async def test_idle_and_absolute_end(office: Office, clock: ShiftedClock) -> None:
    idle, busy = await office.trader(), await office.trader()
    for _ in range(8):
        clock.advance(timedelta(hours=23))
        status, pair = await refresh(busy)
        if status != 200:
            break
        busy.refresh_token = pair["refresh_token"]
    assert status == 401
    assert (await refresh(idle))[0] == 401


async def test_logout_ends_at_once(office: Office) -> None:
    person = await office.trader()
    assert (await person.post("/auth/logout")).status_code == 204
    assert code_of(await person.get("/work")) == (401, "auth.invalid")
    assert (await refresh(person))[0] == 401


async def test_list_and_end_sessions(office: Office) -> None:
    first = await office.trader()
    second = await first.sign_in()
    third = await first.sign_in()
    items = (await third.get("/auth/sessions")).json()["items"]
    assert [item["current"] for item in items] == [True, False, False]
    assert items[0]["ip"] == "127.0.0.1"
    assert (await third.call("DELETE", f"/auth/sessions/{items[1]['id']}")).status_code == 204
    assert code_of(await second.get("/work")) == (401, "auth.invalid")
    assert code_of(await third.call("DELETE", f"/auth/sessions/{items[1]['id']}")) == (404, "not_found")
    assert (await third.call("DELETE", "/auth/sessions")).status_code == 204
    assert code_of(await first.get("/work")) == (401, "auth.invalid")
    assert (await third.get("/work")).status_code == 200


async def test_somebody_elses_session(office: Office) -> None:
    mine, other = await office.trader(), await office.trader()
    session_id = (await other.get("/auth/sessions")).json()["items"][0]["id"]
    assert code_of(await mine.call("DELETE", f"/auth/sessions/{session_id}")) == (404, "not_found")
    assert (await other.get("/work")).status_code == 200


async def test_block_and_role_change_act_at_once(office: Office) -> None:
    admin, person = await office.admin(), await office.trader()
    await admin.post(f"/users/{person.id}/block", json={"reason": "r"})
    assert code_of(await person.get("/work")) == (401, "auth.invalid")
    await admin.post(f"/users/{person.id}/unblock", json={"reason": "r"})
    assert code_of(await person.get("/work")) == (401, "auth.invalid")
    assert (await (await person.sign_in()).get("/work")).status_code == 200


async def test_password_change(office: Office) -> None:
    person = await office.merchant()
    other = await person.sign_in()
    new = "another horse battery"
    wrong = {"current_password": "not it at all", "new_password": new}
    assert code_of(await person.post("/auth/password", json=wrong)) == (401, "auth.invalid")
    for bad, code in (
        ("short", "password.too_short"),
        ("x" * 257, "password.too_long"),
        ("1234567890", "password.too_common"),
        ("Password123", "password.too_common"),
        ("aaaaaaaaaaaa", "password.too_common"),
        (PASSWORD, "password.unchanged"),
    ):
        body = {"current_password": PASSWORD, "new_password": bad}
        assert code_of(await person.post("/auth/password", json=body)) == (422, code)
    body = {"current_password": PASSWORD, "new_password": new}
    assert (await person.post("/auth/password", json=body)).status_code == 204
    assert (await person.get("/stores")).status_code == 200
    assert code_of(await other.get("/stores")) == (401, "auth.invalid")
    assert (await person.sign_in(password=new)).token


async def test_step_up(office: Office, clock: ShiftedClock) -> None:
    admin = await office.admin()
    body = {"email": "x@office.example", "role": "merchant"}
    clock.advance(timedelta(minutes=5, seconds=1))
    assert code_of(await admin.post("/users", json=body)) == (401, "auth.step_up_required")
    assert code_of(await admin.post("/auth/step-up", json={"password": "not it at all"})) == (401, "auth.invalid")
    assert (await admin.post("/auth/step-up", json={"password": PASSWORD})).status_code == 204
    assert (await admin.post("/users", json=body)).status_code == 201
