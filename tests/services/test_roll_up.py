"""Hard case 5: the postings of a slower transaction are never lost to the balances of platform and world."""

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.world import World
from jivapay.database.locks import lock_deal_for_update
from jivapay.database.session import WriteSession
from jivapay.schemas_enums.enums import AccountKind
from jivapay.services import balance_manager, order_status_manager
from jivapay.services.balance_manager import AccountKey
from support.invariants import find_violations

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

PLATFORM = AccountKey.platform("USDT", test=False)
WORLD_FIAT = AccountKey.world(AccountKind.FIAT, "RUB", test=False)
PROFIT = Decimal("1.027027")
SMALL_PROFIT = Decimal("0.021621")
"""Of an order of 100.00."""


async def confirm(world: World, session: WriteSession, incoming_order_id: int) -> None:
    deal = await lock_deal_for_update(session, incoming_order_id)
    assert deal.order is not None
    trader = next(one for one in world.traders if one.id == deal.order.trader_id)
    await order_status_manager.confirm_order_by_trader(session, trader.actor, deal, world.rules)


async def platform(world: World) -> Decimal:
    await world.roll_up()
    return (await world.balance(PLATFORM)).total


async def test_postings_wait_for_the_roll_up(world: World) -> None:
    await world.complete()
    assert (await world.balance(PLATFORM)).total == 0
    assert await platform(world) == PROFIT
    assert await platform(world) == PROFIT
    assert (await world.balance(WORLD_FIAT)).total == Decimal(-4750)
    await world.complete(Decimal("100.00"))
    assert (await world.balance(PLATFORM)).total == PROFIT
    assert await platform(world) == PROFIT + SMALL_PROFIT


async def test_nothing_to_roll_up(world: World) -> None:
    await world.roll_up()
    assert (await world.balance(PLATFORM)).total == 0


async def test_a_slower_transaction_with_smaller_ids_is_not_lost(world: World) -> None:
    """B takes its transaction id first, A inserts the first posting and stays open, B commits, then A."""
    await world.complete(Decimal(100))
    await world.add_trader()
    slow = await world.assign(store=await world.add_store())
    quick = await world.assign(store=await world.add_store())
    async with AsyncExitStack() as early, AsyncExitStack() as late:
        b = await early.enter_async_context(world.database.write())
        await b.execute(text("select pg_current_xact_id()"))
        a = await late.enter_async_context(world.database.write())
        await confirm(world, a, slow)
        await confirm(world, b, quick)
        await early.aclose()
        assert await platform(world) == PROFIT + SMALL_PROFIT
        assert await find_violations(world.database) == {}
        await late.aclose()
    assert await platform(world) == 2 * PROFIT + SMALL_PROFIT
    assert await find_violations(world.database) == {}


async def test_an_old_open_transaction_delays_and_loses_nothing(world: World) -> None:
    await world.complete()
    async with world.database.write() as idle:
        await idle.execute(text("select pg_current_xact_id()"))
        await world.complete(Decimal("100.00"))
        assert await platform(world) == PROFIT
        assert await find_violations(world.database) == {}
    assert await platform(world) == PROFIT + SMALL_PROFIT


async def test_roll_ups_beside_completions_and_each_other(world: World) -> None:
    for _ in range(3):
        await world.add_trader()
    waiting = [await world.assign(Decimal(1000 + number), hosted=False) for number in range(12)]

    async def roll_up_often() -> None:
        for _ in range(10):
            await world.roll_up()

    await asyncio.gather(*(world.confirm_by_trader(one) for one in waiting), roll_up_often(), roll_up_often())
    profit = await world.scalar("select sum(platform_profit) from orders")
    assert await platform(world) == profit
    assert await find_violations(world.database) == {}


async def test_a_roll_up_makes_no_completion_wait(world: World) -> None:
    await world.complete(Decimal(100))
    async with world.database.write() as rolling:
        await balance_manager.roll_up(rolling)
        await world.complete(Decimal(101))
    assert await find_violations(world.database) == {}
