"""Who waits for whom: two of a store at a time across all workers, and nobody for a shop that hangs."""

import asyncio
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from jivapay.domain.identifiers import new_id
from jivapay.utils.http_client import Answer, Failure, Sent
from services.callback.world import Gate, World


async def test_two_at_a_time_of_one_store_across_workers(world: World, gate: Gate) -> None:
    shop = await world.add_shop()
    ids = [await world.book(shop) for _ in range(9)]
    world.answer(gate)
    workers = [asyncio.create_task(world.deliver(run_seconds=5)) for _ in range(4)]
    await asyncio.sleep(0.6)
    assert (gate.waiting, len(world.transport.sent)) == (2, 2)
    gate.open.set()
    counts = await asyncio.gather(*workers)
    while sum(count.sent for count in counts) < 9:
        counts.append(await world.deliver())
    assert gate.most == 2
    assert await world.states(*ids) == ["delivered"] * 9
    assert Counter(sent.headers["webhook-id"] for sent in world.transport.sent).most_common(1)[0][1] == 1


async def test_a_hanging_shop_delays_nobody(world: World) -> None:
    hanging = [await world.add_shop(f"https://hang{index}.example/") for index in range(5)]
    healthy = await world.add_shop("https://healthy.example/")

    async def answer(sent: Sent) -> Answer:
        if "hang" in sent.url:
            await asyncio.sleep(3)
            return Answer(failure=Failure.TIMEOUT)
        return Answer(status=200)

    world.answer(answer)
    for shop in hanging:
        for _ in range(4):
            await world.book(shop, numbered=False)
    await world.number()
    run = asyncio.create_task(world.deliver(run_seconds=1.5))
    await asyncio.sleep(0.3)
    started = time.monotonic()
    # Booked while every slow shop is being waited for, leased by the run that waits.
    quick = [await world.book(healthy) for _ in range(6)]
    while await world.states(*quick) != ["delivered"] * 6:
        assert time.monotonic() - started < 1.5
        await asyncio.sleep(0.02)
    counts = await run
    assert (counts.delivered, counts.failed) == (6, 10)
    assert time.monotonic() - started < 4.5


async def test_a_run_ends_when_its_time_is_over_and_records_what_was_on_its_way(world: World) -> None:
    shops = [await world.add_shop() for _ in range(2)]
    ids = [await world.book(shop) for shop in shops for _ in range(3)]

    async def slow(_sent: Sent) -> Answer:
        await asyncio.sleep(0.5)
        return Answer(status=200)

    world.answer(slow)
    counts = await world.deliver(run_seconds=0.2, extra_seconds=0)
    assert counts.delivered == 4
    assert Counter(await world.states(*ids)) == {"delivered": 4, "pending": 2}


async def test_while_a_run_waits_for_the_last_slow_shop_quick_ones_are_served(world: World, gate: Gate) -> None:
    slow, quick = await world.add_shop("https://slow.example/"), await world.add_shop("https://quick.example/")

    async def answer(sent: Sent) -> Answer:
        return await gate(sent) if "slow" in sent.url else Answer(status=200)

    world.answer(answer)
    waiting = [await world.book(slow) for _ in range(3)]
    run = asyncio.create_task(world.deliver(run_seconds=0.1, extra_seconds=5))
    await asyncio.sleep(0.4)
    served = [await world.book(quick) for _ in range(5)]
    await asyncio.sleep(1.5)
    assert await world.states(*served) == ["delivered"] * 5
    gate.open.set()
    await run
    # The slow shop's third is left to the next run.
    assert await world.states(*waiting) == ["delivered", "delivered", "pending"]


async def test_a_run_holds_no_more_than_its_limit_in_flight(world: World, gate: Gate) -> None:
    for _ in range(5):
        await world.book(await world.add_shop())
    world.answer(gate)
    run = asyncio.create_task(world.deliver(in_flight_max=3))
    await asyncio.sleep(0.4)
    assert gate.waiting == 3
    gate.open.set()
    assert (await run).delivered == 5


async def test_no_connection_and_no_transaction_is_held_while_a_shop_is_waited_for(world: World, gate: Gate) -> None:
    await world.book(await world.add_shop())
    world.answer(gate)
    run = asyncio.create_task(world.deliver(run_seconds=0))
    # With a run time of zero nothing is leased; with some, the sending holds no connection.
    assert (await run).sent == 0
    run = asyncio.create_task(world.deliver(run_seconds=0.1))
    await asyncio.sleep(0.5)
    assert gate.waiting == 1
    async with world.database.read() as session:
        idle = await session.scalar(
            text("select count(*) from pg_stat_activity where state like 'idle in%' and datname = current_database()")
        )
    assert idle == 0
    gate.open.set()
    assert (await run).delivered == 1


async def test_f34_a_worker_killed_after_the_post_is_followed_by_one_that_sends_the_same_event(world: World) -> None:
    delivery = await world.book(await world.add_shop())
    posted = asyncio.Event()

    async def die(_sent: Sent) -> Answer:
        posted.set()
        await asyncio.sleep(60)
        return Answer(status=200)

    world.answer(die)
    run = asyncio.create_task(world.deliver())
    await posted.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    world.transport.answer = None
    assert (await world.deliver()).sent == 0
    world.clock.advance(timedelta(seconds=31))
    assert (await world.deliver()).delivered == 1
    first, second = world.transport.sent
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.headers["webhook-timestamp"] > first.headers["webhook-timestamp"]
    row = await world.row(delivery)
    assert (row.state, row.attempts) == ("delivered", 1)


async def test_a_worker_that_lost_its_lease_records_nothing(world: World, gate: Gate) -> None:
    delivery = await world.book(await world.add_shop())
    world.answer(gate)
    slow = asyncio.create_task(world.deliver(run_seconds=0.1))
    await asyncio.sleep(0.3)
    world.clock.advance(timedelta(seconds=31))
    world.transport.answer = None
    assert (await world.deliver()).delivered == 1
    gate.open.set()
    counts = await slow
    assert (counts.sent, counts.delivered, counts.lost) == (1, 0, 1)
    assert len(await world.attempts(delivery)) == 1


async def test_an_event_does_not_overtake_an_older_one_of_its_order(world: World, gate: Gate) -> None:
    shop, order = await world.add_shop(), new_id()
    older = await world.book(shop, order=order)
    world.answer(gate)
    run = asyncio.create_task(world.deliver(run_seconds=2))
    await asyncio.sleep(0.3)
    newer = await world.book(shop, order=order, event="order.completed")
    await asyncio.sleep(0.5)
    # On its way it is not replaced; the newer one waits for its answer.
    assert await world.states(older, newer) == ["pending", "pending"]
    assert len(world.transport.sent) == 1
    gate.open.set()
    assert (await run).delivered == 2
    assert await world.states(older, newer) == ["delivered", "delivered"]


@pytest.mark.parametrize("dies", [False, True], ids=["fails", "its worker dies"])
async def test_what_was_on_its_way_gives_way_once_it_is_over(world: World, *, dies: bool) -> None:
    shop, order = await world.add_shop(), new_id()
    older = await world.book(shop, order=order)
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def fail(_sent: Sent) -> Answer:
        waiting.set()
        await go_on.wait()
        return Answer(status=500)

    world.answer(fail)
    run = asyncio.create_task(world.deliver(run_seconds=0.1))
    await waiting.wait()
    newer = await world.book(shop, order=order, event="order.completed")
    if dies:
        run.cancel()
        world.clock.advance(timedelta(seconds=31))
    world.transport.answer = None
    go_on.set()
    await asyncio.gather(run, return_exceptions=True)
    await world.deliver()
    assert await world.states(older, newer) == ["skipped", "delivered"]


async def test_a_defect_of_ours_is_reported_and_fails_its_own_delivery_only(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    good = await world.book(await world.add_shop("https://good.example/"))
    bad = await world.book(await world.add_shop("https://bad.example/"))

    async def answer(sent: Sent) -> Answer:
        if "bad" in sent.url:
            await asyncio.sleep(0.1)
            raise ZeroDivisionError
        return Answer(status=200)

    world.answer(answer)
    await world.deliver()
    assert await world.states(good, bad) == ["delivered", "retrying"]
    assert "ZeroDivisionError" in capsys.readouterr().err
