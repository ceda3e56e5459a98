"""Where a command finds its data: the servers the environment names, those that `jivapay up` runs on the same home,
or, when it does not run, a stack of the command's own for as long as it works (issue 2, section 1).
"""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import typer

from jivapay.cli.failures import CommandFailure
from jivapay.config.settings import Environment, Settings, get_settings
from jivapay.embedded import default_home, describe_running, stack
from jivapay.embedded.home import APPLICATION_SECRETS, is_given

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Where the embedded servers keep their data. Default: JIVAPAY_HOME, else ./var.",
        show_default=False,
        file_okay=False,
    ),
]


@dataclass(frozen=True)
class Needs:
    """What the environment leaves to us."""

    postgres: bool
    valkey: bool
    home: bool
    """Anything at all: a server, the directory of objects, or a secret."""

    @classmethod
    def read(cls) -> Self:
        postgres, valkey = not is_given("DATABASE_URL"), not is_given("REDIS_URL")
        storage = not (is_given("S3_BUCKET_NAME") or is_given("STORAGE_DIR"))
        return cls(postgres, valkey, postgres or valkey or storage or not all(map(is_given, APPLICATION_SECRETS)))


def resolve_home(home: Path | None) -> Path:
    return home.expanduser().resolve() if home else default_home()


def keep_byte_code(home: Path) -> None:
    """Where Python may write none beside the sources and finds none there, what is imported from now on is kept in
    `home`: to compile it takes longer than everything else a start does (performance row P9).
    """
    beside = typer.__spec__.cached
    if sys.dont_write_bytecode and not (beside and Path(beside).exists()):
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(home / "bytecode")


def load_settings() -> Settings:
    """The settings as they are now. Raises pydantic's ValidationError, which becomes one line."""
    get_settings.cache_clear()
    return get_settings()


def adopt(env: Mapping[str, str], needs: Needs) -> Settings:
    """Make `env` part of this process's environment, and so of its children's."""
    for name, value in env.items():
        if name in {"DATABASE_URL", "DATABASE_OWNER_URL"} and not needs.postgres:
            continue  # an address remembered from a time when the server was ours
        if name == "REDIS_URL" and not needs.valkey:
            continue
        if name == "STORAGE_DIR" and is_given("S3_BUCKET_NAME"):
            continue
        os.environ[name] = value
    return load_settings()


@contextmanager
def data_services(home: Path | None, *, create: bool = False) -> Iterator[Settings]:
    """The settings of the data on `home`, whether `up` runs or not.

    Raises CommandFailure when there is no data and `create` is not set.
    """
    load_settings()
    needs = Needs.read()
    if not needs.home:
        yield load_settings()
        return
    place = resolve_home(home)
    if place.is_dir():
        keep_byte_code(place)
    running = describe_running(place)
    if running is not None:
        yield adopt(running, needs)
        return
    if needs.postgres and not create and not (place / "pgdata").exists():
        raise CommandFailure(f"there is no data in {place} yet: run `jivapay up`, or `jivapay db upgrade`")
    with stack(place, need_postgres=needs.postgres, need_valkey=needs.valkey) as env:
        yield adopt(env, needs)


def refuse_unsafe_start(settings: Settings) -> None:
    """What production must not start with, one line each (decision 21). Asks database and broker themselves."""
    if not settings.is_production:
        return
    from jivapay.config.clock import Clock
    from jivapay.config.start_checks import EXIT_REFUSED
    from jivapay.utils.start_checks import all_refusals

    found = asyncio.run(all_refusals(settings, clock=Clock()))
    if found:
        raise CommandFailure("\n".join(f"not started in production: {line}" for line in found), EXIT_REFUSED)


def freeze_rewritten_history(settings: Settings) -> None:
    """Start read-only, and say so, when the ledger is not the one whose head was exported (reliability 6.2)."""
    if asyncio.run(_freeze_rewritten_history(settings)):
        sys.stderr.write("jivapay: money is frozen: the ledger is not the one whose head was exported last\n")


async def _freeze_rewritten_history(settings: Settings) -> bool:
    from jivapay.config.crypto import HeadSigner
    from jivapay.domain.actors import Actor
    from jivapay.services import platform_service
    from jivapay.utils.resources import open_resources

    signer = HeadSigner.from_settings(settings)
    async with open_resources(settings, application_name="jivapay-start") as resources:
        return await platform_service.freeze_if_rewritten(
            resources.database, resources.storage, signer, Actor.system("start")
        )


async def refuse_unsafe_migration(settings: Settings) -> None:
    """Production migrates as a role of its own, or the application would own the tables, and knows with whom it speaks
    (decision 21).
    """
    if not settings.is_production:
        return
    from jivapay.config.start_checks import EXIT_REFUSED, migration_refusals
    from jivapay.utils.start_checks import database_tls_refusals

    found = [*migration_refusals(settings), *await database_tls_refusals(settings)]
    if found:
        raise CommandFailure("\n".join(f"not migrated in production: {line}" for line in found), EXIT_REFUSED)


def refuse_open_development(settings: Settings, host: str) -> None:
    """Development has generated passwords and no TLS in front: loopback only (decision 21)."""
    if settings.env is Environment.DEVELOPMENT and host not in LOOPBACK:
        raise CommandFailure(f"ENV is development, which serves loopback only, not {host}: set ENV=production")
