"""One real worker with one real pool child, on the broker and database of the tests."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import asyncpg
import pytest

from factories.world import World
from jivapay.utils.resources import Resources
from jivapay.worker.publisher import Publisher

PATIENCE_SECONDS = 60.0

pytestmark = pytest.mark.timeout(150)


@contextmanager
def running_worker(stack: dict[str, str], resources: Resources) -> Iterator[subprocess.Popen[bytes]]:
    """`jivapay worker` with one child, on the test's own database."""
    url, owner = resources.settings.database_url, resources.settings.database_owner_url
    assert url is not None
    assert owner is not None
    env = stack | {
        "DATABASE_URL": url.get_secret_value(),
        "DATABASE_OWNER_URL": owner.get_secret_value(),
        "ENV": "test",
        "LOG_LEVEL": "WARNING",
    }
    process = subprocess.Popen([sys.executable, "-m", "jivapay", "worker", "--concurrency", "1"], env=os.environ | env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - a row in a database sets no event
            await asyncio.sleep(0.05)


async def test_works_fails_and_finishes(stack: dict[str, str], world: World, publisher: Publisher) -> None:
    """A task is done; one that cannot be is kept; and asked to stop it finishes what it has begun (F51, F53)."""
    with running_worker(stack, world.resources) as process:
        first = await world.accept()
        await publisher.offer_orders([(first, "req-prefork")])
        await eventually(lambda: _is_assigned(world, first))

        await publisher._send("jivapay.process_order", ["nonsense"], "orders")
        await eventually(lambda: _is_true(world, "select exists (select from failed_tasks)"))
        assert await world.scalar("select name from failed_tasks") == "jivapay.process_order"

        second = await world.accept(Decimal("4751.00"))  # a trader takes an amount once at a time
        owner = world.resources.settings.database_owner_url
        assert owner is not None
        connection = await asyncpg.connect(owner.get_secret_value())
        try:
            async with connection.transaction():
                await connection.execute("lock table orders in share row exclusive mode")
                await publisher.offer_orders([(second, None)])
                await eventually(
                    lambda: _is_true(
                        world,
                        "select exists (select from pg_locks where not granted and relation = 'orders'::regclass)",
                    )
                )
                process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.5)
                assert process.poll() is None
        finally:
            await connection.close()
        async with asyncio.timeout(30):
            assert await asyncio.to_thread(process.wait) == 0
        assert await _is_assigned(world, second)
        assert await world.resources.redis.hlen("jivapay:unacked") == 0


async def _is_assigned(world: World, incoming_id: int) -> bool:
    return (await world.statuses(incoming_id))[0] == "assigned"


async def _is_true(world: World, question: str) -> bool:
    return bool(await world.scalar(question))
