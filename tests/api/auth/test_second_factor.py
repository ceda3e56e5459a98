"""The second factor: begun, proved, asked for, used once, taken away; roles that need one may only enrol."""

from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import func, select

from factories.office import PASSWORD, Office, Person, code_of
from jivapay.config.clock import ShiftedClock
from jivapay.database.models.people import User
from jivapay.database.models.records import AuditLog
from jivapay.schemas_enums.enums import Role


def code_at(office: Office, secret: str, seconds: int = 0) -> str:
    return pyotp.TOTP(secret).at(office.resources.clock.now() + timedelta(seconds=seconds))


async def enrol(office: Office, person: Person) -> str:
    begun = await person.post("/auth/totp")
    assert begun.status_code == 200
    secret: str = begun.json()["secret"]
    assert begun.json()["otpauth_uri"].startswith("otpauth://totp/JivaPay:")
    assert (await person.post("/auth/totp/confirm", json={"otp": code_at(office, secret)})).status_code == 204
    return secret


async def test_enrolled_person_needs_his_code(office: Office, clock: ShiftedClock) -> None:
    person = await office.trader()
    secret = await enrol(office, person)
    body = {"email": person.email, "password": PASSWORD}
    url = "/api/trader/auth/login"
    assert code_of(await office.client.post(url, json=body)) == (401, "auth.otp_required")
    assert code_of(await office.client.post(url, json={**body, "otp": "000000"})) == (401, "auth.invalid")
    used = {**body, "otp": code_at(office, secret)}
    assert code_of(await office.client.post(url, json=used)) == (401, "totp.reused")
    clock.advance(timedelta(seconds=31))
    fresh = {**body, "otp": code_at(office, secret)}
    assert (await office.client.post(url, json=fresh)).status_code == 200
    assert code_of(await office.client.post(url, json=fresh)) == (401, "totp.reused")
    clock.advance(timedelta(seconds=31))
    form = {"username": person.email, "password": PASSWORD, "otp": code_at(office, secret)}
    assert (await office.client.post("/api/trader/auth/token", data=form)).status_code == 200


async def test_wrong_codes_count_as_failures(office: Office) -> None:
    person = await office.trader()
    await enrol(office, person)
    body = {"email": person.email, "password": PASSWORD, "otp": "000000"}
    for _ in range(5):
        await office.client.post("/api/trader/auth/login", json=body)
    assert code_of(await office.client.post("/api/trader/auth/login", json=body)) == (429, "rate_limited")
    # Whoever guesses codes knows the password already: each try is in the log, with its level.
    failed = (
        select(func.count())
        .select_from(AuditLog)
        .join(User, User.id == AuditLog.entity_id)
        .where(AuditLog.action == "auth.sign_in_failed", AuditLog.level == "WARNING", User.public_id == person.id)
    )
    async with office.resources.database.read() as session:
        assert await session.scalar(failed) == 5


async def test_missing_codes_do_not(office: Office) -> None:
    person = await office.trader()
    await enrol(office, person)
    body = {"email": person.email, "password": PASSWORD}
    answers = [await office.client.post("/api/trader/auth/login", json=body) for _ in range(8)]
    assert {code_of(answer) for answer in answers} == {(401, "auth.otp_required")}


async def test_confirm_and_begin_in_every_wrong_state(office: Office) -> None:
    person = await office.trader()
    assert code_of(await person.post("/auth/totp/confirm", json={"otp": "123456"})) == (409, "totp.not_begun")
    assert code_of(await person.call("DELETE", "/auth/totp")) == (409, "totp.not_enabled")
    await person.post("/auth/totp")
    assert code_of(await person.post("/auth/totp/confirm", json={"otp": "abc"})) == (401, "totp.invalid")
    await enrol(office, person)
    assert code_of(await person.post("/auth/totp")) == (409, "totp.enabled")
    assert code_of(await person.post("/auth/totp/confirm", json={"otp": "123456"})) == (409, "totp.enabled")


async def test_removal_needs_a_recent_proof(office: Office, clock: ShiftedClock) -> None:
    person = await office.trader()
    secret = await enrol(office, person)
    clock.advance(timedelta(minutes=6))
    assert code_of(await person.call("DELETE", "/auth/totp")) == (401, "auth.step_up_required")
    assert code_of(await person.post("/auth/step-up", json={"password": PASSWORD})) == (401, "auth.otp_required")
    proof = {"password": PASSWORD, "otp": code_at(office, secret)}
    assert (await person.post("/auth/step-up", json=proof)).status_code == 204
    assert (await person.call("DELETE", "/auth/totp")).status_code == 204
    await person.sign_in()


async def test_role_that_needs_a_factor_may_only_enrol(office: Office) -> None:
    await office.set(TOTP_REQUIRED_ROLES="trader")
    try:
        person, merchant = await office.trader(), await office.merchant()
        assert code_of(await person.get("/work")) == (403, "auth.totp_required")
        assert (await person.get("/auth/me")).status_code == 200
        assert (await merchant.get("/stores")).status_code == 200
        await enrol(office, person)
        assert (await person.get("/work")).status_code == 200
    finally:
        await office.set(TOTP_REQUIRED_ROLES="")


@pytest.mark.parametrize("env", ["production", "test"])
async def test_initial_password_only_allows_changing_it(office: Office, env: str) -> None:
    from dataclasses import replace

    from factories.office import SYSTEM, open_office
    from jivapay.config.settings import Environment
    from jivapay.services import user_service
    from jivapay.services.user_service import NewUser

    settings = office.resources.settings.model_copy(update={"env": Environment(env)})
    email = f"initial-{env}@office.example"
    async with open_office(replace(office.resources, settings=settings)) as other:
        async with other.resources.database.write() as session:
            new = NewUser(email, Role.MERCHANT, password=PASSWORD)
            created = await user_service.create_user(session, SYSTEM, new)
        person = await Person(created.user.public_id, email, Role.MERCHANT, other).sign_in()
        limited = env == "production"
        answer = await person.get("/stores")
        assert answer.status_code == (403 if limited else 200)
        if limited:
            assert code_of(answer) == (403, "auth.password_change_required")
        body = {"current_password": PASSWORD, "new_password": "another horse battery"}
        assert (await person.post("/auth/password", json=body)).status_code == 204
        assert (await person.get("/stores")).status_code == 200
