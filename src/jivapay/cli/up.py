"""`jivapay up`: everything on one machine. Servers that nobody configured, migrations, the API of every role, workers,
relay and scheduler; one line when all of it answers; nothing left behind at the end.
"""

import asyncio
import http
import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from jivapay.cli import processes
from jivapay.cli.children import Child
from jivapay.cli.db import migrate, write_seed
from jivapay.cli.environment import (
    HomeOption,
    Needs,
    adopt,
    freeze_rewritten_history,
    keep_byte_code,
    load_settings,
    refuse_open_development,
    refuse_unsafe_start,
    resolve_home,
)
from jivapay.cli.failures import EXIT_FOUND, CommandFailure
from jivapay.cli.supervisor import Stopped, StopRequest, Supervisor
from jivapay.config.logger import setup_logging
from jivapay.config.settings import Settings
from jivapay.embedded import Stack
from jivapay.embedded.home import is_given, refuse_second_owner, remember_ports

if TYPE_CHECKING:
    from fastapi import FastAPI

BIND_SECONDS = 3.0
"""How long the processes of a supervisor that was killed may still hold the port."""
DRAIN_SECONDS = 1
PREPARING_CODE = ("jivapay.database.migrate", "jivapay.services.seed_service")
SERVING_CODE = (
    "uvicorn",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "jivapay.worker.tasks",
    "jivapay.worker.relay",
    "jivapay.worker.scheduler",
)


def up(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="Address to serve; loopback only while ENV is development.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve; 0 picks a free one.", min=0, max=65535)] = 8080,
    workers: Annotated[int, typer.Option(help="Processes that look for requisites.", min=1, max=64)] = 2,
) -> None:
    """Run everything on this machine until Ctrl-C.

    Starts what DATABASE_URL, REDIS_URL and S3_BUCKET_NAME do not name (a real PostgreSQL and Valkey, a directory for
    receipts), migrates, seeds, serves every role on one port, and prints one line when all of it answers.
    """
    refuse_open_development(load_settings(), host)
    place = resolve_home(home)
    refuse_second_owner(place)
    stop = StopRequest()
    stop.install()
    try:
        with ExitStack() as undo:
            _run(place, host, port, workers, stop, undo)
    except Stopped:
        return


def _run(home: Path, host: str, port: int, workers: int, stop: StopRequest, undo: ExitStack) -> None:
    needs = Needs.read()
    stack = Stack(home, need_postgres=needs.postgres, need_valkey=needs.valkey) if needs.home else None
    if stack is not None:
        keep_byte_code(home)
    with _importing(PREPARING_CODE):
        if stack is not None:
            undo.enter_context(stack)
        listener = undo.enter_context(_listen(host, port))
    address = _address(host, listener.getsockname()[1])
    if not is_given("PUBLIC_BASE_URL"):
        os.environ["PUBLIC_BASE_URL"] = address
    settings = adopt(stack.env if stack else {}, needs)
    if stack is not None:
        remember_ports(home, http=listener.getsockname()[1])
    setup_logging(settings.log_level)
    lock = stack.lock if stack else None
    prepare = Child("prepare", partial(_prepare, settings), closes=[lock, listener])
    prepare.start()
    try:
        app = _import_the_rest()
        _wait_for(prepare)
    except BaseException:
        prepare.kill()
        raise
    supervisor = Supervisor(_children(app, listener, lock, workers), stack=stack, stop=stop)
    undo.callback(supervisor.stop)
    stop.interrupting = False
    supervisor.start()
    supervisor.watch(until=lambda: _answers(listener))
    if not stop.requested:
        sys.stdout.write(f"ready {address}\n")
        sys.stdout.flush()
    supervisor.watch()


def _children(app: "FastAPI", listener: socket.socket, lock: TextIO | None, workers: int) -> list[list[Child]]:
    """Groups in the order in which they stop: first whoever takes or does work, then what hands it on."""
    api = partial(processes.serve, app, listener=listener, drain=DRAIN_SECONDS)
    apart = [lock, listener]
    return [
        [
            Child("api", api, closes=[lock]),
            Child("orders", partial(processes.work, ["orders"], workers, name="orders"), closes=apart),
            Child("callbacks", partial(processes.work, ["callbacks"], 1, name="callbacks"), closes=apart),
        ],
        [Child("background", processes.background, closes=apart)],
    ]


def _listen(host: str, port: int) -> socket.socket:
    """The socket the API serves, opened here: a taken port is known at once, and a restart refuses nobody."""
    deadline = time.monotonic() + BIND_SECONDS
    while True:
        try:
            return socket.create_server((host, port), family=_family(host), backlog=2048)
        except OSError as error:
            if time.monotonic() > deadline:
                raise CommandFailure(f"cannot serve {host} port {port}: {error.strerror}; try --port 0") from error
            time.sleep(0.1)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _importing(names: tuple[str, ...]) -> Iterator[None]:
    """Import what the first process needs while the servers start; done, and its thread gone, when the block ends."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        importing = thread.submit(lambda: [import_module(name) for name in names])
        yield
        importing.result()


def _import_the_rest() -> "FastAPI":
    """Import what the other processes need and build the app, once, for all of them to share."""
    for name in SERVING_CODE:
        import_module(name)
    from jivapay.servers.all_in_one import create_app

    return create_app()


def _wait_for(prepare: Child) -> None:
    while prepare.is_alive():
        time.sleep(0.01)
    if prepare.exit_code != 0:
        raise CommandFailure("the database could not be prepared; see above", prepare.exit_code or EXIT_FOUND)


def _prepare(settings: Settings) -> None:
    """Migrate and seed, in a process of its own: the supervisor opens no connection."""
    asyncio.run(_prepare_database(settings))
    refuse_unsafe_start(settings)
    freeze_rewritten_history(settings)


async def _prepare_database(settings: Settings) -> None:
    await migrate(settings)
    await write_seed(settings)


def _answers(listener: socket.socket) -> bool:
    """Whether database and broker answer through the API."""
    host, port = listener.getsockname()[:2]
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
