"""Who is next: priority, then the longest unused, past the exhausted and the locked; limits frozen on the order."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.world import World
from jivapay.domain.outcomes import Assigned, Busy, NoRequisite
from services.requisite_selector.looking import AMOUNT, change, explain, find, find_id, only_requisite

pytestmark = pytest.mark.usefixtures("own_invariants_hold")


async def test_priority_comes_first_then_the_longest_unused(world: World) -> None:
    first = await only_requisite(world)
    second = await world.add_requisite(world.trader)
    third = await world.add_requisite(world.trader, traffic_priority=50)
    order = []
    for amount in range(5):
        incoming = await world.assign(Decimal(1000 + amount))
        order.append((await world.order(incoming)).requisite_id)
        if amount == 1:
            await change(world, "requisites", third, traffic_priority=200)
    assert order == [third, third, first, second, first]


async def test_a_requisite_never_used_comes_before_a_used_one(world: World) -> None:
    await world.assign(Decimal(500))
    fresh = await world.add_requisite(world.trader)
    assert await find_id(world) == fresh


async def test_an_exhausted_requisite_starves_nobody(world: World) -> None:
    """H1: the first in order has no room left, and stays first in order."""
    exhausted = await only_requisite(world)
    await change(world, "requisites", exhausted, traffic_priority=1)
    await change(world, "requisite_settings", exhausted, turnover_day_max=Decimal(100))
    other = await world.add_requisite(world.trader)
    for amount in range(3):
        assert (await world.order(await world.assign(Decimal(500 + amount)))).requisite_id == other


async def test_a_locked_requisite_is_passed_by(world: World) -> None:
    first = await only_requisite(world)
    second = await world.add_requisite(world.trader)
    async with world.database.write() as session:
        await session.execute(text("select 1 from requisites where id = :id for no key update"), {"id": first})
        incoming = await world.assign(AMOUNT)
    assert (await world.order(incoming)).requisite_id == second


async def test_when_all_that_suit_are_locked_it_is_busy_and_no_attempt_counts(world: World) -> None:
    requisite = await only_requisite(world)
    incoming = await world.accept(AMOUNT)
    async with world.database.write() as session:
        await session.execute(text("select 1 from requisites where id = :id for no key update"), {"id": requisite})
        assert await world.process(incoming) == Busy()
        deal = (await world.deal(incoming)).incoming
        assert (deal.status, deal.retry_count, deal.failure_code) == ("new", 0, None)
        due_in = await world.scalar("select next_attempt_at - app_now() from incoming_orders where id = :i", i=incoming)
        assert timedelta(0) < due_in <= timedelta(seconds=1)
    await world.advance(1.1)
    assert isinstance(await world.process(incoming), Assigned)


async def test_a_lock_given_back_in_time_is_waited_for(world: World) -> None:
    requisite = await only_requisite(world)
    incoming = await world.accept(AMOUNT)
    async with asyncio.TaskGroup() as group, world.database.write() as session:
        await session.execute(text("select 1 from requisites where id = :id for no key update"), {"id": requisite})
        attempt = group.create_task(world.process(incoming))
        await asyncio.sleep(0.12)
    assert isinstance(attempt.result(), Assigned)


async def test_locked_and_unsuitable_is_no_requisite(world: World) -> None:
    requisite = await only_requisite(world)
    await change(world, "requisite_settings", requisite, pay_in=False)
    incoming = await world.accept(AMOUNT)
    async with world.database.write() as session:
        await session.execute(text("select 1 from requisites where id = :id for no key update"), {"id": requisite})
        assert await world.process(incoming) == NoRequisite({"direction_disabled": 1})


async def test_the_window_is_summed_again_under_the_lock(world: World) -> None:
    """A candidate seen with room left is exhausted by the time its lock is given; it is not taken on old figures."""
    requisite = await only_requisite(world)
    window = {"turnover_limit_minutes": 60, "turnover_limit_sum": Decimal(1500)}
    await change(world, "requisite_settings", requisite, **window)
    incoming = [await world.accept(Decimal(1000 + number)) for number in range(6)]
    outcomes = await asyncio.gather(*(world.process(one) for one in incoming))
    assert sum(isinstance(outcome, Assigned) for outcome in outcomes) == 1


async def test_orders_leave_the_window_as_time_goes_by(world: World) -> None:
    window = {"turnover_limit_minutes": 60, "turnover_limit_sum": Decimal(1500)}
    await change(world, "requisite_settings", await only_requisite(world), **window)
    await world.complete(Decimal(1000))
    assert await explain(world) == {"window_limit": 1}
    await world.advance(3599)
    assert await explain(world) == {"window_limit": 1}
    await world.advance(2)
    assert await explain(world, amount=Decimal(1500)) == {"suitable": 1}


async def test_the_limits_compared_are_frozen_on_the_order(world: World) -> None:
    limits = {
        "lower_limit": Decimal(10),
        "upper_limit": Decimal(5000),
        "turnover_limit_minutes": 30,
        "turnover_limit_sum": Decimal(9000),
        "max_open_orders": 7,
    }
    requisite = await only_requisite(world)
    await change(world, "requisite_settings", requisite, **limits)
    order = await world.order(await world.assign(AMOUNT))
    await change(world, "requisite_settings", requisite, upper_limit=Decimal(11), max_open_orders=1)
    frozen = await world.order(order.incoming_order_id)
    assert (frozen.limit_lower, frozen.limit_upper, frozen.limit_open_max) == (Decimal(10), Decimal(5000), 7)
    assert (frozen.limit_window_minutes, frozen.limit_window_sum) == (30, Decimal(9000))


async def test_a_lapsed_slot_is_freed_by_whoever_takes_the_amount(world: World) -> None:
    """No job frees it: a late one would say there is no requisite (hard case 17 c)."""
    first = await world.assign(AMOUNT)
    await world.cancel(first)
    assert await explain(world) == {"amount_taken": 1}
    await world.advance(world.rules.amount_cooldown_seconds - 1)
    assert await explain(world) == {"amount_taken": 1}
    await world.advance(2)
    assert await explain(world) == {"suitable": 1}
    second = await world.assign(AMOUNT)
    assert ((await world.order(first)).amount_slot, (await world.order(second)).amount_slot) == (None, AMOUNT)


async def test_a_paid_amount_is_free_at_once(world: World) -> None:
    await world.complete(AMOUNT)
    assert await explain(world) == {"suitable": 1}


async def test_the_same_amount_goes_to_another_trader_never_to_another_requisite_of_the_same(world: World) -> None:
    await world.add_requisite(world.trader)
    await world.assign(AMOUNT)
    assert await explain(world) == {"amount_taken": 2}
    other = await world.add_trader()
    incoming = await world.assign(AMOUNT)
    assert (await world.order(incoming)).trader_id == other.id


async def test_looking_takes_nothing(world: World) -> None:
    requisite = await world.requisite(await only_requisite(world))
    assert await find(world) is not None
    after = await world.requisite(requisite.id)
    assert (after.open_count, after.day_used, after.last_used_at) == (0, Decimal(0), None)
