"""What the fault tests share: PostgreSQL behind a proxy, and a world that reaches it only through that."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from faults.proxy import FaultProxy
from jivapay.config.clock import ShiftedClock
from jivapay.config.settings import Settings
from jivapay.utils.resources import Resources, open_resources
from jivapay.utils.s3_client import MemoryStorage
from support.databases import Cluster


@pytest.fixture
async def proxy(cluster: Cluster, own_database_name: str) -> AsyncIterator[FaultProxy]:
    """Between the test and its own database."""
    port = urlsplit(cluster.url_of(own_database_name)).port
    assert port is not None
    async with FaultProxy("127.0.0.1", port) as opened:
        yield opened


@pytest.fixture
async def own_resources(
    stack: dict[str, str], cluster: Cluster, own_database_name: str, own_owner_url: str, proxy: FaultProxy
) -> AsyncIterator[Resources]:
    """A process's resources whose database is reached through the proxy."""
    parts = urlsplit(cluster.url_of(own_database_name))
    through = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}").geturl()
    urls = {"DATABASE_URL": through, "DATABASE_OWNER_URL": own_owner_url, "ENV": "test"}
    settings = Settings.model_validate({name.lower(): value for name, value in (stack | urls).items()})
    async with open_resources(
        settings, clock=ShiftedClock(), storage=MemoryStorage(), application_name="tests"
    ) as opened:
        yield opened


@pytest.fixture
def direct_url(cluster: Cluster, own_database_name: str) -> str:
    """Past the proxy: for asking what is true."""
    return cluster.url_of(own_database_name)
