"""A world of a test's own: its database is a fresh clone, so that no other test's requisites take its orders.

A conftest.py imports what its directory wants: `from factories.fixtures import own_resources, world`.
"""

from collections.abc import AsyncIterator

import pytest

from factories.world import World, make_world
from jivapay.config.clock import ShiftedClock
from jivapay.config.settings import Settings
from jivapay.utils.resources import Resources, open_resources
from jivapay.utils.s3_client import MemoryStorage
from support.databases import Cluster


@pytest.fixture
async def own_database_name(cluster: Cluster) -> AsyncIterator[str]:
    async with cluster.clone() as name:
        yield name


@pytest.fixture
def own_owner_url(cluster: Cluster, own_database_name: str) -> str:
    """As the owner of the test's own database."""
    return cluster.owner_url_of(own_database_name)


@pytest.fixture
async def own_resources(
    stack: dict[str, str], cluster: Cluster, own_database_name: str, own_owner_url: str
) -> AsyncIterator[Resources]:
    """A process's resources on the test's own database, with a clock of its own."""
    urls = {"DATABASE_URL": cluster.url_of(own_database_name), "DATABASE_OWNER_URL": own_owner_url, "ENV": "test"}
    settings = Settings.model_validate({name.lower(): value for name, value in (stack | urls).items()})
    async with open_resources(
        settings, clock=ShiftedClock(), storage=MemoryStorage(), application_name="tests"
    ) as opened:
        yield opened


@pytest.fixture
async def world(own_resources: Resources) -> World:
    """One store, one trader with one card and a deposit of 10 000, a rate of 92.50."""
    return await make_world(own_resources)
