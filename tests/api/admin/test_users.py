"""Users as administrators make and manage them; nobody exceeds himself."""

import re
from typing import Any

import pytest

from factories.office import PASSWORD, Office, code_of
from jivapay.domain.permissions import CATALOGUE, FULL
from jivapay.schemas_enums.enums import Role
from jivapay.servers.admin import server as admin_server
from jivapay.utils.routing import list_routes

TRADER = {"commission": {"payin": "1", "payout": "1.5"}}


async def test_create_and_sign_in_with_the_shown_password(office: Office) -> None:
    admin = await office.admin()
    body = {"email": "new@office.example", "role": "support", "name": "Анна", "permissions": ["orders:read:any"]}
    answer = await admin.post("/users", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == {"id", "email", "name", "role", "is_active", "created_at", "initial_password"}
    assert len(made["initial_password"]) == 20
    credentials = {"email": "NEW@office.example", "password": made["initial_password"]}
    assert (await office.client.post("/api/support/auth/login", json=credentials)).status_code == 200
    details = (await admin.get(f"/users/{made['id']}")).json()
    assert details["permissions"] == ["orders:read:any"]
    assert set(details) == {
        "id", "email", "name", "role", "is_active", "created_at", "permissions", "has_totp"
    }  # fmt: skip


async def test_create_trader_with_team_lead(office: Office) -> None:
    admin = await office.admin()
    lead = await office.hire(Role.TEAMLEAD)
    body: dict[str, Any] = {
        "email": "trader-of-lead@office.example",
        "role": "trader",
        "password": PASSWORD,
        "trader": {**TRADER, "team_lead_id": str(lead.id), "traffic_priority": 7, "test": True},
    }
    made = await admin.post("/users", json=body)
    assert made.status_code == 201
    assert made.json()["initial_password"] is None
    body["email"], body["trader"]["team_lead_id"] = "other@office.example", str(admin.id)
    assert code_of(await admin.post("/users", json=body)) == (422, "team_lead.unknown")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"email": "x"}, 422, "email.format"),
        ({"role": "owner"}, 422, "validation.enum"),
        ({"role": "trader"}, 422, "validation.inconsistent"),
        ({"trader": TRADER}, 422, "validation.inconsistent"),
        ({"permissions": ["orders:read:any"]}, 422, "validation.inconsistent"),
        ({"role": "admin", "permissions": ["*"]}, 422, "permission.format"),
        ({"role": "admin", "permissions": ["a:*:*:*"]}, 422, "permission.format"),
        ({"role": "admin", "permissions": ["orders:read:any"] * 2}, 422, "permission.format"),
        ({"role": "admin", "permissions": ["x" * 10_240]}, 422, "permission.format"),
        ({"password": "short"}, 422, "password.too_short"),
        ({"role": "trader", "trader": {"commission": {"payin": "100", "payout": "1"}}}, 422, "percent.format"),
        ({"role": "trader", "trader": {**TRADER, "fiat_currency": "XXX"}}, 422, "currency.unknown"),
        ({"role": "trader", "trader": {**TRADER, "fiat_currency": "USDT"}}, 422, "currency.unknown"),
        ({"is_active": False}, 422, "validation.unknown_field"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_refused_users(office: Office, body: dict[str, Any], status: int, code: str) -> None:
    admin = await office.admin()
    given = {"email": "refused@office.example", "role": "merchant", **body}
    answer = await admin.post("/users", json=given)
    assert answer.status_code == status
    assert code in {answer.json()["code"], *(error["code"] for error in answer.json()["errors"])}
    listed = (await admin.get("/users", params={"search": "refused@office"})).json()
    assert listed["total"] == 0


async def test_email_once_whatever_its_case(office: Office) -> None:
    admin = await office.admin()
    assert (await admin.post("/users", json={"email": "Once@office.example", "role": "merchant"})).status_code == 201
    again = await admin.post("/users", json={"email": "once@OFFICE.example", "role": "trader", "trader": TRADER})
    assert code_of(again) == (409, "user.email_exists")


async def test_idempotency(office: Office) -> None:
    admin = await office.admin()
    body = {"email": "idem@office.example", "role": "merchant", "password": PASSWORD}
    key = {"Idempotency-Key": "user-1"}
    first = await admin.post("/users", json=body, headers=key)
    second = await admin.post("/users", json=body, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    other = {**body, "email": "idem2@office.example"}
    assert code_of(await admin.post("/users", json=other, headers=key)) == (422, "idempotency.mismatch")
    secret = {"email": "idem3@office.example", "role": "merchant"}
    key = {"Idempotency-Key": "user-2"}
    assert (await admin.post("/users", json=secret, headers=key)).status_code == 201
    assert code_of(await admin.post("/users", json=secret, headers=key)) == (409, "idempotency.not_replayable")
    for bad in ("x" * 256, "ключ".encode()):
        answer = await admin.post("/users", json=secret, headers={"Idempotency-Key": bad})
        assert code_of(answer) == (422, "idempotency.key_format")


async def test_key_belongs_to_its_user(office: Office) -> None:
    first, second = await office.admin(), await office.admin()
    key = {"Idempotency-Key": "shared"}
    one = {"email": "k1@office.example", "role": "merchant", "password": PASSWORD}
    two = {**one, "email": "k2@office.example"}
    assert (await first.post("/users", json=one, headers=key)).status_code == 201
    assert (await second.post("/users", json=two, headers=key)).status_code == 201


async def test_list(office: Office) -> None:
    admin = await office.admin("users:read:any")
    hired = [await office.hire(Role.TEAMLEAD) for _ in range(3)]
    page = (await admin.get("/users", params={"role": "teamlead", "page_size": 2})).json()
    assert [item["id"] for item in page["items"]] == [str(hired[2].id), str(hired[1].id)]
    assert (page["page"], page["page_size"]) == (1, 2)
    assert page["total"] >= 3
    found = (await admin.get("/users", params={"search": hired[0].email.upper()})).json()
    assert [item["email"] for item in found["items"]] == [hired[0].email]
    assert (await admin.get("/users", params={"search": "%"})).json()["total"] == 0
    assert (await admin.get("/users", params={"page_size": 201})).status_code == 422


async def test_unknown_user(office: Office) -> None:
    admin = await office.admin()
    for method, path, body in (
        ("GET", f"/users/{NOBODY}", None),
        ("POST", f"/users/{NOBODY}/block", {"reason": "r"}),
        ("POST", f"/users/{NOBODY}/unblock", {"reason": "r"}),
        ("POST", f"/users/{NOBODY}/password-reset", None),
        ("PUT", f"/users/{NOBODY}/permissions", {"permissions": []}),
        ("GET", f"/users/{NOBODY}/permissions", None),
        ("PUT", f"/traders/{NOBODY}/commission", {"payin": "1", "payout": "1"}),
    ):
        assert code_of(await admin.call(method, path, json=body)) == (404, "not_found"), path


async def test_password_reset(office: Office) -> None:
    admin, person = await office.admin(), await office.trader()
    answer = await admin.post(f"/users/{person.id}/password-reset")
    password = answer.json()["initial_password"]
    assert code_of(await person.get("/work")) == (401, "auth.invalid")
    assert (await person.sign_in(password=password)).token
    assert code_of(await admin.post(f"/users/{admin.id}/password-reset")) == (409, "user.self")


async def test_block_rules(office: Office) -> None:
    admin = await office.admin()
    blocker = await office.admin("users:block:any")
    assert code_of(await admin.post(f"/users/{admin.id}/block", json={"reason": "r"})) == (409, "user.self")
    refused = await blocker.post(f"/users/{admin.id}/block", json={"reason": "r"})
    assert code_of(refused) == (403, "permission.escalation")
    assert (await admin.post(f"/users/{blocker.id}/block", json={})).status_code == 422
    blocked = await admin.post(f"/users/{blocker.id}/block", json={"reason": "r"})
    assert blocked.json()["is_active"] is False
    unblocked = await admin.post(f"/users/{blocker.id}/unblock", json={"reason": "r"})
    assert unblocked.json()["is_active"] is True


async def test_permissions(office: Office) -> None:
    admin = await office.admin()
    person = await office.admin("users:read:any", "permissions:*:any")
    catalogue = (await admin.get("/permissions")).json()
    assert {item["permission"] for item in catalogue["items"]} == set(CATALOGUE)
    assert catalogue["presets"]["admin"]["full"] == [FULL]
    target = await office.hire(Role.SUPPORT, "users:read:any")
    path = f"/users/{target.id}/permissions"
    assert (await person.get(path)).json() == {"permissions": ["users:read:any"]}
    granted = await person.call("PUT", path, json={"permissions": ["permissions:read:any"]})
    assert granted.json() == {"permissions": ["permissions:read:any"]}
    for grants in (["orders:read:any"], [FULL], ["users:*:any"]):
        assert code_of(await person.call("PUT", path, json={"permissions": grants})) == (403, "permission.escalation")
    own = f"/users/{person.id}/permissions"
    assert code_of(await person.call("PUT", own, json={"permissions": [FULL]})) == (403, "permission.escalation")
    theirs = f"/users/{admin.id}/permissions"
    assert code_of(await person.call("PUT", theirs, json={"permissions": []})) == (403, "permission.escalation")
    trader = await office.hire(Role.TRADER)
    refused = await admin.call("PUT", f"/users/{trader.id}/permissions", json={"permissions": []})
    assert code_of(refused) == (409, "permission.role")


async def test_permission_change_acts_at_once(office: Office) -> None:
    admin, person = await office.admin(), await office.admin("users:read:any")
    assert (await person.get("/users")).status_code == 200
    await admin.call("PUT", f"/users/{person.id}/permissions", json={"permissions": []})
    assert code_of(await person.get("/users")) == (403, "permission.denied")


NOBODY = "0199aaaa-0000-7000-8000-000000000000"

ROUTES: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("users:read:any", "GET", "/users", None),
    ("users:read:any", "GET", "/users/{id}", None),
    ("users:create:any", "POST", "/users", {"email": "e@office.example", "role": "merchant"}),
    ("users:block:any", "POST", "/users/{id}/block", {"reason": "r"}),
    ("users:block:any", "POST", "/users/{id}/unblock", {"reason": "r"}),
    ("users:edit:any", "POST", "/users/{id}/password-reset", None),
    ("permissions:read:any", "GET", "/permissions", None),
    ("permissions:read:any", "GET", "/users/{id}/permissions", None),
    ("permissions:edit:any", "PUT", "/users/{id}/permissions", {"permissions": []}),
    ("commissions:edit:any", "PUT", "/traders/{id}/commission", {"payin": "1", "payout": "1"}),
    ("commissions:edit:any", "PUT", "/stores/{id}/commission", {"commission": {"payin": "1", "payout": "1"}}),
    ("commissions:edit:any", "POST", "/traders/{id}/commission/{id}/end", {"reason": "r"}),
    ("commissions:edit:any", "POST", "/stores/{id}/commission/{id}/end", {"reason": "r"}),
    ("commissions:read:any", "GET", "/traders/{id}/commissions", None),
    ("commissions:read:any", "GET", "/stores/{id}/commissions", None),
    ("commissions:read:any", "GET", "/traders/{id}/commissions/history", None),
    ("commissions:read:any", "GET", "/stores/{id}/commissions/history", None),
    ("stores:read:any", "GET", "/stores", None),
    ("stores:read:any", "GET", "/stores/{id}", None),
    ("requisites:reveal:any", "POST", "/requisites/{id}/reveal", {"reason": "r"}),
    ("requisites:reveal:any", "POST", "/requisites/reveals/{id}/allow", {"reason": "r"}),
    ("stores:edit:any", "PUT", "/stores/{id}/access", {"access": True, "traffic_access": True, "reason": "r"}),
    ("requisites:read:any", "GET", "/requisites", None),
    ("requisites:read:any", "GET", "/requisites/{id}", None),
    ("requisites:moderate:any", "PUT", "/requisites/{id}/status", {"status": "approve", "reason": "r"}),
    ("orders:read:any", "GET", "/orders/cases?kind=requires_attention", None),
    ("orders:read:any", "GET", "/orders/{id}/rate-certificate", None),
    ("platform:read:any", "GET", "/platform/balance", None),
    ("platform:read:any", "GET", "/platform/balance/history", None),
    ("platform:read:any", "GET", "/platform/balance/history/file", None),
    ("platform:read:any", "GET", "/platform/profit", None),
    ("statements:read:any", "GET", "/stores/{id}/balance/history", None),
    ("statements:read:any", "GET", "/stores/{id}/balance/history/file", None),
    ("statements:read:any", "GET", "/traders/{id}/balances/history", None),
    ("statements:read:any", "GET", "/traders/{id}/balances/history/file", None),
    ("orders:review:any", "POST", "/orders/{id}/review", {"approve": True, "reason": "r"}),
    ("orders:decide:any", "POST", "/orders/{id}/decision", {"outcome": "cancelled", "reason": "r"}),
    ("orders:read:any", "GET", "/orders/{id}/timeline", None),
    ("disputes:open:any", "POST", "/orders/{id}/dispute", {"reason": "r"}),
    ("disputes:read:any", "GET", "/disputes", None),
    ("disputes:read:any", "GET", "/disputes/{id}", None),
    ("disputes:read:any", "GET", "/disputes/{id}/evidence/{id}", None),
    ("disputes:answer:any", "POST", "/disputes/{id}/take", None),
    ("disputes:answer:any", "POST", "/disputes/{id}/messages", {"text": "m"}),
    ("disputes:answer:any", "POST", "/disputes/{id}/evidence", None),
    ("disputes:resolve:any", "POST", "/disputes/{id}/resolve", {"outcome": "completed", "reason": "r"}),
    ("disputes:resolve:any", "POST", "/disputes/{id}/lend", {"reason": "r"}),
    ("platform:read:any", "GET", "/chain-heads", None),
    ("orders:review:any", "POST", "/orders/{id}/take", None),
    ("orders:review:any", "POST", "/orders/{id}/release", None),
    ("unmatched:read:any", "GET", "/unmatched-payments", None),
    ("unmatched:read:any", "GET", "/unmatched-payments/{id}", None),
    ("unmatched:read:any", "GET", "/unmatched-payments/{id}/candidates", None),
    ("unmatched:decide:any", "POST", "/unmatched-payments/{id}/attach", {"order_id": NOBODY, "reason": "r"}),
    ("unmatched:decide:any", "POST", "/unmatched-payments/{id}/return", {"reason": "r"}),
    ("reconciliations:read:any", "GET", "/reconciliations", None),
    ("reconciliations:read:any", "GET", "/reconciliations/{id}", None),
    ("reconciliations:run:any", "POST", "/reconciliations", None),
    ("fraud_list:read:any", "GET", "/fraud-list", None),
    ("fraud_list:edit:any", "POST", "/fraud-list", None),
    ("fraud_list:edit:any", "DELETE", "/fraud-list/{id}", None),
    ("tasks:read:any", "GET", "/failed-tasks", None),
    ("tasks:requeue:any", "POST", "/failed-tasks/{id}/requeue", None),
    ("rates:edit:any", "GET", "/rates", None),
    ("rates:edit:any", "PUT", "/rates", {"fiat": "RUB", "crypto": "USDT", "rate": "92.50"}),
    ("settings:read:any", "GET", "/settings", None),
    ("settings:edit:any", "PUT", "/settings/{id}", {"value": "6"}),
    ("deposits:read:any", "GET", "/deposits", None),
    ("deposits:read:any", "GET", "/deposits/{id}", None),
    ("deposits:create:any", "POST", "/deposits", None),
    ("deposits:decide:any", "POST", "/deposits/{id}/decision", {"decision": "approve", "reason": "r"}),
    ("withdrawals:read:any", "GET", "/withdrawals", None),
    ("withdrawals:read:any", "GET", "/withdrawals/{id}", None),
    ("withdrawals:create:any", "POST", "/withdrawals", None),
    ("withdrawals:decide:any", "POST", "/withdrawals/{id}/approve", {"reason": "r"}),
    ("withdrawals:decide:any", "POST", "/withdrawals/{id}/reject", {"reason": "r"}),
    ("withdrawals:send:any", "POST", "/withdrawals/{id}/claim", None),
    ("withdrawals:send:any", "POST", "/withdrawals/{id}/sent", {"tx_hash": "ab"}),
    ("withdrawals:send:any", "POST", "/withdrawals/{id}/return", {"reason": "r"}),
    ("adjustments:read:any", "GET", "/adjustments", None),
    ("adjustments:read:any", "GET", "/adjustments/{id}", None),
    ("adjustments:create:any", "POST", "/adjustments", None),
    ("adjustments:create:any", "POST", "/adjustments/corrections", None),
    ("approvals:read:any", "GET", "/approvals", None),
    ("approvals:read:any", "GET", "/approvals/{id}", None),
    ("approvals:decide:any", "POST", "/approvals/{id}/approve", None),
    ("approvals:decide:any", "POST", "/approvals/{id}/reject", {"reason": "r"}),
    ("fraud_list:read:any", "GET", "/fraud-list", None),
    ("fraud_list:edit:any", "POST", "/fraud-list", None),
    ("fraud_list:edit:any", "DELETE", "/fraud-list/{id}", None),
    ("tasks:read:any", "GET", "/failed-tasks", None),
    ("tasks:requeue:any", "POST", "/failed-tasks/{id}/requeue", None),
    ("orders:review:any", "POST", "/orders/{id}/take", None),
    ("orders:review:any", "POST", "/orders/{id}/release", None),
    ("orders:read:any", "GET", "/orders/{id}/timeline", None),
    ("disputes:open:any", "POST", "/orders/{id}/dispute", None),
    ("disputes:read:any", "GET", "/disputes", None),
    ("disputes:read:any", "GET", "/disputes/{id}", None),
    ("disputes:answer:any", "POST", "/disputes/{id}/take", None),
    ("disputes:answer:any", "POST", "/disputes/{id}/messages", None),
    ("disputes:answer:any", "POST", "/disputes/{id}/evidence", None),
    ("disputes:read:any", "GET", "/disputes/{id}/evidence/{id}", None),
    ("disputes:resolve:any", "POST", "/disputes/{id}/resolve", None),
    ("disputes:resolve:any", "POST", "/disputes/{id}/lend", None),
    ("unmatched:read:any", "GET", "/unmatched-payments", None),
    ("unmatched:read:any", "GET", "/unmatched-payments/{id}", None),
    ("unmatched:read:any", "GET", "/unmatched-payments/{id}/candidates", None),
    ("unmatched:decide:any", "POST", "/unmatched-payments/{id}/attach", None),
    ("unmatched:decide:any", "POST", "/unmatched-payments/{id}/return", None),
    ("reconciliations:read:any", "GET", "/reconciliations", None),
    ("reconciliations:run:any", "POST", "/reconciliations", None),
    ("reconciliations:read:any", "GET", "/reconciliations/{id}", None),
    ("platform:read:any", "GET", "/chain-heads", None),
]


async def test_everything_but_the_permission_is_not_enough(office: Office) -> None:
    """Holding all other permissions, each route is refused."""
    admin = await office.admin()
    person = await office.admin("users:read:any")
    for permission, method, path, body in ROUTES:
        others = {"permissions": [other for other in CATALOGUE if other != permission]}
        assert (await admin.call("PUT", f"/users/{person.id}/permissions", json=others)).status_code == 200
        refused = await person.call(method, path.format(id=NOBODY), json=body)
        assert code_of(refused) == (403, "permission.denied"), (permission, path)


async def test_every_admin_route_stands_in_the_table_above(office: Office) -> None:
    known = {(method, f"/api/admin{path.partition('?')[0]}") for _, method, path, _ in ROUTES}
    declared = {
        (method, re.sub(r"{[a-z_]+}", "{id}", path))
        for path, route in list_routes(admin_server.create_app())
        for method in route.methods
        if path.startswith("/api/admin/") and "/auth/" not in path
    }
    assert declared - {("POST", "/api/admin/requisites/{id}/status")} == known


async def test_deny_by_default(office: Office) -> None:
    nobody = await (await office.hire(Role.ADMIN)).sign_in()
    assert code_of(await nobody.get("/users")) == (403, "permission.denied")
    assert (await nobody.get("/auth/me")).status_code == 200
