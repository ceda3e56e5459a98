"""Long lists: read to the end by cursor while more arrives, sorted by what is allowed, refused otherwise."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from factories.office import Person, code_of, open_office
from factories.world import World
from jivapay.domain.identifiers import new_id
from jivapay.schemas_enums.enums import Role
from jivapay.utils.listing import decode_cursor, encode_cursor

AMOUNTS = ("300.00", "100.00", "200.00", "100.00", "400.00")


async def read_on(person: Person, path: str, **params: str) -> list[dict[str, Any]]:
    """Everything, two at a time."""
    found: list[dict[str, Any]] = []
    cursor = None
    for _ in range(20):
        more = {"cursor": cursor} if cursor else {}
        page = (await person.get(path, params={"page_size": "2", **params, **more})).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


async def test_orders_of_merchant_and_trader(world: World) -> None:
    await world.change_settings(AMOUNT_COOLDOWN_SECONDS=5)
    for amount in AMOUNTS:
        await world.complete(Decimal(amount))
    async with open_office(world.resources) as office:
        merchant = await office.shopkeeper(world.store.merchant_id)
        trader = await office.enter(world.trader.user_id, world.trader.user_public_id, Role.TRADER)
        for person in (merchant, trader):
            newest = await read_on(person, "/orders")
            assert [item["amount"] for item in newest] == list(reversed(AMOUNTS))
            oldest = await read_on(person, "/orders", sort="created_at")
            assert oldest == list(reversed(newest))
            by_amount = await read_on(person, "/orders", sort="-amount")
            assert [item["amount"] for item in by_amount] == sorted(AMOUNTS, reverse=True)
            paged = (await person.get("/orders", params={"page": 2, "page_size": 2})).json()
            assert paged["items"] == newest[2:4]
            last = (await person.get("/orders", params={"page": 3, "page_size": 2})).json()
            assert (len(last["items"]), last["next_cursor"]) == (1, None)


async def test_nothing_is_shown_twice_while_more_arrives(world: World) -> None:
    for amount in AMOUNTS[:3]:
        await world.complete(Decimal(amount))
    async with open_office(world.resources) as office:
        merchant = await office.shopkeeper(world.store.merchant_id)
        first = (await merchant.get("/orders", params={"page_size": 2})).json()
        await world.complete(Decimal("500.00"))
        rest = (await merchant.get("/orders", params={"page_size": 2, "cursor": first["next_cursor"]})).json()
        assert [item["amount"] for item in (*first["items"], *rest["items"])] == ["200.00", "100.00", "300.00"]


async def test_refused(world: World) -> None:
    await world.complete()
    async with open_office(world.resources) as office:
        merchant, stranger = await office.shopkeeper(world.store.merchant_id), await office.merchant()
        admin = await office.admin()
        for person, path in ((merchant, "/orders"), (admin, "/deposits")):
            unknown = await person.get(path, params={"sort": "-secret"})
            assert code_of(unknown) == (422, "sort.unknown_field")
            other_order = encode_cursor("created_at", new_id())
            for cursor in ("x", "ü", "AAAA", other_order, encode_cursor("-created_at", new_id())):
                refused = await person.get(path, params={"cursor": cursor})
                assert code_of(refused) == (422, "cursor.invalid"), cursor
        order_id = (await merchant.get("/orders")).json()["items"][0]["order_id"]
        theirs = encode_cursor("-created_at", UUID(order_id))
        assert code_of(await stranger.get("/orders", params={"cursor": theirs})) == (422, "cursor.invalid")
        deposits = await read_on(admin, "/deposits", sort="-amount")
        assert [item["amount"] for item in deposits] == ["10000.000000"]


@pytest.mark.parametrize("sort", ["-created_at", "amount"])
def test_a_cursor_names_what_it_was_made_of(sort: str) -> None:
    public_id = new_id()
    assert decode_cursor(encode_cursor(sort, public_id), sort) == public_id
