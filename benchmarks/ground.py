"""What the rows stand on: the embedded stack with its durable settings, migrated, seeded, and a world made by sets."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import make_url

from jivapay.config.settings import Settings, get_settings
from jivapay.database.migrate import upgrade
from jivapay.embedded import Stack
from jivapay.services import seed_service
from jivapay.utils.resources import open_resources

HERE = Path(__file__).parent
TRADERS, REQUISITES, STORES = 500, 5_000, 50
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Ground:
    """A running stack with the world in it. `owner` is a connection of the role that owns the tables."""

    stack: Stack
    settings: Settings
    owner: asyncpg.Connection
    log: IO[bytes]

    @property
    def servers(self) -> dict[str, int]:
        """Name → pid."""
        return {server.name: pid for server in self.stack.servers if (pid := server.pid) is not None}

    async def add_due_orders(self, count: int) -> int:
        """Orders that wait for a requisite; the first one's id, the others follow it."""
        async with self.owner.transaction():
            first: int = await self.owner.fetchval((HERE / "orders.sql").read_text(encoding="utf-8"), count)
        return first

    @contextmanager
    def product(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """`jivapay …` on this ground, until the block ends."""
        with subprocess.Popen(
            [sys.executable, "-m", "jivapay", *arguments], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        ) as process:
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


@asynccontextmanager
async def ground(home: Path) -> AsyncIterator[Ground]:
    """A fresh world on a fresh home."""
    with Stack(home) as stack, (home / "benchmark.log").open("wb") as log:
        os.environ.update(stack.env)
        get_settings.cache_clear()
        settings = get_settings()
        await upgrade(settings.async_database_owner_url, make_url(settings.async_database_url).username)
        async with open_resources(settings) as resources:
            await seed_service.seed(resources.database, settings)
        owner = await asyncpg.connect(stack.env["DATABASE_OWNER_URL"], command_timeout=300)
        try:
            sizes = {"traders": TRADERS, "requisites": REQUISITES, "stores": STORES}
            await owner.execute((HERE / "world.sql").read_text(encoding="utf-8").format(**sizes))
            await owner.execute((HERE / "yardstick.sql").read_text(encoding="utf-8"))
            await owner.execute("vacuum analyze")
            yield Ground(stack, settings, owner, log)
        finally:
            await owner.close()


def libpq_environment(url: str) -> dict[str, str]:
    """A connection address as pgbench wants it: no password on a command line."""
    parts = urlsplit(url)
    return {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.lstrip("/"),
    }
