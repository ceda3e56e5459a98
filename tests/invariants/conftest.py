"""Worlds of their own, and the owner's hand, which plants what the application's role could not write."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from factories.fixtures import own_database_name, own_owner_url, own_resources, world

__all__ = ["own_database_name", "own_owner_url", "own_resources", "world"]


@pytest.fixture
async def owner(own_owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner on which no trigger fires and no foreign key is checked."""
    connection = await asyncpg.connect(own_owner_url)
    await connection.execute("set session_replication_role = replica")
    yield connection
    await connection.close()
