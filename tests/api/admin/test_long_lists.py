"""Withdrawals, adjustments, cases and disputes: read to the end by cursor, also past what has left the list since."""

from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID

import pytest

from api.merchant.test_lists import read_on
from factories import disputes
from factories.office import Office, Person, code_of, open_office
from factories.people import CRYPTO
from factories.treasury import make_till
from factories.world import World
from jivapay.domain.identifiers import new_id
from jivapay.schemas_enums.enums import OrderStatus, OwnerType, Role
from jivapay.services import adjustment_service
from jivapay.services.adjustment_service import NewAdjustment
from jivapay.utils.listing import encode_cursor

NUMBERS = range(5)


@pytest.fixture
async def office(world: World) -> AsyncIterator[Office]:
    async with open_office(world.resources) as opened:
        yield opened


async def the_trader(world: World, office: Office) -> Person:
    return await office.enter(world.trader.user_id, world.trader.user_public_id, Role.TRADER)


async def refused(person: Person, path: str) -> None:
    for params in ({"sort": "-secret"}, {"cursor": "x"}, {"cursor": encode_cursor("-created_at", new_id())}):
        answer = await person.get(path, params=params)
        assert code_of(answer) in {(422, "sort.unknown_field"), (422, "cursor.invalid")}


async def test_withdrawals(world: World, office: Office) -> None:
    till, admin = await make_till(world), await office.admin()
    asked = [str(await till.request(Decimal(amount))) for amount in (10, 30, 20, 40, 15)]
    for person in (admin, await the_trader(world, office)):
        assert [item["id"] for item in await read_on(person, "/withdrawals")] == asked[::-1]
        assert [item["id"] for item in await read_on(person, "/withdrawals", sort="created_at")] == asked
        by_amount = [item["amount"] for item in await read_on(person, "/withdrawals", sort="amount")]
        assert by_amount == sorted(by_amount)
        paged = (await person.get("/withdrawals", params={"page": 2, "page_size": 2})).json()
        assert [item["id"] for item in paged["items"]] == asked[::-1][2:4]
        await refused(person, "/withdrawals")
    first = (await admin.get("/withdrawals", params={"page_size": 2, "status": "requested"})).json()
    await till.reject(UUID(first["items"][1]["id"]))
    rest = await read_on(admin, "/withdrawals", status="requested", cursor=first["next_cursor"])
    assert [item["id"] for item in rest][:2] == asked[::-1][2:4]
    stranger = await office.trader()
    foreign = await stranger.get("/withdrawals", params={"cursor": first["next_cursor"]})
    assert code_of(foreign) == (422, "cursor.invalid")


async def test_adjustments(world: World, office: Office) -> None:
    admin, asked = await office.admin(), []
    for number in NUMBERS:
        new = NewAdjustment(OwnerType.TRADER, world.trader.user_public_id, Decimal(number + 1), CRYPTO, "by hand")
        async with world.database.write() as session:
            made = await adjustment_service.request_adjustment(session, world.staff, new, world.rules)
        asked.append(str(made.thing.adjustment.public_id))
    found = await read_on(admin, "/adjustments")
    assert [item["id"] for item in found] == asked[::-1]
    assert {item["owner_id"] for item in found} == {str(world.trader.user_public_id)}
    assert all(item["approval_id"] for item in found)
    assert [item["id"] for item in await read_on(admin, "/adjustments", sort="created_at")] == asked
    assert await read_on(admin, "/adjustments", status="posted") == []
    await refused(admin, "/adjustments")


async def test_cases_go_on_behind_one_that_was_decided(world: World, office: Office) -> None:
    admin, waiting = await office.admin(), []
    for number in NUMBERS:
        incoming = await world.assign(Decimal(1000 + number))
        await world.confirm_by_trader(incoming, third_party=True)
        waiting.append(incoming)
    orders = [str((await world.deal(one)).incoming.public_id) for one in waiting]
    assert [item["order_id"] for item in await read_on(admin, "/orders/cases")] == orders
    assert [item["order_id"] for item in await read_on(admin, "/orders/cases", sort="-created_at")] == orders[::-1]
    first = (await admin.get("/orders/cases", params={"page_size": 2})).json()
    for one in waiting[:2]:
        await world.decide(one, OrderStatus.CANCELLED)
    rest = await admin.get("/orders/cases", params={"cursor": first["next_cursor"]})
    assert [item["order_id"] for item in rest.json()["items"]] == orders[2:]
    await refused(admin, "/orders/cases")


async def test_disputes_due_soonest_first_and_resolved_ones_last(world: World, office: Office) -> None:
    admin, trader = await office.admin(), await the_trader(world, office)
    opened = []
    for number in NUMBERS:
        case = await disputes.open_dispute(world, await world.complete(Decimal(1000 + number)))
        opened.append(str(case))
        await world.advance(10)
    for case in opened[:2]:
        await disputes.resolve(world, case, "completed")
    expected = [*opened[2:], opened[1], opened[0]]
    for person in (admin, trader):
        assert [item["id"] for item in await read_on(person, "/disputes")] == expected
        assert [item["id"] for item in await read_on(person, "/disputes", sort="-created_at")] == opened[::-1]
        await refused(person, "/disputes")
    first = (await admin.get("/disputes", params={"page_size": 2, "status": "under_review"})).json()
    assert first["total"] == 3
    await disputes.resolve(world, UUID(first["items"][0]["id"]), "completed")
    rest = await read_on(admin, "/disputes", status="under_review", cursor=first["next_cursor"])
    assert [item["id"] for item in rest] == opened[4:]
