"""Signing in through the door of one's role, and being refused without learning why."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from factories.office import PASSWORD, Office, code_of
from jivapay.config.clock import ShiftedClock
from jivapay.config.crypto import encode_access_token
from jivapay.database.models.people import SignInFailure
from jivapay.database.models.records import AuditLog
from jivapay.schemas_enums.enums import Role

WRONG = "wrong horse battery"


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_signs_in_at_its_own_door_only(office: Office, role: Role) -> None:
    person = await office.hire(role)
    for other in Role:
        body = {"email": person.email, "password": PASSWORD}
        answer = await office.client.post(f"/api/{other}/auth/login", json=body)
        assert answer.status_code == (200 if other is role else 401)
        if other is role:
            assert answer.json()["token_type"] == "bearer"
            assert answer.json()["expires_in"] == 600
            assert answer.headers["cache-control"] == "no-store"


async def test_oauth2_form_is_the_same_door(office: Office) -> None:
    person = await office.hire(Role.TRADER)
    form = {"grant_type": "password", "username": person.email.upper(), "password": PASSWORD}
    answer = await office.client.post("/api/trader/auth/token", data=form)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "refresh_token", "token_type", "expires_in"}


async def test_unknown_user_and_wrong_password_answer_alike(office: Office) -> None:
    person = await office.hire(Role.MERCHANT)
    answers = []
    for email in (person.email, "nobody@office.example"):
        answer = await office.client.post("/api/merchant/auth/login", json={"email": email, "password": WRONG})
        document = answer.json()
        document.pop("request_id")
        answers.append((answer.status_code, document))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401
    assert answers[0][1]["code"] == "auth.invalid"


async def test_sign_in_and_failure_are_audited(office: Office) -> None:
    person = await office.hire(Role.SUPPORT)
    await person.sign_in()
    await office.client.post("/api/support/auth/login", json={"email": person.email, "password": WRONG})
    async with office.resources.database.read() as session:
        user_id = await session.scalar(
            select(AuditLog.actor_id).where(AuditLog.action == "auth.signed_in").order_by(AuditLog.id.desc())
        )
        actions = await session.scalars(
            select(AuditLog.action)
            .where(AuditLog.entity == "user", AuditLog.entity_id == user_id)
            .order_by(AuditLog.id)
        )
        assert actions.all() == ["user.created", "auth.signed_in", "auth.sign_in_failed"]


async def test_five_failures_close_the_door_but_no_session(office: Office, clock: ShiftedClock) -> None:
    person = await (await office.hire(Role.TRADER)).sign_in()
    body = {"email": person.email, "password": WRONG}
    for _ in range(5):
        assert code_of(await office.client.post("/api/trader/auth/login", json=body)) == (401, "auth.invalid")
    right = {**body, "password": PASSWORD}
    refused = await office.client.post("/api/trader/auth/login", json=right)
    assert code_of(refused) == (429, "rate_limited")
    assert 890 <= int(refused.headers["retry-after"]) <= 901
    assert (await person.get("/work")).status_code == 200
    clock.advance(timedelta(minutes=15, seconds=1))
    assert (await office.client.post("/api/trader/auth/login", json=right)).status_code == 200


async def test_success_forgets_failures(office: Office) -> None:
    person = await office.hire(Role.TRADER)
    for _ in range(4):
        await office.client.post("/api/trader/auth/login", json={"email": person.email, "password": WRONG})
    await person.sign_in()
    async with office.resources.database.read() as session:
        left = select(func.count()).select_from(SignInFailure).where(SignInFailure.account == person.email)
        assert await session.scalar(left) == 0


async def test_addresses_are_slowed_down(office: Office) -> None:
    await office.set(RATE_LIMIT_LOGIN="2/minute")
    try:
        answers = [
            await office.client.post("/api/admin/auth/login", json={"email": f"a{n}@b.example", "password": WRONG})
            for n in range(4)
        ]
    finally:
        await office.set(RATE_LIMIT_LOGIN="9000/minute")
    assert code_of(answers[-1]) == (429, "rate_limited")


async def test_blocked_user_is_told_only_after_his_password(office: Office) -> None:
    admin = await office.admin()
    person = await office.hire(Role.TRADER)
    assert (await admin.post(f"/users/{person.id}/block", json={"reason": "left"})).status_code == 200
    body = {"email": person.email, "password": PASSWORD}
    assert code_of(await office.client.post("/api/trader/auth/login", json=body)) == (403, "auth.blocked")
    body["password"] = WRONG
    assert code_of(await office.client.post("/api/trader/auth/login", json=body)) == (401, "auth.invalid")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Basic dTpw")],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
    ],
    ids=["none", "bare", "empty", "basic", "two"],
)
async def test_without_a_token(office: Office, headers: list[tuple[str, str]]) -> None:
    answer = await office.client.get("/api/trader/work?access_token=x", headers=headers)
    assert code_of(answer) == (401, "auth.required")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_token_is_good_at_its_own_door_only(office: Office) -> None:
    trader = await office.trader()
    for path in ("/api/merchant/stores", "/api/admin/users"):
        assert code_of(await trader.get(path)) == (401, "auth.invalid")
    trader.token = trader.refresh_token
    assert code_of(await trader.get("/work")) == (401, "auth.wrong_token_type")


async def test_token_of_no_session(office: Office) -> None:
    trader = await office.trader()
    resources = office.resources
    for subject, session_id in ((str(trader.id), "0199aaaa-0000-7000-8000-000000000000"), (str(trader.id), "x")):
        trader.token = encode_access_token(
            resources.settings, role="trader", subject=subject, session_id=session_id, now=resources.clock.now()
        )
        assert code_of(await trader.get("/work")) == (401, "auth.invalid")


async def test_access_token_ends_after_ten_minutes(office: Office, clock: ShiftedClock) -> None:
    trader = await office.trader()
    clock.advance(timedelta(minutes=9, seconds=59))
    assert (await trader.get("/work")).status_code == 200
    clock.advance(timedelta(seconds=2))
    assert code_of(await trader.get("/work")) == (401, "auth.invalid")


async def test_body_is_not_read_before_the_caller_is_known(office: Office) -> None:
    answer = await office.client.post("/api/trader/work", content=b"{", headers={"Content-Type": "application/json"})
    assert code_of(answer) == (401, "auth.required")


async def test_me(office: Office) -> None:
    trader = await office.trader()
    me = (await trader.get("/auth/me")).json()
    assert me["id"] == str(trader.id)
    assert me["role"] == "trader"
    assert "work:switch:own" in me["permissions"]
    assert (me["has_totp"], me["must_change_password"]) == (False, False)
