"""A merchant's own stores, their keys and secrets; somebody else's do not exist."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from factories.office import Office, Person, code_of
from jivapay.config.clock import ShiftedClock
from jivapay.database.models.people import MerchantStore, StoreApiKey
from jivapay.domain.signatures import is_secret

STORE = {"name": "Shop", "lower_limit": "100", "upper_limit": "100000.00"}
NOBODY = "0199aaaa-0000-7000-8000-000000000000"


async def add(merchant: Person, **changes: object) -> dict[str, Any]:
    answer = await merchant.post("/stores", json={**STORE, **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def add_key(merchant: Person, store_id: str, **body: object) -> dict[str, Any]:
    answer = await merchant.post(f"/stores/{store_id}/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_create_shows_the_secret_once(office: Office) -> None:
    merchant = await office.merchant()
    made = await add(merchant, callback_url="https://shop.example/hook", return_hosts=["shop.example"])
    secret = made.pop("callback_secret")
    assert is_secret(secret)
    assert made["commission"] is None
    assert (made["lower_limit"], made["upper_limit"]) == ("100.00", "100000.00")
    assert (await merchant.get(f"/stores/{made['id']}")).json() == made
    listed = (await merchant.get("/stores")).json()
    assert listed["items"] == [made]
    async with office.resources.database.read() as session:
        row = await session.scalar(select(MerchantStore).where(MerchantStore.public_id == made["id"]))
        assert row is not None
        context = f"merchant_stores.callback_secret:{row.public_id}"
        assert office.resources.cipher.decrypt(row.callback_secret, context) == secret


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "validation.required"),
        ({"lower_limit": "100000.01"}, "validation.inconsistent"),
        ({"upper_limit": "0"}, "validation.inconsistent"),
        ({"upper_limit": "1.001"}, "money.too_many_decimals"),
        ({"fiat_currency": "XXX"}, "currency.unknown"),
        ({"crypto_currency": "RUB"}, "currency.unknown"),
        ({"callback_url": "http://shop.example/"}, "callback.url_invalid"),
        ({"callback_url": "https://user@shop.example/"}, "callback.url_invalid"),
        ({"callback_url": "https://10.0.0.1/"}, "callback.address_blocked"),
        ({"callback_url": "javascript:alert(1)"}, "callback.url_invalid"),
        ({"support_url": "javascript:alert(1)"}, "support_url.invalid"),
        ({"processing_ttl_seconds": 4}, "validation.range"),
        ({"processing_ttl_seconds": 3601}, "validation.range"),
        ({"return_hosts": ["https://shop.example"]}, "validation.format"),
        ({"rate_margin_percent": "1"}, "validation.unknown_field"),
        ({"commission": {}}, "validation.unknown_field"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_refused(office: Office, changes: dict[str, object], code: str) -> None:
    merchant = await office.merchant()
    answer = await merchant.post("/stores", json={**STORE, **changes})
    assert answer.status_code == 422
    assert code in {answer.json()["code"], *(error["code"] for error in answer.json()["errors"])}
    assert (await merchant.get("/stores")).json()["total"] == 0


async def test_change(office: Office) -> None:
    merchant = await office.merchant()
    made = await add(merchant, callback_url="https://shop.example/hook")
    path = f"/stores/{made['id']}"
    body = {"name": "New", "callback_url": None, "pay_out_enabled": False, "processing_ttl_seconds": 60}
    changed = (await merchant.call("PATCH", path, json=body)).json()
    assert {name: changed[name] for name in body} == body
    assert changed["upper_limit"] == "100000.00"
    for bad in (
        {"lower_limit": "100000.01"},
        {"name": None},
        {"test": True},
        {"fiat_currency": "RUB"},
        {"access": True},
    ):
        assert (await merchant.call("PATCH", path, json=bad)).status_code == 422
    assert (await merchant.get(path)).json() == changed


async def test_where_callbacks_go_is_changed_only_by_who_has_just_proved_himself(
    office: Office, clock: ShiftedClock
) -> None:
    merchant = await office.merchant()
    path = f"/stores/{(await add(merchant))['id']}"
    clock.advance(timedelta(seconds=301))
    refused = await merchant.call("PATCH", path, json={"callback_url": "https://evil.example/hook"})
    assert code_of(refused) == (401, "auth.step_up_required")
    assert (await merchant.get(path)).json()["callback_url"] is None
    assert (await merchant.call("PATCH", path, json={"name": "New"})).status_code == 200


async def test_staff_lets_a_store_in_and_keeps_it_out(office: Office) -> None:
    merchant, admin = await office.merchant(), await office.admin()
    store = await add(merchant)
    path = f"/stores/{store['id']}/access"
    body = {"access": False, "traffic_access": False, "reason": "complaints"}
    closed = (await admin.call("PUT", path, json=body)).json()
    assert (closed["access"], closed["traffic_access"]) == (False, False)
    assert (await merchant.get(f"/stores/{store['id']}")).json()["traffic_access"] is False
    assert (await admin.call("PUT", path, json={**body, "reason": ""})).status_code == 422
    nobody_s = "/stores/0199aaaa-0000-7000-8000-000000000000/access"
    assert code_of(await admin.call("PUT", nobody_s, json=body)) == (404, "not_found")


async def test_secret_answer_is_not_replayed(office: Office) -> None:
    merchant = await office.merchant()
    key = {"Idempotency-Key": "store-1"}
    assert (await merchant.post("/stores", json=STORE, headers=key)).status_code == 201
    again = await merchant.post("/stores", json=STORE, headers=key)
    assert code_of(again) == (409, "idempotency.not_replayable")
    assert (await merchant.get("/stores")).json()["total"] == 1


async def test_rotate_callback_secret(office: Office) -> None:
    merchant = await office.merchant()
    made = await add(merchant)
    path = f"/stores/{made['id']}/callback-secret"
    second = (await merchant.post(path, json={})).json()["callback_secret"]
    assert is_secret(second)
    assert second != made["callback_secret"]
    async with office.resources.database.read() as session:
        row = await session.scalar(select(MerchantStore).where(MerchantStore.public_id == made["id"]))
        assert row is not None
        assert row.callback_secret_previous is not None
        context = f"merchant_stores.callback_secret:{row.public_id}"
        decrypt = office.resources.cipher.decrypt
        assert decrypt(row.callback_secret, context) == second
        assert decrypt(row.callback_secret_previous, context) == made["callback_secret"]
    await merchant.post(path, json={"keep_previous": False})
    async with office.resources.database.read() as session:
        row = await session.scalar(select(MerchantStore).where(MerchantStore.public_id == made["id"]))
        assert row is not None
        assert row.callback_secret_previous is None


async def test_keys(office: Office, clock: ShiftedClock) -> None:
    merchant = await office.merchant()
    store = await add(merchant, test=True)
    made = await add_key(merchant, store["id"], name="till", scopes=["read"], networks=["203.0.113.0/24"])
    assert made["api_key"].startswith(f"jp_test_{made['key_id']}_")
    assert made["signing_secret"]
    path = f"/stores/{store['id']}/api-keys"
    listed = (await merchant.get(path)).json()["items"]
    assert listed == [{name: value for name, value in made.items() if name not in {"api_key", "signing_secret"}}]
    rotated = (await merchant.post(f"{path}/{made['id']}/rotate", json={"overlap_seconds": 60})).json()
    assert (rotated["scopes"], rotated["networks"], rotated["name"]) == (["read"], ["203.0.113.0/24"], "till")
    assert rotated["api_key"] != made["api_key"]
    clock.advance(timedelta(seconds=61))
    assert code_of(await merchant.call("DELETE", f"{path}/{made['id']}")) == (404, "not_found")
    assert (await merchant.call("DELETE", f"{path}/{rotated['id']}")).status_code == 204
    assert code_of(await merchant.call("DELETE", f"{path}/{rotated['id']}")) == (404, "not_found")
    assert code_of(await merchant.post(f"{path}/{rotated['id']}/rotate", json={})) == (404, "not_found")
    async with office.resources.database.read() as session:
        row = await session.scalar(select(StoreApiKey).where(StoreApiKey.public_id == made["id"]))
        assert row is not None
        assert made["api_key"].encode() not in row.key_hash


async def test_refused_keys(office: Office, clock: ShiftedClock) -> None:
    merchant = await office.merchant()
    store = await add(merchant)
    path = f"/stores/{store['id']}/api-keys"
    for bad in ({"scopes": []}, {"scopes": ["all"]}, {"networks": ["10.0.0.1/8"]}, {"networks": ["x"]}):
        assert (await merchant.post(path, json=bad)).status_code == 422
    clock.advance(timedelta(minutes=6))
    assert code_of(await merchant.post(path, json={})) == (401, "auth.step_up_required")


async def test_delete_archives(office: Office) -> None:
    merchant = await office.merchant()
    store = await add(merchant)
    key = await add_key(merchant, store["id"])
    headers = {"X-API-Key": key["api_key"]}
    assert (await office.client.get("/gateway/balance", headers=headers)).status_code == 200
    path = f"/stores/{store['id']}"
    assert (await merchant.call("DELETE", path)).status_code == 204
    assert code_of(await merchant.get(path)) == (404, "not_found")
    assert code_of(await merchant.call("DELETE", path)) == (404, "not_found")
    assert (await merchant.get("/stores")).json()["items"] == []
    assert code_of(await office.client.get("/gateway/balance", headers=headers)) == (401, "api_key.invalid")


async def test_a_store_with_money_in_it_is_not_archived(office: Office) -> None:
    merchant, admin = await office.merchant(), await office.admin()
    store = await add(merchant)
    deposit = {"owner_type": "store", "owner_id": store["id"], "amount": "5", "currency": "USDT", "network": "tron"}
    made = await admin.post("/deposits", json={**deposit, "tx_hash": f"{uuid4().int:064x}", "reason": "r"})
    assert made.status_code == 201
    refused = await merchant.call("DELETE", f"/stores/{store['id']}")
    assert code_of(refused) == (409, "store.has_balance")
    assert (await merchant.get(f"/stores/{store['id']}")).status_code == 200


async def test_somebody_elses(office: Office) -> None:
    mine, other = await office.merchant(), await office.merchant()
    store = await add(other)
    key = await add_key(other, store["id"])
    for store_id in (store["id"], NOBODY):
        path = f"/stores/{store_id}"
        calls: list[tuple[str, str, object]] = [
            ("GET", path, None),
            ("PATCH", path, {"name": "X"}),
            ("DELETE", path, None),
            ("GET", f"{path}/balance", None),
            ("GET", f"{path}/api-keys", None),
            ("POST", f"{path}/api-keys", {}),
            ("POST", f"{path}/api-keys/{key['id']}/rotate", {}),
            ("DELETE", f"{path}/api-keys/{key['id']}", None),
            ("POST", f"{path}/callback-secret", {}),
        ]
        for method, url, body in calls:
            assert code_of(await mine.call(method, url, json=body)) == (404, "not_found"), (method, url)
    own = await add(mine)
    crossed = f"/stores/{own['id']}/api-keys/{key['id']}"
    assert code_of(await mine.call("DELETE", crossed)) == (404, "not_found")
    assert (await other.get(f"/stores/{store['id']}")).json()["name"] == "Shop"
    assert (await mine.get("/stores/not-an-id")).status_code == 404
