"""The ground the other tests stand on."""

import socket
import time

import pytest
from sqlalchemy import text

from jivapay.database.session import Database
from jivapay.utils.resources import Resources
from support.databases import Cluster


async def test_the_applications_role_owns_nothing(database: Database) -> None:
    async with database.read() as session:
        assert await session.scalar(text("select current_user::text")) == "jivapay_app"
        owned = await session.scalar(
            text("select count(*) from pg_class where pg_get_userbyid(relowner) = 'jivapay_app'")
        )
    assert owned == 0


async def test_a_module_has_a_database_of_its_own(resources: Resources, database: Database, database_name: str) -> None:
    assert resources.database is database
    async with database.read() as session:
        assert await session.scalar(text("select current_database()::text")) == database_name


async def test_clones_do_not_see_each_other(cluster: Cluster) -> None:
    async with cluster.clone() as one, cluster.clone() as other:
        assert one != other


async def test_valkey_answers(resources: Resources) -> None:
    assert await resources.redis.set("greeting", "hello")
    assert await resources.redis.get("greeting") == b"hello"


def test_the_time_zone_is_not_utc() -> None:
    assert time.timezone == -12 * 3600


@pytest.mark.parametrize("host", ["192.0.2.1", "169.254.169.254", "2001:db8::1", "example.com"])
def test_the_outside_is_refused(host: str) -> None:
    with pytest.raises(PermissionError, match="tests may not"):
        socket.create_connection((host, 443))
