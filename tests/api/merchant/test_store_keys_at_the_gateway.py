"""What a key opens: its store and nothing else; revoked, expired, blocked and unsigned ones open nothing."""

import hashlib
import hmac
import time
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from factories.office import Office, Person, code_of
from jivapay.config.clock import ShiftedClock

STORE = {"name": "Shop", "lower_limit": "100", "upper_limit": "100000.00"}


@pytest.fixture
async def merchant(office: Office) -> Person:
    return await office.merchant()


async def open_store(merchant: Person, *, key: dict[str, Any] | None = None, **changes: object) -> tuple[str, str, str]:
    """Store, key and signing secret."""
    store = (await merchant.post("/stores", json={**STORE, **changes})).json()["id"]
    made = (await merchant.post(f"/stores/{store}/api-keys", json=key or {})).json()
    return store, made["api_key"], made["signing_secret"]


async def ask(office: Office, key: str, **headers: str) -> httpx2.Response:
    return await office.client.get("/gateway/balance", headers={"X-API-Key": key, **headers})


async def test_good_key(office: Office, merchant: Person) -> None:
    store, key, _ = await open_store(merchant)
    assert (await ask(office, key)).status_code == 200
    listed = (await merchant.get(f"/stores/{store}/api-keys")).json()["items"]
    assert listed[0]["last_used_at"] is not None


async def test_bad_keys(office: Office, merchant: Person) -> None:
    _, key, _ = await open_store(merchant)
    assert code_of(await office.client.get("/gateway/balance")) == (401, "auth.required")
    other = key.replace("jp_live_", "jp_test_")
    for bad in ("x", key[:-1], f"{key}x", other, key.upper(), f"{key[:30]}A{key[31:]}"):
        assert code_of(await ask(office, bad)) == (401, "api_key.invalid")


async def test_scope_and_network(office: Office, merchant: Person) -> None:
    _, narrow, _ = await open_store(merchant, key={"scopes": ["payout"]})
    assert code_of(await ask(office, narrow)) == (403, "permission.denied")
    _, far, _ = await open_store(merchant, key={"networks": ["203.0.113.0/24", "2001:db8::/32"]})
    assert code_of(await ask(office, far)) == (403, "permission.denied")
    _, near, _ = await open_store(merchant, key={"networks": ["127.0.0.0/8"]})
    assert (await ask(office, near)).status_code == 200


async def test_switched_off_and_blocked(office: Office, merchant: Person) -> None:
    store, key, _ = await open_store(merchant)
    admin = await office.admin()
    closed = {"access": False, "traffic_access": True, "reason": "r"}
    await admin.call("PUT", f"/stores/{store}/access", json=closed)
    assert code_of(await ask(office, key)) == (403, "store.access_denied")
    await admin.call("PUT", f"/stores/{store}/access", json={**closed, "access": True})
    assert (await ask(office, key)).status_code == 200
    await admin.post(f"/users/{merchant.id}/block", json={"reason": "r"})
    assert code_of(await ask(office, key)) == (403, "store.access_denied")


async def test_rotation_overlaps(office: Office, merchant: Person, clock: ShiftedClock) -> None:
    store, key, _ = await open_store(merchant)
    key_id = (await merchant.get(f"/stores/{store}/api-keys")).json()["items"][0]["id"]
    path = f"/stores/{store}/api-keys/{key_id}/rotate"
    new = (await merchant.post(path, json={"overlap_seconds": 60})).json()["api_key"]
    assert (await ask(office, key)).status_code == 200
    assert (await ask(office, new)).status_code == 200
    clock.advance(timedelta(seconds=61))
    assert code_of(await ask(office, key)) == (401, "api_key.invalid")
    assert (await ask(office, new)).status_code == 200


async def test_signed_requests(office: Office, merchant: Person, clock: ShiftedClock) -> None:
    _, key, secret = await open_store(merchant, require_signed_requests=True)
    now = int(clock.now().timestamp())

    def signed(at: int, body: bytes = b"") -> dict[str, str]:
        digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Timestamp": str(at), "X-Signature": digest}

    assert (await ask(office, key, **signed(now))).status_code == 200
    assert (await ask(office, key, **signed(now - 295))).status_code == 200
    assert code_of(await ask(office, key)) == (401, "signature.invalid")
    assert code_of(await ask(office, key, **signed(now, b"{}"))) == (401, "signature.invalid")
    assert code_of(await ask(office, key, **signed(now - 310))) == (401, "signature.expired")
    assert code_of(await ask(office, key, **signed(now + 310))) == (401, "signature.expired")
    moved = {**signed(now), "X-Timestamp": str(now + 1)}
    assert code_of(await ask(office, key, **moved)) == (401, "signature.invalid")


async def test_a_signature_nobody_asked_for_counts_too(office: Office, merchant: Person) -> None:
    _, key, _ = await open_store(merchant)
    wrong = {"X-Timestamp": str(int(time.time())), "X-Signature": "0" * 64}
    assert code_of(await ask(office, key, **wrong)) == (401, "signature.invalid")


async def test_signed_form(office: Office, merchant: Person, clock: ShiftedClock) -> None:
    _, key, secret = await open_store(merchant, require_signed_requests=True)
    content = b'--b\r\nContent-Disposition: form-data; name="receipt"; filename="r.png"\r\n\r\nx\r\n--b--\r\n'
    now = int(clock.now().timestamp())
    url = "/gateway/payin/confirm/0199aaaa-0000-7000-8000-000000000000"
    for signed, expected in ((content, (404, "not_found")), (content + b" ", (401, "signature.invalid"))):
        digest = hmac.new(secret.encode(), f"{now}.".encode() + signed, hashlib.sha256).hexdigest()
        headers = {
            "X-API-Key": key,
            "X-Timestamp": str(now),
            "X-Signature": digest,
            "Content-Type": "multipart/form-data; boundary=b",
        }
        assert code_of(await office.client.post(url, content=content, headers=headers)) == expected
