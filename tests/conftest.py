"""What every test may ask for: real PostgreSQL and Valkey, a database of its own, the process's resources.

One throw-away stack for each pytest process (so one for each xdist worker), one migrated template in it, and a
clone of the template for each module, which takes milliseconds; or, with a world in it, for each test that asks for
its own. Further fixtures belong into the conftest.py of the
directory that needs them; they build on `resources`, `database` and `clock`.
"""

import gc
import os
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from factories.fixtures import own_database_name, own_owner_url, own_recipe, own_resources, world, worlds
from jivapay.config.clock import ShiftedClock
from jivapay.config.logger import setup_logging
from jivapay.config.settings import Settings
from jivapay.database.migrate import upgrade
from jivapay.database.session import Database
from jivapay.embedded import throwaway_stack
from jivapay.utils.resources import Resources, open_resources
from jivapay.utils.s3_client import MemoryStorage
from support.browser import pytest_terminal_summary
from support.databases import Cluster
from support.engines import reuse_engines
from support.network import refuse_the_outside
from support.passwords import use_cheap_hashes

__all__ = [
    "own_database_name",
    "own_owner_url",
    "own_recipe",
    "own_resources",
    "pytest_terminal_summary",  # the closing line about browser tests that were skipped
    "world",
    "worlds",
]

TIME_ZONE = "Asia/Kamchatka"
"""Far from UTC, so that a naive time shows."""


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: where one waits for a process it has started, the others go on."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """What there is by now stays: the collector need not look at it again and again."""
    gc.freeze()


def pytest_configure() -> None:
    # The processes that tests start keep their byte code: without it each compiles the whole product again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["TZ"] = TIME_ZONE
    time.tzset()
    refuse_the_outside()
    reuse_engines()
    use_cheap_hashes()


@pytest.fixture(autouse=True)
def _logs_as_in_production() -> None:
    """Whatever the test before, or a command or app it ran in this process, has made of them."""
    setup_logging(as_json=True)


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, str]]:
    """The environment that leads to this process's own PostgreSQL and Valkey, with generated secrets."""
    with throwaway_stack() as env:
        yield env


@pytest.fixture(scope="session")
async def cluster(stack: dict[str, str]) -> AsyncIterator[Cluster]:
    """The server with the migrated database `jivapay` in it, ready to be cloned. Nobody connects to that one."""
    cluster = Cluster(owner_url=stack["DATABASE_OWNER_URL"], app_url=stack["DATABASE_URL"])
    await upgrade(cluster.sqlalchemy_owner_url, cluster.app_role)
    yield cluster
    await cluster.close()


@pytest.fixture(scope="module")
async def database_name(cluster: Cluster) -> AsyncIterator[str]:
    """A migrated database for the tests of one module."""
    async with cluster.clone() as name:
        yield name


@pytest.fixture(scope="module")
def database_url(cluster: Cluster, database_name: str) -> str:
    """As the application's role, which owns nothing."""
    return cluster.url_of(database_name)


@pytest.fixture(scope="module")
def owner_url(cluster: Cluster, database_name: str) -> str:
    """As the owner: for planting what the application's role may not write."""
    return cluster.owner_url_of(database_name)


@pytest.fixture(scope="module")
def clock() -> ShiftedClock:
    """Runs like the machine's; a test moves it on, and PostgreSQL's `app_now()` with it."""
    return ShiftedClock()


@pytest.fixture(scope="module")
def settings(stack: dict[str, str], database_url: str, owner_url: str) -> Settings:
    """What the environment would say; the environment itself stays as it is."""
    given = stack | {"DATABASE_URL": database_url, "DATABASE_OWNER_URL": owner_url, "ENV": "test"}
    return Settings.model_validate({name.lower(): value for name, value in given.items()})


@pytest.fixture(scope="module")
async def resources(settings: Settings, clock: ShiftedClock) -> AsyncIterator[Resources]:
    """What a process of ours holds: on the module's database, with objects kept in memory."""
    async with open_resources(settings, clock=clock, storage=MemoryStorage(), application_name="tests") as opened:
        yield opened


@pytest.fixture(scope="module")
def database(resources: Resources) -> Database:
    return resources.database
