"""Accounts that many deals meet on: one store, one platform, and the roll-up beside completions."""

import asyncio
from decimal import Decimal

from factories.world import World
from jivapay.services.balance_manager import AccountKey
from services.requisite_selector.looking import change
from support.racing import WON, patiently, race

EACH = Decimal("49.810810")
PROFIT = Decimal("1.027027")
PLATFORM = AccountKey.platform("USDT", test=False)


async def test_the_orders_of_many_traders_settle_to_one_store_at_once(world: World) -> None:
    for _ in range(4):
        await world.add_trader()
    incoming = [await world.assign() for _ in range(5)]
    await world.confirm_by_trader(incoming[0])
    assert await race([lambda one=one: world.confirm_by_trader(one) for one in incoming[1:]]) == [WON] * 4
    assert (await world.store_balance()).available == 5 * EACH


async def test_the_very_first_orders_of_a_platform_settle_at_once(world: World) -> None:
    """Accounts of store, platform and world do not exist yet: everybody wants to open them."""
    for _ in range(4):
        await world.add_trader()
    incoming = [await world.assign() for _ in range(5)]
    assert await race([lambda one=one: world.confirm_by_trader(one) for one in incoming]) == [WON] * 5
    assert (await world.store_balance()).available == 5 * EACH
    assert await world.scalar("select count(*) from accounts where owner_type in ('platform', 'world')") == 3


async def test_one_trader_s_orders_settle_to_many_stores_at_once(world: World) -> None:
    stores = [world.store, *[await world.add_store() for _ in range(5)]]
    incoming = [await world.assign(Decimal(1000 + n), store=store) for n, store in enumerate(stores)]
    assert await race([lambda one=one: world.confirm_by_trader(one) for one in incoming]) == [WON] * 6
    assert (await world.trader_balance()).held == Decimal(0)


async def test_late_completions_beside_timely_ones_lock_accounts_in_one_order(world: World) -> None:
    """A late one takes its hold and settles at once. The store's account is older than this trader's."""
    await world.complete(Decimal(900))
    await change(world, "traders", world.trader.id, in_work=False)
    await world.add_trader(requisites=4)
    for _ in range(4):
        late, timely = [[await world.assign(Decimal(next(world.numbers)) + 1000) for _ in range(4)] for _ in range(2)]
        for one in late:
            await world.cancel(one)
        moves = [
            lambda one=one: world.confirm_by_trader(one) for pair in zip(late, timely, strict=True) for one in pair
        ]
        assert await race(moves) == [WON] * 8


async def test_deposits_beside_completions_and_reservations(world: World) -> None:
    incoming = [await world.assign(Decimal(1000 + number)) for number in range(6)]
    waiting = [await world.accept(Decimal(2000 + number)) for number in range(3)]
    moves = [lambda one=one: world.confirm_by_trader(one) for one in incoming]
    moves += [lambda: world.deposit(world.trader, Decimal(10))] * 4
    moves += [lambda one=one: world.process(one) for one in waiting]
    assert await race(moves) == [WON] * 13


async def test_the_roll_up_runs_beside_completions_and_loses_nothing(world: World) -> None:
    for _ in range(2):
        await world.add_trader()
    incoming = [await world.assign(Decimal(4750), store=world.store) for _ in range(3)]
    incoming += [await world.assign(Decimal(1000 + number)) for number in range(17)]
    done = asyncio.Event()

    async def keep_rolling() -> int:
        runs = 0
        while not done.is_set():
            await asyncio.gather(patiently(world.roll_up), patiently(world.roll_up))
            await asyncio.sleep(0.02)
            runs += 1
        return runs

    rolling = asyncio.create_task(keep_rolling())
    outcomes = await race([lambda one=one: world.confirm_by_trader(one) for one in incoming])
    done.set()
    assert outcomes == [WON] * 20
    assert await rolling > 0
    await world.roll_up()
    balance = (await world.balance(PLATFORM)).total
    assert balance == await world.scalar("select sum(platform_profit) from orders where status = 'completed'")
    assert balance > 3 * PROFIT
