"""POST /gateway/payin/init and initiate_session: what is made, what is refused, what a repetition shows."""

import asyncio
import re
from typing import Any
from uuid import UUID

import pytest

from api.gateway.shop import Shop, open_shop, working
from factories.office import code_of
from factories.world import SYSTEM, World
from jivapay.services import freeze_service

KEYS = {
    "order_id", "external_order_id", "direction", "status", "order_history_status", "amount", "currency",
    "amount_crypto", "crypto_currency", "rate", "rate_at", "requisite", "failure", "payment_url", "expires_at",
    "created_at", "version", "paid", "final", "amount_agreed", "amount_seen", "amount_exceptions", "metadata", "test",
}  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DOORS = ("/payin/init", "/payin/initiate_session")


async def count_orders(world: World) -> int:
    return int(await world.scalar("select count(*) from incoming_orders"))


async def test_new_pay_in(shop: Shop) -> None:
    body = shop.body(
        bank="sber",
        customer_id="u-77",
        customer_ip="203.0.113.7",
        return_url="https://shop.example/thanks",
        metadata={"cart": "9"},
    )
    answer = await shop.post("/payin/init", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() == KEYS
    assert UUID(made["order_id"]).version == 7
    assert MOMENT.fullmatch(made["created_at"])
    assert MOMENT.fullmatch(made["expires_at"])
    assert MOMENT.fullmatch(made["rate_at"])
    assert {name: made[name] for name in KEYS - {"order_id", "created_at", "expires_at", "rate_at"}} == {
        "external_order_id": body["external_order_id"],
        "direction": "pay_in",
        "status": "new",
        "order_history_status": None,
        "amount": "4750.00",
        "currency": "RUB",
        "amount_crypto": "51.351351",
        "crypto_currency": "USDT",
        "rate": "92.50",
        "requisite": None,
        "failure": None,
        "payment_url": None,
        "version": 1,
        "paid": False,
        "final": False,
        "amount_agreed": None,
        "amount_seen": None,
        "amount_exceptions": [],
        "metadata": {"cart": "9"},
        "test": False,
    }
    assert "idempotent-replayed" not in answer.headers


async def test_new_payment_session(shop: Shop) -> None:
    body = {"external_order_id": "S-1", "currency": "RUB"}
    answer = await shop.post("/payin/initiate_session", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() == KEYS | {"token"}
    assert made["payment_url"] == f"{shop.world.resources.settings.public_base_url}/pay/{made['token']}"
    assert (made["status"], made["amount"], made["amount_crypto"], made["rate"]) == ("new", None, None, None)
    assert await shop.world.scalar("select count(*) from outbox where ref_id = :id", id=await shop.id_of(made)) == 0
    again = await shop.post("/payin/initiate_session", json=body)
    assert (again.status_code, again.json()) == (200, made)


async def test_wait_for_a_requisite(shop: Shop) -> None:
    async with working(shop.world):
        answer = await shop.post("/payin/init", json=shop.body(wait_seconds=10, amount="4100.00", bank="sber"))
    made = answer.json()
    assert (answer.status_code, made["status"], made["order_history_status"]) == (201, "assigned", "pending")
    assert made["requisite"] == {
        "method": "card",
        "bank": "sber",
        "bank_name": "Сбербанк",
        "number": "4276380012345675",
        "holder": "Иван И.",
    }
    assert made["version"] > 1
    assert made["amount_crypto"] == "44.324324"


async def test_waiting_ends_in_time(shop: Shop) -> None:
    async with asyncio.timeout(10):
        answer = await shop.post("/payin/init", json=shop.body(wait_seconds=1))
    assert (answer.status_code, answer.json()["status"]) == (201, "new")


async def test_waiting_ends_when_there_is_none(shop: Shop) -> None:
    """Not even the whole time: that none can take it is an answer too."""
    async with asyncio.timeout(10), working(shop.world):
        answer = await shop.post("/payin/init", json=shop.body(wait_seconds=1, payment_method="sbp"))
    assert answer.status_code == 201
    assert answer.json()["failure"] == {
        "code": "requisite.none_available",
        "detail": "No requisite can take this order now.",
    }
    assert answer.json()["requisite"] is None


@pytest.mark.parametrize("door", DOORS)
async def test_same_request_again(shop: Shop, door: str) -> None:
    body = shop.body(metadata={"a": "1", "b": "2"})
    first = await shop.post(door, json=body)
    before = await count_orders(shop.world)
    spelt = {**dict(reversed(body.items())), "metadata": {"b": "2", "a": "1"}, "wait_seconds": 0}
    again = await shop.post(door, json=spelt)
    assert (again.status_code, again.json()) == (200, first.json())
    assert "idempotent-replayed" not in again.headers
    assert await count_orders(shop.world) == before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "change",
    [
        {"amount": "4750.01"},
        {"payment_method": "sbp"},
        {"bank": "alfa"},
        {"customer_id": "x"},
        {"metadata": {"a": "b"}},
    ],
    ids=["amount", "method", "bank", "customer", "metadata"],
)
async def test_same_external_id_for_something_else(shop: Shop, door: str, change: dict[str, Any]) -> None:
    body = shop.body()
    assert (await shop.post(door, json=body)).status_code == 201
    before = await count_orders(shop.world)
    assert code_of(await shop.post(door, json=body | change)) == (409, "order.external_id_exists")
    assert await count_orders(shop.world) == before


async def test_other_door_is_another_request(shop: Shop) -> None:
    body = shop.body()
    await shop.post(DOORS[0], json=body)
    assert code_of(await shop.post(DOORS[1], json=body)) == (409, "order.external_id_exists")


async def test_external_id_belongs_to_its_store(shop: Shop, other_shop: Shop) -> None:
    body = shop.body()
    mine, theirs = await shop.post(DOORS[0], json=body), await other_shop.post(DOORS[0], json=body | {"amount": "900"})
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["order_id"] != theirs.json()["order_id"]


async def test_same_request_fifty_times_at_once(shop: Shop) -> None:
    body, before = shop.body(), await count_orders(shop.world)
    answers = await asyncio.gather(*(shop.post(DOORS[0], json=body) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert await count_orders(shop.world) == before + 1


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"amount": None}, "validation.required", "amount"),
        ({"payment_method": None}, "validation.required", "payment_method"),
        ({"currency": None}, "validation.required", "currency"),
        ({"external_order_id": None}, "validation.required", "external_order_id"),
        ({"amount": "abc"}, "money.format", "amount"),
        ({"amount": "1e3"}, "money.format", "amount"),
        ({"amount": "0"}, "money.not_positive", "amount"),
        ({"amount": "-1"}, "money.not_positive", "amount"),
        ({"amount": "1.001"}, "money.too_many_decimals", "amount"),
        ({"amount": "9" * 16}, "money.too_large", "amount"),
        ({"amount": True}, "validation.type", "amount"),
        ({"amount": "1000000.01"}, "order.amount_above_limit", "amount"),
        ({"currency": "USD"}, "currency.unknown", "currency"),
        ({"payment_method": "cash"}, "payment_method.unavailable", "payment_method"),
        ({"bank": "nobank"}, "bank.unavailable", "bank"),
        ({"wait_seconds": 21}, "validation.range", "wait_seconds"),
        ({"wait_seconds": -1}, "validation.range", "wait_seconds"),
        ({"wait_seconds": "5"}, "validation.type", "wait_seconds"),
        ({"callback_url": "ftp://shop.example/"}, "callback.url_invalid", "callback_url"),
        ({"callback_url": "https://10.0.0.1/"}, "callback.address_blocked", "callback_url"),
        ({"return_url": "javascript:alert(1)"}, "return_url.invalid", "return_url"),
        ({"external_order_id": "x\u0007"}, "text.forbidden_character", ""),
        ({"external_order_id": "x" * 500}, "text.too_long", "external_order_id"),
        ({"surprise": "1"}, "validation.unknown_field", "surprise"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
async def test_what_is_not_valid(shop: Shop, change: dict[str, Any], code: str, place: str) -> None:
    before = await count_orders(shop.world)
    answer = await shop.post(DOORS[0], json=shop.body(**change))
    assert code_of(answer) == (422, code)
    problem = answer.json()
    assert problem["errors"] == [{"loc": ["body", place] if place else ["body"], "code": code}]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem.keys() == {"type", "title", "status", "code", "detail", "request_id", "errors"}
    assert await count_orders(shop.world) == before


async def test_amount_below_the_limit(shop: Shop) -> None:
    narrow = await open_shop(shop.world, shop.client, lower_limit=100)
    assert code_of(await narrow.post(DOORS[0], json=narrow.body(amount="99.99"))) == (422, "order.amount_below_limit")
    assert (await narrow.post(DOORS[0], json=narrow.body(amount="100"))).status_code == 201


@pytest.mark.parametrize("door", DOORS)
async def test_what_a_store_insists_on(shop: Shop, door: str) -> None:
    strict = await open_shop(
        shop.world, shop.client, gateway_require_customer_id_param=True, gateway_require_amount_param=True
    )
    for missing in ("customer_id", "amount"):
        body = strict.body(**{"customer_id": "u", missing: None})
        answer = await strict.post(door, json=body)
        assert code_of(answer) == (422, "validation.required")
        assert answer.json()["errors"] == [{"loc": ["body", missing], "code": "validation.required"}]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("column", ["traffic_access", "pay_in_enabled"])
async def test_pay_ins_switched_off(shop: Shop, door: str, column: str) -> None:
    closed = await open_shop(shop.world, shop.client, **{column: False})
    assert code_of(await closed.post(door, json=closed.body())) == (403, "permission.denied")


async def test_too_many_unpaid(shop: Shop) -> None:
    await shop.world.change_settings(OPEN_UNPAID_MAX_PER_CUSTOMER=2)
    try:
        for _ in range(2):
            await shop.init(customer_id="hoarder")
        answer = await shop.post(DOORS[0], json=shop.body(customer_id="hoarder"))
        assert code_of(answer) == (429, "order.limit_open")
        assert int(answer.headers["retry-after"]) > 0
        assert (await shop.post(DOORS[0], json=shop.body(customer_id="modest"))).status_code == 201
    finally:
        await shop.world.change_settings(OPEN_UNPAID_MAX_PER_CUSTOMER=100_000)


async def test_no_fresh_rate(shop: Shop) -> None:
    await shop.world.advance(shop.world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    assert code_of(await shop.post(DOORS[0], json=shop.body())) == (503, "rate.stale")
    assert (await shop.post(DOORS[1], json=shop.body(amount=None))).status_code == 201
    await shop.world.set_rate()
    assert (await shop.post(DOORS[0], json=shop.body())).status_code == 201


async def test_frozen_platform(shop: Shop) -> None:
    body = shop.body()
    assert (await shop.post(DOORS[0], json=body)).status_code == 201
    async with shop.world.database.write() as session:
        await freeze_service.freeze(session, SYSTEM, reason="a test")
    try:
        assert code_of(await shop.post(DOORS[0], json=shop.body())) == (503, "platform.frozen")
        assert (await shop.post(DOORS[0], json=body)).status_code == 200
    finally:
        async with shop.world.database.write() as session:
            await freeze_service.unfreeze(session, SYSTEM, reason="it was one")


async def test_order_of_checks(shop: Shop) -> None:
    """Who calls, what he sends, whether he sent it before, and only then the rules of business."""
    bad, key = shop.body(amount="abc"), {"X-API-Key": "jp_live_nobody"}
    unread = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert code_of(await shop.client.post("/gateway/payin/init", json=bad)) == (401, "auth.required")
    assert code_of(await shop.client.post("/gateway/payin/init", **unread)) == (401, "auth.required")
    assert code_of(await shop.post(DOORS[0], json=bad, headers=key)) == (401, "api_key.invalid")
    assert code_of(await shop.post(DOORS[0], **unread)) == (400, "request.malformed")
    assert code_of(await shop.post(DOORS[0], content=b"x", headers={"Content-Type": "text/plain"})) == (
        415,
        "request.unsupported_media_type",
    )
    known = shop.body()
    await shop.post(DOORS[0], json=known)
    assert code_of(await shop.post(DOORS[0], json=known | {"amount": "abc"})) == (422, "money.format")
    above = known | {"amount": "1000000.01"}
    assert code_of(await shop.post(DOORS[0], json=above)) == (409, "order.external_id_exists")


async def test_large_body(shop: Shop) -> None:
    body = shop.body(metadata={"a": "x" * 70_000})
    assert code_of(await shop.post(DOORS[0], json=body)) == (413, "request.too_large")


async def test_test_store(shop: Shop) -> None:
    sandbox = await open_shop(shop.world, shop.client, store=await shop.world.add_store(test=True))
    assert sandbox.key.text.startswith("jp_test_")
    assert (await sandbox.init())["test"] is True
    pretended = sandbox.key.text.replace("jp_test_", "jp_live_")
    answer = await sandbox.get("/balance", headers={"X-API-Key": pretended})
    assert code_of(answer) == (401, "api_key.invalid")
