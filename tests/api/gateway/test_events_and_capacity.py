"""The stream of a store's events, and whether an order could be served now."""

from collections.abc import AsyncIterator

import pytest

from api.gateway.shop import Shop, open_client, open_shop
from factories.office import code_of
from factories.world import make_world
from jivapay.database.models.people import MerchantStore
from jivapay.domain.actors import Actor
from jivapay.domain.signatures import sign_fields
from jivapay.services import freeze_service
from jivapay.utils.resources import Resources
from support.owner import as_owner


@pytest.fixture
async def shop(own_resources: Resources) -> AsyncIterator[Shop]:
    """In a world of the test's own: one trader, and nothing has happened yet."""
    world = await make_world(own_resources)
    async with open_client(world) as client:
        yield await open_shop(world, client)


async def test_events_without_a_gap(shop: Shop) -> None:
    for _ in range(2):
        await shop.world.complete()
    await shop.world.relay()
    first = await shop.get("/events", params={"limit": 4})
    assert first.status_code == 200, first.text
    seen = first.json()["items"]
    rest = (await shop.get("/events", params={"after": seen[-1]["store_seq"]})).json()["items"]
    assert [event["store_seq"] for event in (*seen, *rest)] == [1, 2, 3, 4, 5, 6]
    assert rest[-1]["type"] == "order.completed"
    assert (rest[-1]["paid"], rest[-1]["balance_change"]) == (True, "49.810810")
    async with shop.world.database.read() as session:
        row = await session.get_one(MerchantStore, shop.store.id)
    context = f"merchant_stores.callback_secret:{row.public_id}"
    secret = shop.world.resources.cipher.decrypt(row.callback_secret, context)
    for event in (*seen, *rest):
        signature = event.pop("signature")
        assert signature == sign_fields(secret, event)
    assert (await shop.get("/events", params={"after": 6})).json() == {"items": []}
    for wrong in ({"after": "-1"}, {"after": "1.0"}, {"limit": "201"}, {"before": "1"}):
        assert (await shop.get("/events", params=wrong)).status_code == 422


async def ask(shop: Shop, **changes: str) -> tuple[bool, str | None]:
    asked = {"direction": "pay_in", "amount": "4750.00", "payment_method": "card", **changes}
    answer = await shop.get("/capacity", params=asked)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    return shown["available"], shown["reason"]


async def test_capacity(shop: Shop, own_owner_url: str) -> None:
    assert await ask(shop) == (True, None)
    assert await ask(shop, payment_method="sbp") == (False, "requisite.none_available")
    assert await ask(shop, bank="alfa") == (False, "requisite.none_available")
    assert await ask(shop, direction="pay_out") == (False, "store.switched_off")
    await shop.world.assign()
    assert await ask(shop) == (False, "requisite.none_available"), "the amount is taken"
    assert await ask(shop, amount="4750.01") == (True, None)
    await shop.world.advance(7200, fresh_rate=False)
    assert await ask(shop, amount="4750.01") == (False, "rate.stale")
    await shop.world.set_rate()
    async with shop.world.database.write() as session:
        await freeze_service.freeze(session, Actor.system("tests"), reason="looked wrong")
    assert await ask(shop, amount="4750.01") == (False, "platform.frozen")
    async with shop.world.database.write() as session:
        await freeze_service.unfreeze(session, shop.world.staff, reason="it was right")
    await as_owner(own_owner_url, "delete from store_commissions")
    assert await ask(shop, amount="4750.01") == (False, "configuration.commission_missing")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "0"}, "money.not_positive"),
        ({"amount": "1.001"}, "money.too_many_decimals"),
        ({"amount": "1000000.01"}, "order.amount_above_limit"),
        ({"payment_method": "pigeon"}, "payment_method.unavailable"),
        ({"bank": "nobank"}, "bank.unavailable"),
        ({"direction": "sideways"}, "validation.enum"),
    ],
)
async def test_what_could_never_be_served(shop: Shop, changes: dict[str, str], code: str) -> None:
    asked = {"amount": "4750.00", "payment_method": "card", **changes}
    answer = await shop.get("/capacity", params=asked)
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == [code]


async def test_only_for_keys_that_may_read(shop: Shop) -> None:
    for path in ("/gateway/events", "/gateway/capacity"):
        assert code_of(await shop.client.get(path)) == (401, "auth.required")
