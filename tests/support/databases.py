"""Databases cloned from a migrated template: 7 ms instead of a migration."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from urllib.parse import urlsplit

import asyncpg

from jivapay.config.settings import asyncpg_url

TEMPLATE = "jivapay"
DROP_WAITS_SECONDS = (0.1, 0.5, 2.0)


class Cluster:
    """One PostgreSQL server with a migrated template in it."""

    def __init__(self, *, owner_url: str, app_url: str) -> None:
        self._owner_url = owner_url
        self._app_url = app_url
        self._numbers = itertools.count(1)
        self._owner: asyncpg.Connection | None = None

    def for_another_loop(self) -> "Cluster":
        """The same server and the same row of names, over a connection that another event loop may own."""
        other = copy(self)
        other._owner = None
        return other

    async def close(self) -> None:
        if self._owner is not None:
            await self._owner.close()

    @property
    def sqlalchemy_owner_url(self) -> str:
        return asyncpg_url(self._owner_url)

    @property
    def app_role(self) -> str:
        return urlsplit(self._app_url).username or ""

    def url_of(self, database: str) -> str:
        return urlsplit(self._app_url)._replace(path=f"/{database}").geturl()

    def owner_url_of(self, database: str) -> str:
        return urlsplit(self._owner_url)._replace(path=f"/{database}").geturl()

    async def create(self, template: str = TEMPLATE) -> str:
        """The name of a fresh database, which lives as long as the server; nobody is connected to `template`."""
        name = f"test_{next(self._numbers)}"
        await self._execute(f"create database {name} template {template} strategy file_copy")
        return name

    @asynccontextmanager
    async def clone(self, template: str = TEMPLATE) -> AsyncIterator[str]:
        """The name of a fresh database, dropped afterwards. `template0` is an empty one."""
        name = await self.create(template)
        try:
            yield name
        finally:
            await self._drop(name)

    async def _drop(self, name: str) -> None:
        """A connection of the application's that is just being closed is not the owner's to end."""
        for wait in DROP_WAITS_SECONDS:
            try:
                await self._execute(f"drop database {name} with (force)")
            except asyncpg.InsufficientPrivilegeError:
                await asyncio.sleep(wait)
            else:
                return
        await self._execute(f"drop database {name} with (force)")

    async def _execute(self, statement: str) -> None:
        if self._owner is None:
            self._owner = await asyncpg.connect(self.owner_url_of("postgres"))
        await self._owner.execute(statement)
