"""Many orders for few requisites: limits hold to the kopeck, amounts differ, deposits are never spent twice."""

import asyncio
from collections import Counter
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import text

from factories.world import World
from jivapay.domain.outcomes import Assigned, Busy, NoRequisite
from services.requisite_selector.looking import change, only_requisite
from support.racing import patiently

MAXIMUM = {
    "turnover_day_max": Decimal(10_000),
    "total_limit": Decimal(10_000),
    "turnover_limit_sum": Decimal(10_000),
}


async def process_all(world: World, incoming: list[int]) -> Counter[str]:
    """Until nobody is merely busy, as the poller would."""
    outcomes: Counter[str] = Counter()
    waiting = incoming
    for _ in range(30):
        results = await asyncio.gather(*(patiently(partial(world.process, one)) for one in waiting))
        busy = [one for one, outcome in zip(waiting, results, strict=True) if isinstance(outcome, Busy)]
        outcomes.update(type(outcome).__name__ for outcome in results if not isinstance(outcome, Busy))
        if not busy:
            return outcomes
        waiting = busy
        await world.advance(1.1)
    raise AssertionError(f"still busy: {len(waiting)}")


@pytest.mark.parametrize("limit", MAXIMUM)
async def test_fifty_orders_for_one_requisite_near_its_limit(world: World, limit: str) -> None:
    """Room for nine of 1 000 and something: nine are taken, and the tenth by nobody."""
    requisite = await only_requisite(world)
    minutes = {"turnover_limit_minutes": 60} if limit == "turnover_limit_sum" else {}
    await change(world, "requisite_settings", requisite, **{limit: MAXIMUM[limit]}, **minutes)
    incoming = [await world.accept(Decimal(1000 + number)) for number in range(1, 51)]
    outcomes = await process_all(world, incoming)
    assert outcomes == {"Assigned": 9, "NoRequisite": 41}
    used = await world.requisite(requisite)
    assert (used.open_count, used.day_used) == (9, used.total_used)
    assert Decimal(9000) < used.total_used <= MAXIMUM[limit]


async def test_fifty_orders_for_a_requisite_that_takes_seven_at_a_time(world: World) -> None:
    await change(world, "requisite_settings", await only_requisite(world), max_open_orders=7)
    incoming = [await world.accept(Decimal(1000 + number)) for number in range(50)]
    assert await process_all(world, incoming) == {"Assigned": 7, "NoRequisite": 43}


async def test_fifty_orders_for_a_deposit_that_covers_five(world: World) -> None:
    """Each costs 10.71 or a little more; the deposit is spread over four requisites."""
    await change(world, "traders", world.trader.id, in_work=False)
    trader = await world.add_trader(deposit=Decimal("56.00"), requisites=4)
    incoming = [await world.accept(Decimal(1000 + number)) for number in range(50)]
    assert await process_all(world, incoming) == {"Assigned": 5, "NoRequisite": 45}
    balance = await world.trader_balance(trader)
    assert Decimal(53) < balance.held <= balance.total == Decimal("56.00")


async def test_two_payers_with_the_same_amount_never_meet_at_one_trader(world: World) -> None:
    """Three traders with two requisites each, twenty payers of exactly 4 750: three are served."""
    await world.add_requisite(world.trader, bank="alfa")
    for _ in range(2):
        await world.add_trader(requisites=2)
    incoming = [await world.accept() for _ in range(20)]
    assert await process_all(world, incoming) == {"Assigned": 3, "NoRequisite": 17}
    async with world.database.read() as session:
        traders = (await session.scalars(text("select trader_id from orders"))).all()
    assert len(set(traders)) == 3


async def test_orders_spread_over_many_requisites_are_all_served(world: World) -> None:
    for _ in range(3):
        await world.add_trader(requisites=2)
    incoming = [await world.accept(Decimal(2000 + number)) for number in range(40)]
    assert await process_all(world, incoming) == {"Assigned": 40}
    used = await world.scalar("select sum(open_count) from requisites")
    assert used == 40


async def test_messages_that_name_the_same_orders(world: World) -> None:
    """Eight traders, sixty orders, each named by two of eight messages at once; half of the amounts are the same."""
    for _ in range(7):
        await world.add_trader(requisites=2)
    incoming = [await world.accept(Decimal(1000 + number // 2)) for number in range(60)]
    messages = [incoming[start::6] for start in range(6)] + [incoming[:30], incoming[30:]]
    assigned = await asyncio.gather(*(patiently(partial(world.process_together, message)) for message in messages))
    counts = Counter(one for message in assigned for one in message)
    assert counts
    assert set(counts.values()) == {1}
    assert await world.scalar("select count(*) from orders") == len(counts)
    rest = [one for one in incoming if one not in counts]
    assert await process_all(world, rest) == {"Assigned": len(rest)}


async def test_a_lapsed_amount_is_taken_while_its_first_payer_comes_back(world: World) -> None:
    """The selector frees the slot of an order that its own trader completes at the same moment."""
    for number in range(6):
        amount = Decimal(1000 + number)
        first = await world.assign(amount)
        await world.cancel(first)
        await world.advance(world.rules.amount_cooldown_seconds + 1)
        second = await world.accept(amount)
        outcome, _ = await asyncio.gather(
            patiently(partial(world.process, second)), patiently(partial(world.confirm_by_trader, first))
        )
        assert isinstance(outcome, Assigned | Busy | NoRequisite)
        assert (await world.statuses(first))[1] == "completed"
        if not isinstance(outcome, Assigned):
            await world.advance(2)
            assert isinstance(await world.process(second), Assigned)
