"""Real connections and committed data; afterwards every invariant holds and no deadlock was met."""

from collections.abc import AsyncIterator

import pytest

from factories.fixtures import Recipe
from factories.world import make_world
from jivapay.config.clock import ShiftedClock
from jivapay.config.settings import Settings
from jivapay.utils.resources import Resources, open_resources
from jivapay.utils.s3_client import MemoryStorage
from support.databases import Cluster
from support.invariants import own_invariants_hold
from support.racing import LASTING, LONG, deadlocks

__all__ = ["own_invariants_hold"]

CONNECTIONS = 24


@pytest.fixture
def own_recipe() -> Recipe:
    """At length the rate stays good for all the rounds."""
    return Recipe(make_world, {"settings": LASTING}) if LONG else Recipe()


@pytest.fixture
async def own_resources(
    stack: dict[str, str], cluster: Cluster, own_database_name: str, own_owner_url: str
) -> AsyncIterator[Resources]:
    """As everywhere, but with a connection for each of the many that come at once."""
    given = {**stack, "DATABASE_URL": cluster.url_of(own_database_name), "DATABASE_OWNER_URL": own_owner_url}
    settings = Settings.model_validate({name.lower(): value for name, value in {**given, "ENV": "test"}.items()})
    settings = settings.model_copy(update={"database_pool_size": CONNECTIONS})
    async with open_resources(
        settings, clock=ShiftedClock(), storage=MemoryStorage(), application_name="tests"
    ) as opened:
        yield opened


@pytest.fixture(autouse=True)
async def _peace(own_resources: Resources, own_invariants_hold: None) -> AsyncIterator[None]:
    yield
    assert await deadlocks(own_resources.database) == 0
