"""A world of the test's own, a publisher to the real broker under names of the test's own, and a child in process."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from factories.fixtures import own_database_name, own_owner_url, own_resources, world
from jivapay.services import callback_service
from jivapay.utils.resources import Resources
from jivapay.worker import app as worker_app
from jivapay.worker.app import Child, make_app
from jivapay.worker.publisher import Publisher

__all__ = ["own_database_name", "own_owner_url", "own_resources", "world"]


@pytest.fixture
async def publisher(own_resources: Resources) -> AsyncIterator[Publisher]:
    """On an empty broker: this process's own Valkey."""
    await own_resources.redis.flushall()
    yield Publisher(make_app(own_resources.settings))
    await own_resources.redis.flushall()


@pytest.fixture
def child(own_resources: Resources, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """What a pool child holds. Its loop is the runner's, so only tests that are no coroutines may use the shims."""
    runner = asyncio.Runner()

    async def close() -> None:
        pass

    made = Child(runner, own_resources, callback_service.open_transport(own_resources.settings), close)
    monkeypatch.setattr(worker_app, "_child", made)
    yield made
    runner.close()
