"""Failed tasks: kept, listed, and sent on their way again once, through the outbox."""

import pytest
from sqlalchemy import insert

from factories.world import World
from jivapay.database.models.reference import FailedTask
from jivapay.exceptions import Conflict, NotFound
from jivapay.services import task_service
from jivapay.worker import relay
from support.racing import race
from worker.broker import queued
from worker.conftest import publisher

__all__ = ["publisher"]


async def fail(world: World, task_id: str, name: str = "jivapay.update_balance") -> None:
    async with world.database.write() as session:
        await session.execute(
            insert(FailedTask).values(task_id=task_id, name=name, args=[7], error="ValueError", traceback="…")
        )


async def requeue(world: World, task_id: str) -> None:
    async with world.database.write() as session:
        await task_service.requeue(session, world.staff, task_id)


async def listed(world: World) -> list[str]:
    async with world.database.read() as session:
        return [row.task_id for row in (await task_service.list_failed(session))[0]]


async def test_a_failed_task_is_sent_again_by_the_relay(world: World, publisher: relay.Publisher) -> None:
    await fail(world, "one")
    await fail(world, "two", "jivapay.deliver_callbacks")
    assert await listed(world) == ["two", "one"]
    await requeue(world, "one")
    await requeue(world, "two")
    assert await listed(world) == []
    await relay.relay_once(world.resources, publisher)
    assert await queued(world.resources) == [("jivapay.update_balance", [7])]
    assert await queued(world.resources, "callbacks") == [("jivapay.deliver_callbacks", [7])]
    await relay.relay_once(world.resources, publisher)
    assert len(await queued(world.resources)) == 1
    assert await world.scalar("select count(*) from audit_log where action = 'task.requeued'") == 2


async def test_once_and_only_what_there_is(world: World) -> None:
    await fail(world, "one")
    outcomes = await race([lambda: requeue(world, "one")] * 8)
    assert sorted(outcomes) == ["task.resolved"] * 7 + ["won"]
    assert await world.scalar("select count(*) from outbox where topic = 'task.again'") == 1
    with pytest.raises(Conflict):
        await requeue(world, "one")
    with pytest.raises(NotFound):
        await requeue(world, "none")
