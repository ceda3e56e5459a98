"""Worlds of their own, and the owner's hand, which plants what the application's role could not write."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from support.owner import lift_guards


@pytest.fixture
async def owner(own_owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner to the test's own database, in which no trigger fires any more."""
    connection = await asyncpg.connect(own_owner_url)
    await lift_guards(connection)
    yield connection
    await connection.close()
