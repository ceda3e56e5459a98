"""The long-running processes, each as one function: what `serve`, `worker`, `relay` and `scheduler` run alone, and
`up` runs together. They end at SIGTERM.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from jivapay.cli.readiness import announce
from jivapay.config.settings import Settings, get_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

ALL_ROLES = "jivapay.servers.all_in_one"
DRAIN_SECONDS = 20
"""A server alone finishes its requests this long; under `up` it has less."""
WORKER_STOP_SECONDS = 25.0
"""A worker alone finishes its tasks this long, then abandons them; their rows are offered again."""

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2

Job = Callable[[Any, asyncio.Event], Awaitable[None]]
"""`run(resources, stop)`: works until `stop` is set."""


def serve(
    app: "FastAPI | str", *, listener: socket.socket | None = None, host: str = "127.0.0.1", port: int = 0, drain: int
) -> None:
    """Serve an app, or the module that makes one, on an open socket or on host and port.

    `drain`: seconds in which running requests may finish after SIGTERM.
    """
    import uvicorn

    from jivapay.servers.app_factory import SERVER_OPTIONS

    class AnnouncingServer(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                announce()

    config = uvicorn.Config(
        f"{app}:create_app" if isinstance(app, str) else app,
        factory=isinstance(app, str),
        host=host,
        port=port,
        timeout_graceful_shutdown=drain,
        **SERVER_OPTIONS,
    )
    # Once it has drained, uvicorn raises the signal again, for whoever handled it before: to end like that is success.
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, _leave)
    server = AnnouncingServer(config)
    server.run(sockets=[listener] if listener else None)
    if not server.started:
        raise SystemExit(1)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def work(queues: Sequence[str], concurrency: int, *, name: str) -> None:
    """Take tasks from `queues` with `concurrency` pool children."""
    from celery import signals
    from celery.exceptions import SecurityWarning

    from jivapay.config.logger import setup_logging
    from jivapay.worker.app import make_app

    settings = get_settings()
    setup_logging(settings.log_level)
    # Celery speaks on standard output when it stops; there stands what a person waits for, and nothing else.
    os.dup2(STANDARD_ERROR, STANDARD_OUTPUT)
    # It warns of root; the messages are JSON, and a container's root is who there is.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    app = make_app(settings)
    # A soft shutdown would sleep its whole time even when nothing is left to do; the timer below is the limit.
    app.conf.worker_soft_shutdown_timeout = 0.0
    if settings.jivapay_alive_path is not None:
        from jivapay.cli.liveness import worker_step

        app.steps["worker"].add(worker_step(settings.jivapay_alive_path))
    ready, stopping = _on_ready, _limit_shutdown
    signals.worker_ready.connect(ready)
    signals.worker_shutting_down.connect(stopping)
    worker = app.Worker(
        queues=list(queues),
        concurrency=concurrency,
        hostname=f"{name}@%h",
        pool_cls="prefork",
        loglevel=settings.log_level,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    raise SystemExit(worker.exitcode or 0)


def work_each(queues: Sequence[str], concurrency: int) -> None:
    """A process for each queue, so that none waits behind another's long tasks. All end when one ends."""
    command = [sys.executable, "-m", "jivapay", "worker", "--concurrency", str(concurrency), "--queues"]
    workers = [subprocess.Popen([*command, queue]) for queue in queues]

    def stop_all(_number: int = 0, _frame: FrameType | None = None) -> None:
        for worker in workers:
            if worker.poll() is None:
                worker.terminate()

    signal.signal(signal.SIGTERM, stop_all)
    signal.signal(signal.SIGINT, stop_all)
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    stop_all()
    codes = {worker.wait() for worker in workers}
    if codes - {0, -signal.SIGTERM}:  # the latter was asked to end before it had begun
        raise SystemExit(1)


def _on_ready(**_: object) -> None:
    announce()


def _limit_shutdown(**_: object) -> None:
    """Warm shutdown waits for its tasks without end; after a while they are abandoned."""
    timer = threading.Timer(WORKER_STOP_SECONDS, os.kill, (os.getpid(), signal.SIGQUIT))
    timer.daemon = True
    timer.start()


def relay() -> None:
    from jivapay.worker import relay as module

    _run_jobs("relay", module.run)


def scheduler() -> None:
    from jivapay.worker import scheduler as module

    _run_jobs("scheduler", module.run)


def background() -> None:
    """Relay and scheduler in one process."""
    from jivapay.worker import relay as relay_module
    from jivapay.worker import scheduler as scheduler_module

    _run_jobs("background", relay_module.run, scheduler_module.run)


def _run_jobs(name: str, *jobs: Job) -> None:
    from jivapay.config.logger import setup_logging
    from jivapay.utils.notifications import setup_error_reporting

    settings = get_settings()
    setup_logging(settings.log_level)
    setup_error_reporting(settings)
    asyncio.run(_until_stopped(name, settings, jobs))


async def _until_stopped(name: str, settings: Settings, jobs: Sequence[Job]) -> None:
    from jivapay.utils.resources import open_resources

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stop.set)
    async with open_resources(settings, application_name=f"jivapay-{name}") as resources, asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_run_job(job, resources, stop))
        if settings.jivapay_alive_path is not None:
            from jivapay.cli.liveness import show_life

            group.create_task(show_life(settings.jivapay_alive_path, stop))
        announce()


async def _run_job(job: Job, resources: object, stop: asyncio.Event) -> None:
    await job(resources, stop)
