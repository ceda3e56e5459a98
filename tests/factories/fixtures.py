"""A world of a test's own: its database is a fresh clone, so that no other test's requisites take its orders.

Whoever wants another world than the usual overrides `own_recipe`. A recipe is carried out once for each process: the
tests' databases are clones of what it made, which costs a tenth of making it again.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

from factories.world import RATE, World, make_world
from jivapay.config.clock import ShiftedClock
from jivapay.config.settings import Settings
from jivapay.services import audit_chain, posting_chain
from jivapay.utils.http_client import InMemoryTransport
from jivapay.utils.resources import Resources, open_resources
from jivapay.utils.s3_client import MemoryStorage
from support.databases import TEMPLATE, Cluster


@dataclass(frozen=True)
class Recipe:
    """How a world is made: `make(resources, **values)`. It gets its rate when a test begins, so that it is fresh."""

    make: Callable[..., Awaitable[World]] = make_world
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return repr((self.make.__qualname__, sorted(self.values.items())))


@dataclass
class Worlds:
    """The worlds that were made in this process, each in a database that nobody connects to any more."""

    cluster: Cluster
    stack: dict[str, str]
    made: dict[str, tuple[str, World]] = field(default_factory=dict)

    async def get(self, recipe: Recipe) -> tuple[str, World]:
        """The database to clone and the world in it."""
        if recipe.key not in self.made:
            name = await self.cluster.create()
            async with open_resources(
                self.settings(name), clock=ShiftedClock(), storage=MemoryStorage(), application_name="tests"
            ) as resources:
                world = await recipe.make(resources, rate=None, **recipe.values)
                # What the background does within a minute, or an old world would look like a neglected one.
                await audit_chain.append(resources.database)
                await posting_chain.append(resources.database)
                self.made[recipe.key] = name, world
        return self.made[recipe.key]

    def settings(self, database_name: str) -> Settings:
        urls = {
            "DATABASE_URL": self.cluster.url_of(database_name),
            "DATABASE_OWNER_URL": self.cluster.owner_url_of(database_name),
            "ENV": "test",
        }
        return Settings.model_validate({name.lower(): value for name, value in (self.stack | urls).items()})


@pytest.fixture(scope="session")
def worlds(cluster: Cluster, stack: dict[str, str]) -> Worlds:
    return Worlds(cluster, stack)


@pytest.fixture
def own_recipe() -> Recipe:
    """One store, one trader with one card and a deposit of 10 000, a rate of 92.50."""
    return Recipe()


@pytest.fixture
async def own_database_name(
    request: pytest.FixtureRequest, cluster: Cluster, worlds: Worlds, own_recipe: Recipe
) -> AsyncIterator[str]:
    """Empty but migrated, unless the test asks for a `world`."""
    template = TEMPLATE if "world" not in request.fixturenames else (await worlds.get(own_recipe))[0]
    async with cluster.clone(template) as name:
        yield name


@pytest.fixture
def own_owner_url(cluster: Cluster, own_database_name: str) -> str:
    """As the owner of the test's own database."""
    return cluster.owner_url_of(own_database_name)


@pytest.fixture
async def own_resources(worlds: Worlds, own_database_name: str) -> AsyncIterator[Resources]:
    """A process's resources on the test's own database, with a clock of its own."""
    async with open_resources(
        worlds.settings(own_database_name), clock=ShiftedClock(), storage=MemoryStorage(), application_name="tests"
    ) as opened:
        yield opened


@pytest.fixture
async def world(worlds: Worlds, own_recipe: Recipe, own_resources: Resources) -> World:
    """What `own_recipe` makes, and a rate of 92.50."""
    _, made = await worlds.get(own_recipe)
    assert isinstance(own_resources.clock, ShiftedClock)
    own = replace(
        made,
        resources=own_resources,
        clock=own_resources.clock,
        traders=deepcopy(made.traders),
        transport=InMemoryTransport(),
        numbers=count(1),
    )
    await own.set_rate(RATE)
    return own
