"""The relay publishes what is committed, all of it, and nothing else."""
# ruff: noqa: ASYNC110 - a row in a database sets no event

import asyncio
import contextlib

import pytest

from factories.world import SYSTEM, World
from jivapay.exceptions import BrokerError
from jivapay.services import outbox
from jivapay.utils.resources import Resources
from jivapay.worker import relay
from jivapay.worker.publisher import ORDERS_PER_MESSAGE, PUBLISH_SECONDS, Publisher
from worker.broker import offered_orders, publisher_to_nowhere, queued


async def waiting(world: World) -> int:
    return int(await world.scalar("select count(*) from outbox where dispatched_at is null"))


async def test_committed_orders_are_published_once(world: World, publisher: Publisher) -> None:
    made = [await world.accept() for _ in range(3)]
    assert await relay.relay_once(world.resources, publisher) is False
    assert await offered_orders(world.resources) == made
    assert await waiting(world) == 0
    await relay.relay_once(world.resources, publisher)
    assert await offered_orders(world.resources) == made


async def test_nothing_is_published_before_the_commit(world: World, publisher: Publisher) -> None:
    incoming_id = await world.accept(method=None)
    async with world.database.write() as session:
        await outbox.put(session, outbox.Topic.ORDER_PROCESS, ref_type="incoming_order", ref_id=incoming_id)
        await session.flush()
        await relay.relay_once(world.resources, publisher)
        assert await queued(world.resources) == []
    await relay.relay_once(world.resources, publisher)
    assert await offered_orders(world.resources) == [incoming_id]


async def test_rolled_back_intention_is_never_published(world: World, publisher: Publisher) -> None:
    class Regret(Exception):
        pass

    with contextlib.suppress(Regret):
        async with world.database.write() as session:
            await outbox.put(session, outbox.Topic.ORDER_PROCESS, ref_type="incoming_order", ref_id=1)
            await session.flush()
            raise Regret
    await relay.relay_once(world.resources, publisher)
    assert await queued(world.resources) == []


async def test_slower_transaction_with_a_smaller_id_is_found(world: World, publisher: Publisher) -> None:
    first, second = await world.accept(method=None), await world.accept(method=None)
    async with world.database.write() as slow:
        await outbox.put(slow, outbox.Topic.ORDER_PROCESS, ref_type="incoming_order", ref_id=first)
        await slow.flush()
        async with world.database.write() as quick:
            await outbox.put(quick, outbox.Topic.ORDER_PROCESS, ref_type="incoming_order", ref_id=second)
        await relay.relay_once(world.resources, publisher)
        assert await offered_orders(world.resources) == [second]
    await relay.relay_once(world.resources, publisher)
    assert await offered_orders(world.resources) == [second, first]


async def test_batches(world: World, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full batch asks for another look at once; a message carries so many orders."""
    monkeypatch.setattr(relay, "BATCH", ORDERS_PER_MESSAGE + 2)
    made = [await world.accept() for _ in range(ORDERS_PER_MESSAGE + 5)]
    assert await relay.relay_once(world.resources, publisher) is True
    assert [len(args[0]) for _, args in await queued(world.resources)] == [ORDERS_PER_MESSAGE, 2]
    assert await relay.relay_once(world.resources, publisher) is False
    assert await offered_orders(world.resources) == made


async def test_broker_down(world: World, publisher: Publisher) -> None:
    """The rows wait, and go when it is back."""
    made = [await world.accept() for _ in range(2)]
    nowhere = publisher_to_nowhere(world.resources.settings)
    async with asyncio.timeout(PUBLISH_SECONDS / 2):
        for _ in range(3):
            with pytest.raises(BrokerError):
                await relay.relay_once(world.resources, nowhere)
    assert await waiting(world) == 2
    await relay.relay_once(world.resources, publisher)
    assert await offered_orders(world.resources) == made


async def test_loop_survives_a_broker_that_comes_back(
    world: World, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "FAILED_SECONDS", 0.05)
    nowhere, ended = publisher_to_nowhere(world.resources.settings), asyncio.Event()
    made = await world.accept()
    loop = asyncio.create_task(relay._loop(world.resources, nowhere, ended))
    await asyncio.sleep(0.3)
    assert not loop.done()
    nowhere._app = publisher._app
    async with asyncio.timeout(10):
        while await waiting(world):
            await asyncio.sleep(0.02)
    ended.set()
    await loop
    assert await offered_orders(world.resources) == [made]


async def test_duplicate_hints_are_harmless(world: World, publisher: Publisher) -> None:
    """Published and not marked, as after a crash between the two: offered again, assigned once."""
    incoming_id = await world.accept()
    for _ in range(3):
        await publisher.offer_orders([(incoming_id, None)])
    outcomes = [type(await world.process(one)).__name__ for one in await offered_orders(world.resources)]
    assert outcomes == ["Assigned", "NotDue", "NotDue"]
    assert await world.scalar("select count(*) from orders") == 1


async def test_callbacks_are_numbered_and_offered(world: World, publisher: Publisher) -> None:
    store = await world.add_store(callback_url="https://shop.example/hook")
    await world.assign(store=store)
    await relay.relay_once(world.resources, publisher)
    assert await queued(world.resources, "callbacks") == [("jivapay.deliver_callbacks", [])]
    assert await world.scalar("select count(*) from callback_deliveries where store_seq is null") == 0


async def test_one_relay_leads(world: World, own_resources: Resources) -> None:
    """Two run, one works; when it steps down the other takes over."""
    from jivapay.worker import leadership

    led: list[str] = []

    async def work(name: str, ended: asyncio.Event) -> None:
        led.append(name)
        await ended.wait()

    stops = {name: asyncio.Event() for name in ("first", "second")}
    tasks = []
    for name, stop in stops.items():
        tasks.append(
            asyncio.create_task(
                leadership.lead(world.database, 42, name, lambda ended, name=name: work(name, ended), stop)
            )
        )
        await asyncio.sleep(0.2)
    assert led == ["first"]
    stops["first"].set()
    async with asyncio.timeout(10):
        while led != ["first", "second"]:
            await asyncio.sleep(0.05)
    stops["second"].set()
    await asyncio.gather(*tasks)


async def test_a_leader_that_is_asked_to_end_does_not_wait_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile nobody else may lead, and nothing would be done."""
    from jivapay.worker import leadership

    monkeypatch.setattr(leadership, "STEP_DOWN_SECONDS", 0.1)
    begun, stop = asyncio.Event(), asyncio.Event()

    async def work(_ended: asyncio.Event) -> None:
        begun.set()
        await asyncio.sleep(600)

    leading = asyncio.create_task(leadership.lead(world.database, 42, "slow", work, stop))
    await begun.wait()
    stop.set()
    async with asyncio.timeout(5):
        await leading


async def test_leader_whose_connection_dies_leads_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from jivapay.worker import leadership

    monkeypatch.setattr(leadership, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(leadership, "RETRY_SECONDS", 0.1)
    led: list[object] = []
    stop = asyncio.Event()

    async def work(ended: asyncio.Event) -> None:
        led.append(ended)
        await ended.wait()

    task = asyncio.create_task(leadership.lead(world.database, 43, "alone", work, stop))
    for times in (1, 2, 3):
        async with asyncio.timeout(10):
            while len(led) < times:
                await asyncio.sleep(0.02)
        await world.scalar(
            "select count(pg_terminate_backend(pid)) from pg_locks where locktype = 'advisory' and objid = 43"
        )
    stop.set()
    await task
    assert await world.scalar("select count(*) from pg_locks where locktype = 'advisory' and objid = 43") == 0


async def test_actor_of_a_published_order_is_remembered(world: World, publisher: Publisher) -> None:
    """The request's id travels with the hint, so that logs and audit of the worker carry it."""
    incoming_id = await world.accept(method=None)
    async with world.database.write() as session:
        await outbox.put(
            session, outbox.Topic.ORDER_PROCESS, ref_type="incoming_order", ref_id=incoming_id, request_id="req-12345"
        )
    await relay.relay_once(world.resources, publisher)
    assert await queued(world.resources) == [("jivapay.process_order", [[[incoming_id, "req-12345"]]])]
    assert SYSTEM.request_id is None
