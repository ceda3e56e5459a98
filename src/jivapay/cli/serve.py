"""`jivapay serve|worker|relay|scheduler`: one process each, for many hosts over a shared database and broker."""

from enum import StrEnum
from typing import Annotated

import typer

from jivapay.cli import processes
from jivapay.cli.environment import load_settings, refuse_open_development, refuse_unsafe_start
from jivapay.cli.failures import CommandFailure


class ServedRole(StrEnum):
    """An audience with a server of its own, or `all` of them on one port."""

    ALL = "all"
    ADMIN = "admin"
    SUPPORT = "support"
    TEAMLEAD = "teamlead"
    TRADER = "trader"
    MERCHANT = "merchant"
    GATEWAY = "gateway"
    PUBLIC = "public"
    PAYOUTS = "payouts"

    @property
    def module(self) -> str:
        return processes.ALL_ROLES if self is ServedRole.ALL else f"jivapay.servers.{self.value}.server"


class Queue(StrEnum):
    ORDERS = "orders"
    CALLBACKS = "callbacks"


def serve(
    role: Annotated[ServedRole, typer.Argument(help="Whom to serve.")],
    host: Annotated[str, typer.Option(help="Address to serve; loopback only while ENV is development.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve; 0 picks a free one.", min=0, max=65535)] = 8080,
) -> None:
    """Serve one audience, until SIGTERM. Needs DATABASE_URL, REDIS_URL and the secrets."""
    settings = load_settings()
    refuse_open_development(settings, host)
    refuse_unsafe_start(settings)
    processes.serve(role.module, host=host, port=port, drain=processes.DRAIN_SECONDS)


def worker(
    queues: Annotated[
        str | None, typer.Option(help="The queue to take tasks from; without it, a process for each queue.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Tasks at the same time, of each queue.", min=1, max=64)] = 2,
) -> None:
    """Do the queued work, until SIGTERM; what runs then may take 25 seconds more."""
    if queues is not None and queues not in set(Queue):
        raise CommandFailure(f"there is no queue {queues}: choose from {', '.join(Queue)}")
    refuse_unsafe_start(load_settings())
    if queues is None:
        processes.work_each([queue.value for queue in Queue], concurrency)
    else:
        processes.work([queues], concurrency, name=queues)


def relay() -> None:
    """Hand committed intentions to the queues, until SIGTERM. Several may run; one at a time leads."""
    refuse_unsafe_start(load_settings())
    processes.relay()


def scheduler() -> None:
    """Keep the timetable (time-outs, retries, checks), until SIGTERM. Several may run; one at a time leads."""
    refuse_unsafe_start(load_settings())
    processes.scheduler()


def background() -> None:
    """Relay and scheduler in one process."""
    refuse_unsafe_start(load_settings())
    processes.background()
