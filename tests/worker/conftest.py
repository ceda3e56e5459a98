"""A world of the test's own, a publisher to the real broker, and a pool child in process."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from jivapay.config.clock import ShiftedClock
from jivapay.config.settings import Settings
from jivapay.services import callback_service
from jivapay.utils.resources import Resources, open_resources
from jivapay.utils.s3_client import MemoryStorage
from jivapay.worker import app as worker_app
from jivapay.worker.app import Child, make_app
from jivapay.worker.publisher import Publisher
from support.databases import Cluster


@pytest.fixture
async def publisher(own_resources: Resources) -> AsyncIterator[Publisher]:
    """On an empty broker: this process's own Valkey."""
    await own_resources.redis.flushall()
    yield Publisher(make_app(own_resources.settings))
    await own_resources.redis.flushall()


@pytest.fixture
def child(
    stack: dict[str, str],
    cluster: Cluster,
    own_database_name: str,
    own_owner_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Child]:
    """What a pool child holds, on a loop of its own: only tests that are no coroutines may use it."""
    urls = {"DATABASE_URL": cluster.url_of(own_database_name), "DATABASE_OWNER_URL": own_owner_url, "ENV": "test"}
    settings = Settings.model_validate({name.lower(): value for name, value in (stack | urls).items()})
    runner = asyncio.Runner()
    opened = open_resources(settings, clock=ShiftedClock(), storage=MemoryStorage(), application_name="tests")

    async def build() -> Child:
        resources = await opened.__aenter__()
        transport = callback_service.open_transport(settings)

        async def close() -> None:
            await transport.aclose()
            await opened.__aexit__(None, None, None)

        return Child(runner, resources, transport, close)

    made = runner.run(build())
    monkeypatch.setattr(worker_app, "_child", made)
    yield made
    runner.run(made.close())
    runner.close()
