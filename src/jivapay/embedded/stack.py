"""The embedded stack: PostgreSQL and Valkey on one home, and the environment that leads to them.

`Stack` is what a supervisor holds and tends; `stack()` and `throwaway_stack()` are the same for code that only
wants the environment. Stopped in the reverse order, Valkey first, after everything that uses them.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from jivapay.embedded.errors import EmbeddedError
from jivapay.embedded.home import environment, load_secrets, read_ports, remember_ports, single_owner
from jivapay.embedded.postgres import Postgres
from jivapay.embedded.server import Server
from jivapay.embedded.valkey import Valkey

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes what is ours in it
MEMORY_FREE_MIN = 4 << 30
"""Bytes. A cluster of the tests has some hundred megabytes; containers give sixty-four."""


class Stack:
    """Owns a home and the servers in it, from `__enter__` to `__exit__`."""

    def __init__(
        self, home: Path, *, throwaway: bool = False, need_postgres: bool = True, need_valkey: bool = True
    ) -> None:
        self.home = home
        self.env: dict[str, str] = {}
        self.lock: TextIO | None = None
        self.servers: list[Server] = []
        if need_postgres:
            self.servers.append(Postgres(home, throwaway=throwaway))
        if need_valkey:
            self.servers.append(Valkey(home, throwaway=throwaway))
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self.lock = undo.enter_context(single_owner(self.home))
            known = load_secrets(self.home)
            ports = read_ports(self.home)
            running: dict[str, int] = {}
            for server in self.servers:
                undo.callback(server.stop)
                server.start(ports.get(server.name))
                running[server.name] = server.port
            remember_ports(self.home, **running)
            self.env = environment(self.home, running, known)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def tend(self) -> list[str]:
        """Start again, on its port, whatever server has died, and keep the logs short; the names of the restarted.

        Raises EmbeddedError when one does not come back.
        """
        restarted = []
        for server in self.servers:
            if server.is_alive():
                server.trim_log()
                continue
            port = server.port
            server.start(port)
            if server.port != port:
                # Somebody took the port in between: everything that runs knows only the old address.
                server.stop()
                raise EmbeddedError(f"{server.name} died, and its port {port} has been taken by somebody else")
            restarted.append(server.name)
        return restarted


@contextmanager
def stack(
    home: Path, *, throwaway: bool = False, need_postgres: bool = True, need_valkey: bool = True
) -> Iterator[dict[str, str]]:
    """Run the servers while the block runs; yields the environment to add to one's own.

    Raises HomeInUse when another process has them, EmbeddedError when they cannot be run.
    """
    with Stack(home, throwaway=throwaway, need_postgres=need_postgres, need_valkey=need_valkey) as running:
        yield running.env


def _has_room(place: Path) -> bool:
    try:
        return os.access(place, os.W_OK) and shutil.disk_usage(place).free > MEMORY_FREE_MIN
    except OSError:
        return False


@contextmanager
def throwaway_stack() -> Iterator[dict[str, str]]:
    """For tests: a home of its own, without durability, deleted afterwards.

    In memory where there is room: a clone of a database is some hundred files, and to make and delete them on a disk
    takes ten times as long. Else in /tmp, and not under pytest's directory, which belongs to root alone and which
    PostgreSQL could not enter.
    """
    home = Path(tempfile.mkdtemp(prefix="jivapay-test-", dir=MEMORY if _has_room(MEMORY) else None))
    try:
        with stack(home, throwaway=True) as env:
            yield env
    finally:
        shutil.rmtree(home, ignore_errors=True)
