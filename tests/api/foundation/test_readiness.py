"""Ready when database and broker answer; which one does not, and never where it is."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from jivapay.config.settings import Settings
from jivapay.database.session import Database
from jivapay.servers.all_in_one import create_app as create_all_in_one
from jivapay.servers.app_factory import create_app
from jivapay.utils.resources import Resources
from jivapay.utils.routing import StrictRoute, list_routes


@pytest.fixture
async def dead_database() -> AsyncIterator[Database]:
    database = Database("postgresql+asyncpg://jp:pw@127.0.0.1:1/jp", pool_size=1)
    yield database
    await database.close()


@pytest.fixture
async def dead_redis() -> AsyncIterator[Redis]:
    client = Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))
    yield client
    await client.aclose()


async def _readiness(resources: Resources) -> tuple[int, object]:
    app = create_app("ready", [], resources=resources)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        response = await client.get("/readyz")
    assert "127.0.0.1" not in response.text
    return response.status_code, response.json()


async def test_ready_when_both_answer(resources: Resources) -> None:
    assert await _readiness(resources) == (200, {"status": "ok", "parts": {"database": "ok", "broker": "ok"}})


async def test_not_ready_without_the_database(resources: Resources, dead_database: Database) -> None:
    assert await _readiness(replace(resources, database=dead_database)) == (
        503,
        {"status": "unavailable", "parts": {"database": "failed", "broker": "ok"}},
    )


async def test_not_ready_without_the_broker(resources: Resources, dead_redis: Redis) -> None:
    assert await _readiness(replace(resources, redis=dead_redis)) == (
        503,
        {"status": "unavailable", "parts": {"database": "ok", "broker": "failed"}},
    )


async def test_an_app_opens_and_closes_its_own_resources(settings: Settings) -> None:
    app = create_app("own", [], settings=settings)
    async with app.router.lifespan_context(app):
        assert isinstance(app.state.resources, Resources)
        async with app.state.resources.database.read() as session:
            assert session.bind is not None


async def test_every_route_is_strict() -> None:
    routes = list_routes(create_all_in_one())
    assert len(routes) >= 3
    assert [path for path, route in routes if not isinstance(route, StrictRoute)] == []
