"""The payment page's own API: the token is the only credential."""
# ruff: noqa: ANN401 - whatever a request may carry

from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
import pytest

from api.gateway.shop import Shop, open_shop, working
from factories.office import code_of
from jivapay.services import order_service
from support.receipt_files import picture

NO_TOKEN = "x" * 43
KEYS = {
    "state", "order_id", "external_order_id", "store_name", "support_url", "amount", "amount_is_open",
    "customer_id_is_open", "amount_min", "amount_max", "currency", "payment_method", "bank", "methods", "banks",
    "requisite", "failure", "expires_at", "total_seconds", "server_time", "receipt_required", "receipt_attached",
    "may_claim_late", "may_dispute", "return_url", "completed_at", "version", "test",
}  # fmt: skip
CARD = {"payment_method": "card"}


class Page:
    """What a customer's browser holds."""

    def __init__(self, shop: Shop, made: dict[str, Any]) -> None:
        self.shop, self.made = shop, made
        self.path = f"/gateway/payment_session/{made['token']}"

    async def get(self, below: str = "", **options: Any) -> httpx2.Response:
        return await self.shop.client.get(self.path + below, **options)

    async def post(self, below: str, **options: Any) -> httpx2.Response:
        return await self.shop.client.post(self.path + below, **options)

    async def choose(self, **body: Any) -> httpx2.Response:
        async with working(self.shop.world):
            return await self.post("/method", json={**CARD, **body})


async def open_page(shop: Shop, **changes: Any) -> Page:
    fields = {"amount": None, "payment_method": None, **changes}
    return Page(shop, await shop.open_page(**fields))


async def test_fresh_page(shop: Shop) -> None:
    page = await open_page(shop, return_url="https://shop.example/back")
    answer = await page.get()
    assert answer.status_code == 200
    shown = answer.json()
    assert shown.keys() == KEYS
    assert {
        name: shown[name] for name in ("state", "store_name", "amount", "amount_is_open", "requisite", "version")
    } == {
        "state": "choose",
        "store_name": "Shop",
        "amount": None,
        "amount_is_open": True,
        "requisite": None,
        "version": page.made["version"],
    }
    assert (shown["return_url"], shown["test"], shown["total_seconds"]) == ("https://shop.example/back", False, None)
    assert {method["code"] for method in shown["methods"]} == {"card", "sbp"}
    assert {"code": "sber", "name": "Сбербанк"} in shown["banks"]


async def test_walk_through_the_page(shop: Shop) -> None:
    page = await open_page(shop)
    versions = [page.made["version"]]
    chosen = await page.choose(amount="3001.00", bank="sber")
    assert (chosen.status_code, chosen.json()["state"]) == (200, "pay"), chosen.text
    assert chosen.json()["requisite"]["number"] == "4276380012345675"
    assert chosen.json()["amount"] == "3001.00"
    assert chosen.json()["total_seconds"] > 0
    versions.append(chosen.json()["version"])
    confirmed = await page.post("/confirm", files={"receipt": ("r.png", picture("PNG"), "image/png")})
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "check"), confirmed.text
    assert confirmed.json()["receipt_attached"] is True
    versions.append(confirmed.json()["version"])
    await shop.world.confirm_by_trader(await shop.id_of(page.made))
    paid = (await page.get()).json()
    assert (paid["state"], paid["requisite"]["number"]) == ("paid", "•• 5675")
    assert paid["completed_at"] is not None
    versions.append(paid["version"])
    assert versions == sorted(set(versions))
    for door in ("confirm", "cancel"):
        assert code_of(await page.post(f"/{door}")) == (409, "order.state_conflict")
    assert code_of(await page.post("/method", json=CARD)) == (409, "order.state_conflict")


async def test_the_traders_own_receipt_is_not_shown_as_the_payers(shop: Shop) -> None:
    page = await open_page(shop, amount="3001.50", payment_method="card")
    await shop.world.process(await shop.id_of(page.made))
    await page.post("/confirm")
    order = (await shop.world.deal(await shop.id_of(page.made))).order
    assert order is not None
    trader = replace(shop.world.trader.actor, owner_id=order.trader_id)
    await order_service.confirm_order_with_receipt(
        shop.world.resources, trader, UUID(page.made["order_id"]), picture("PNG")
    )
    paid = (await page.get()).json()
    assert (paid["state"], paid["receipt_attached"]) == ("paid", False)


async def test_polling(shop: Shop) -> None:
    page = await open_page(shop, amount="3002.00", payment_method="card")
    version = page.made["version"]
    unchanged = await page.get("/status", params={"v": version})
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    await shop.world.process(await shop.id_of(page.made))
    changed = await page.get("/status", params={"v": version})
    assert (changed.status_code, changed.json()["state"]) == (200, "pay")
    assert changed.json()["version"] > version
    assert (await page.get("/status", params={"v": changed.json()["version"]})).status_code == 204
    assert (await page.get("/status")).status_code == 200
    for wrong in ("-1", "x", "1.5", "9" * 30):
        assert (await page.get("/status", params={"v": wrong})).status_code == 422


async def test_choice_made_twice(shop: Shop) -> None:
    page = await open_page(shop)
    first = await page.choose(amount="3003.00")
    again = await page.choose(amount="9999.00", payment_method="sbp")
    assert (again.status_code, again.json()["amount"], again.json()["payment_method"]) == (200, "3003.00", "card")
    assert again.json()["version"] == first.json()["version"]


async def test_customer_cannot_change_what_the_store_fixed(shop: Shop) -> None:
    page = await open_page(shop, amount="3004.00")
    chosen = await page.choose(amount="1.00")
    assert chosen.json()["amount"] == "3004.00"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"payment_method": "card"}, "validation.required"),
        ({"payment_method": "cash", "amount": "100.00"}, "payment_method.unavailable"),
        ({"payment_method": "card", "bank": "nobank", "amount": "100.00"}, "bank.unavailable"),
        ({"payment_method": "card", "amount": "1000000.01"}, "order.amount_above_limit"),
        ({"payment_method": "card", "amount": "x"}, "money.format"),
        ({"amount": "100.00"}, "validation.required"),
        ({"payment_method": "card", "amount": "100.00", "wait": 1}, "validation.unknown_field"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_choice_that_is_not_valid(shop: Shop, body: dict[str, Any], code: str) -> None:
    page = await open_page(shop)
    answer = await page.post("/method", json=body)
    assert code_of(answer) == (422, code)
    assert (await page.get()).json()["state"] == "choose"


async def test_customer_id_asked_for_on_the_page(shop: Shop) -> None:
    strict = await open_shop(shop.world, shop.client, gateway_require_customer_id_param=True)
    page = Page(strict, await strict.open_page(amount="3005.00", payment_method=None, customer_id="u-1"))
    assert (await page.get()).json()["customer_id_is_open"] is False


async def test_nobodys_token(shop: Shop) -> None:
    path = f"/gateway/payment_session/{NO_TOKEN}"
    for method, below, options in (
        ("GET", "", {}),
        ("GET", "/status", {}),
        ("POST", "/method", {"json": CARD}),
        ("POST", "/confirm", {}),
        ("POST", "/cancel", {}),
    ):
        assert code_of(await shop.client.request(method, path + below, **options)) == (404, "not_found")
    assert code_of(await shop.client.get("/gateway/payment_session/short")) == (404, "not_found")


async def test_cancel(shop: Shop) -> None:
    page = await open_page(shop)
    cancelled = await page.post("/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert code_of(await page.post("/cancel")) == (409, "order.state_conflict")
    assert code_of(await page.post("/method", json={**CARD, "amount": "100.00"})) == (409, "order.state_conflict")


async def test_confirm_before_paying_is_possible(shop: Shop) -> None:
    page = await open_page(shop)
    assert code_of(await page.post("/confirm")) == (409, "order.state_conflict")


async def test_receipts(shop: Shop) -> None:
    page = await open_page(shop)
    await page.choose(amount="3006.00")
    program = {"receipt": ("r.png", b"MZ" + b"\0" * 99, "image/png")}
    assert code_of(await page.post("/confirm", files=program)) == (422, "file.type_not_allowed")
    large = {"receipt": ("r.png", b"\x89PNG\r\n\x1a\n" + b"\0" * (11 * 1024 * 1024), "image/png")}
    assert code_of(await page.post("/confirm", files=large)) == (413, "request.too_large")
    assert (await page.get()).json()["state"] == "pay"


async def test_page_after_the_late_window(shop: Shop) -> None:
    page = await open_page(shop)
    await shop.world.advance(shop.world.rules.session_ttl_seconds + 1)
    await shop.world.expire_due()
    assert (await page.get()).json()["state"] == "expired"
    await shop.world.advance(shop.world.rules.late_payment_window_seconds + 1)
    for answer in (await page.get(), await page.get("/status")):
        assert code_of(answer) == (410, "session.expired")


async def test_too_often(shop: Shop) -> None:
    page = await open_page(shop)
    await shop.world.change_settings(RATE_LIMIT_PAGE="2/minute")
    try:
        answers = [await page.get("/status") for _ in range(4)]
        assert code_of(answers[-1]) == (429, "rate_limited")
        assert int(answers[-1].headers["retry-after"]) > 0
    finally:
        await shop.world.change_settings(RATE_LIMIT_PAGE="90000/minute")
