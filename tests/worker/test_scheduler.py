"""The timetable's jobs: what is due is offered, ended, moved on, cleaned up; one scheduler at a time."""
# ruff: noqa: ASYNC110 - a row in a database sets no event

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from factories.world import World
from jivapay.services import idempotency
from jivapay.services.idempotency import IdempotencyClaim
from jivapay.worker import leadership, scheduler
from jivapay.worker.publisher import Publisher
from jivapay.worker.scheduler import NEW_ORDER_PATIENCE, OFFERED_AGAIN_SECONDS, Timetable
from worker.broker import offered_orders, publisher_to_nowhere, queued

PATIENCE = NEW_ORDER_PATIENCE.total_seconds() + 0.5


@pytest.fixture
def timetable(world: World, publisher: Publisher) -> Timetable:
    return Timetable(world.resources, publisher)


async def watch(world: World, timetable: Timetable, seconds: float) -> None:
    """Time goes by while a scheduler beats."""
    while seconds > 0:
        await world.advance(min(seconds, 29), fresh_rate=False)
        await timetable.beat()
        seconds -= 29


async def test_lost_message_is_offered_again(world: World, timetable: Timetable) -> None:
    incoming_id = await world.accept()
    await timetable.poll_new_orders()
    assert await queued(world.resources) == []  # the relay's hint has its chance first
    await world.advance(PATIENCE)
    await timetable.poll_new_orders()
    assert await offered_orders(world.resources) == [incoming_id]
    await world.resources.redis.flushall()
    await timetable.poll_new_orders()
    assert await queued(world.resources) == []  # somebody may be working on it
    timetable.offered[incoming_id] -= OFFERED_AGAIN_SECONDS
    await timetable.poll_new_orders()
    assert await offered_orders(world.resources) == [incoming_id]


async def test_what_is_not_due_is_not_offered(world: World, timetable: Timetable) -> None:
    await world.assign()
    await world.accept(method=None)
    waiting = await world.accept(method="sbp")
    await world.process(waiting)
    assert (await world.statuses(waiting))[0] == "retrying"
    await timetable.poll_new_orders()
    assert await queued(world.resources) == []
    await world.advance(world.rules.retry_delay_seconds * 2)
    await timetable.poll_new_orders()
    assert await offered_orders(world.resources) == [waiting]


async def test_unpublished_offer_is_made_again_at_once(world: World, timetable: Timetable) -> None:
    incoming_id = await world.accept()
    await world.advance(PATIENCE)
    broken = Timetable(world.resources, publisher_to_nowhere(world.resources.settings))
    with pytest.raises(scheduler.BrokerError):
        await broken.poll_new_orders()
    broken.publisher = timetable.publisher
    await broken.poll_new_orders()
    assert await offered_orders(world.resources) == [incoming_id]


async def test_deadlines_pass(world: World, timetable: Timetable) -> None:
    waiting, reserved = await world.accept(method=None), await world.assign()
    await timetable.expire_due()
    assert (await world.statuses(waiting))[0] == "new"
    await watch(world, timetable, max(world.rules.session_ttl_seconds, world.rules.client_pay_seconds) + 1)
    await timetable.expire_due()
    assert (await world.statuses(waiting))[0] == "expired"
    assert (await world.statuses(reserved))[1] == "expired"
    assert (await world.trader_balance()).held == 0


async def test_outage_expires_nobody(world: World, timetable: Timetable) -> None:
    """Nobody watched, and the deadlines that passed meanwhile are moved on (hard case 24)."""
    await timetable.beat()
    reserved = await world.assign()
    await world.advance(world.rules.client_pay_seconds + 60)
    await timetable.beat()
    await timetable.expire_due()
    assert (await world.statuses(reserved))[1] == "pending"
    await watch(world, timetable, 200)
    await timetable.expire_due()
    assert (await world.statuses(reserved))[1] == "pending"
    await watch(world, timetable, 150)
    await timetable.expire_due()
    assert (await world.statuses(reserved))[1] == "expired"


async def test_short_gap_is_no_outage(world: World, timetable: Timetable) -> None:
    await timetable.beat()
    reserved = await world.assign()
    await watch(world, timetable, world.rules.client_pay_seconds + 1)
    await timetable.expire_due()
    assert (await world.statuses(reserved))[1] == "expired"


async def test_due_callbacks_are_offered(world: World, timetable: Timetable) -> None:
    await timetable.offer_callbacks()
    assert await queued(world.resources, "callbacks") == []
    await world.assign(store=await world.add_store(callback_url="https://shop.example/hook"))
    await timetable.offer_callbacks()
    assert await queued(world.resources, "callbacks") == []  # not numbered yet
    await world.relay()
    await timetable.offer_callbacks()
    assert await queued(world.resources, "callbacks") == [("jivapay.deliver_callbacks", [])]
    await world.deliver_callbacks(200)
    await world.resources.redis.flushall()
    await timetable.offer_callbacks()
    assert await queued(world.resources, "callbacks") == []


async def test_clean_up(world: World, timetable: Timetable) -> None:
    claim = IdempotencyClaim("store:1", "k", b"h")
    async with world.database.write() as session:
        await idempotency.remember(session, claim, status=201, resource_type="x", resource_id=1)
    await world.accept()
    await world.relay()

    async def kept() -> tuple[int, int]:
        count = "select count(*) from"
        return await world.scalar(f"{count} idempotency_keys"), await world.scalar(f"{count} outbox")

    await timetable.clean_up()
    assert await kept() == (1, 1)
    await world.advance(timedelta(days=1, minutes=1).total_seconds())
    await timetable.clean_up()
    assert await kept() == (1, 0)
    await world.advance(idempotency.KEPT_FOR.total_seconds())
    await timetable.clean_up()
    assert await kept() == (0, 0)


async def test_clean_up_of_more_than_one_portion(
    world: World, timetable: Timetable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "FORGOTTEN_AT_ONCE", 2)
    for number in range(5):
        claim = IdempotencyClaim("store:1", f"k{number}", b"h")
        async with world.database.write() as session:
            await idempotency.remember(session, claim, status=201, resource_type="x", resource_id=1)
    await world.advance(idempotency.KEPT_FOR.total_seconds())
    await timetable.clean_up()
    assert await world.scalar("select count(*) from idempotency_keys") == 0


async def test_unpublished_intentions_are_not_cleaned_up(world: World, timetable: Timetable) -> None:
    await world.accept()
    await world.advance(timedelta(days=30).total_seconds())
    await timetable.clean_up()
    assert await world.scalar("select count(*) from outbox where dispatched_at is null") == 1


async def test_two_schedulers_one_leads(world: World, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """The heartbeat goes on when the leader stops: the other has taken over."""
    monkeypatch.setattr(leadership, "RETRY_SECONDS", 0.1)
    stops = [asyncio.Event(), asyncio.Event()]
    runs = [asyncio.create_task(scheduler.run(world.resources, stop)) for stop in stops]

    async def beaten_since(moment: object) -> None:
        async with asyncio.timeout(15):
            while not await world.scalar("select max(seen_at) > :since from heartbeats", since=moment):
                await asyncio.sleep(0.05)

    async with asyncio.timeout(15):
        while await world.scalar("select max(seen_at) from heartbeats") is None:
            await asyncio.sleep(0.05)
    locks = f"select count(*) from pg_locks where locktype = 'advisory' and objid = {scheduler.LEADER_KEY} and granted"
    assert await world.scalar(locks) == 1
    stops[0].set()
    await runs[0]
    await beaten_since(await world.scalar("select app_now()"))
    assert await world.scalar(locks) == 1
    stops[1].set()
    await runs[1]
    assert await world.scalar(locks) == 0


async def test_broken_job_stops_no_other(world: World) -> None:
    ended, calls = asyncio.Event(), []

    async def job() -> None:
        calls.append(1)
        if len(calls) == 3:
            ended.set()
        raise ValueError("a defect")

    async with asyncio.timeout(5):
        await scheduler._repeat(0.01, job, ended)
    assert len(calls) == 3


async def test_deal_in_other_hands_stops_no_other(world: World, timetable: Timetable) -> None:
    first, second = await world.accept(method=None), await world.accept(method=None)
    await timetable.beat()
    await watch(world, timetable, world.rules.session_ttl_seconds + 1)
    async with world.database.write() as session:
        await session.execute(text("select 1 from incoming_orders where id = :id for update"), {"id": first})
        async with asyncio.timeout(15):
            await timetable.expire_due()
        assert (await world.statuses(second))[0] == "expired"
        assert (await world.statuses(first))[0] == "new"
    await timetable.expire_due()
    assert (await world.statuses(first))[0] == "expired"
