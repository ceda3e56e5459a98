"""Several orders in one transaction: only those that nothing speaks against, and all or none of them."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.world import World
from jivapay.domain.outcomes import Assigned, Denied
from jivapay.services import freeze_service, platform_service
from services.requisite_selector.looking import change
from support.dumps import dump

pytestmark = pytest.mark.usefixtures("own_invariants_hold")


async def test_each_gets_a_requisite_of_another_trader(world: World) -> None:
    traders = [world.trader, await world.add_trader(requisites=2), await world.add_trader()]
    incoming = [await world.accept(Decimal(1000 + number)) for number in range(3)]
    assert await world.process_together(incoming) == set(incoming)
    orders = [await world.order(one) for one in incoming]
    assert {order.trader_id for order in orders} == {trader.id for trader in traders}
    assert [await world.statuses(one) for one in incoming] == [("assigned", "pending", "active")] * 3


async def test_a_trader_serves_one_and_the_next_is_left_for_himself(world: World) -> None:
    incoming = [await world.accept(Decimal(1000 + number)) for number in range(2)]
    assert await world.process_together(incoming) == {incoming[0]}
    assert (await world.statuses(incoming[1]))[0] == "new"
    assert isinstance(await world.process(incoming[1]), Assigned)


async def test_who_is_refused_is_left_as_he_was(world: World) -> None:
    closed = await world.add_store()
    refused, served = await world.accept(store=closed), await world.accept()
    await change(world, "merchant_stores", closed.id, traffic_access=False)
    before = (await world.deal(refused)).incoming
    assert await world.process_together([refused, served]) == {served}
    after = (await world.deal(refused)).incoming
    assert (after.status, after.version, after.retry_count) == (before.status, before.version, before.retry_count)
    assert await world.process(refused) == Denied("store.switched_off")


async def test_who_finds_nobody_is_left_as_he_was(world: World) -> None:
    nowhere, served = await world.accept(bank="alfa"), await world.accept()
    assert await world.process_together([nowhere, served]) == {served}
    assert (await world.deal(nowhere)).incoming.retry_count == 0


async def test_what_is_not_due_is_passed_by(world: World) -> None:
    done, due = await world.assign(), await world.accept(Decimal(1000))
    assert await world.process_together([done, due, 10**9]) == {due}


async def test_a_test_store_s_order_is_left_for_itself(world: World) -> None:
    await world.add_trader(test=True)
    incoming = await world.accept(store=await world.add_store(test=True))
    assert await world.process_together([incoming]) == set()
    assert isinstance(await world.process(incoming), Assigned)


async def test_nobody_while_money_is_frozen(world: World) -> None:
    incoming = await world.accept()
    async with world.database.write() as session:
        await freeze_service.freeze(session, world.staff, reason="looked wrong")
    assert await world.process_together([incoming]) == set()
    async with world.database.write() as session:
        await platform_service.unfreeze(session, world.staff, reason="looked")


async def test_a_deposit_taken_meanwhile_leaves_everybody_as_he_was(world: World) -> None:
    """The second trader's deposit is spent between the look at his requisite and the write."""
    other = await world.add_trader()
    incoming = [await world.accept(Decimal(1000 + number)) for number in range(2)]
    before = await dump(world.database)
    async with world.database.write() as session:
        await session.execute(
            text("update accounts set held = held + balance where owner_type = 'trader' and owner_id = :id"),
            {"id": other.id},
        )
        together = asyncio.create_task(world.process_together(incoming))
        await asyncio.sleep(0.5)
        assert not together.done()
        await session.commit()
    assert await together == set()
    async with world.database.write() as session:
        await session.execute(
            text("update accounts set held = 0 where owner_type = 'trader' and owner_id = :id"), {"id": other.id}
        )
    assert await dump(world.database) == before
    assert await world.process_together(incoming) == set(incoming)
