"""Migrating from several hosts at once: one after the other, however long the first one takes."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from jivapay.database import migrate
from support.databases import Cluster


async def test_a_second_host_waits_for_the_first(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 50)
    async with cluster.clone() as name:
        first = await asyncpg.connect(cluster.owner_url_of(name))
        await first.execute(f"select pg_advisory_lock({migrate.LOCK_KEY})")
        owner_url = make_url(cluster.sqlalchemy_owner_url).set(database=name)
        second = asyncio.create_task(migrate.upgrade(owner_url.render_as_string(hide_password=False), None))
        await asyncio.sleep(0.5)
        assert not second.done()
        await first.close()
        await second


async def test_a_table_in_use_is_not_waited_for_without_end(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_MS", 50)
    async with cluster.clone() as name:
        reader = await asyncpg.connect(cluster.owner_url_of(name))
        await reader.execute("begin; lock table status_transitions in access exclusive mode")
        owner_url = make_url(cluster.sqlalchemy_owner_url).set(database=name)
        with pytest.raises(DBAPIError):
            await migrate.upgrade(owner_url.render_as_string(hide_password=False), None)
        await reader.close()
