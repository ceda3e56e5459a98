"""Celery: settings that lose nothing, and one event loop that lives as long as a pool child (WRK-01 to WRK-08).

Task bodies are thin `def` shims around coroutines: Celery's own retry wraps `run()` and never sees what is raised
while a coroutine is awaited. The deadline is `asyncio.timeout`, because Celery's soft limit would leave the
coroutine alive to finish during the next task. Work lost by the broker is offered again from its row.
"""

import asyncio
import os
import ssl
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from celery import Celery, Task, signals
from kombu.transport import TRANSPORT_ALIASES
from sqlalchemy.dialects.postgresql import insert

from jivapay.config.logger import get_logger, setup_logging
from jivapay.config.settings import Settings, get_settings
from jivapay.database.models.reference import FailedTask
from jivapay.services import callback_service
from jivapay.utils.http_client import HttpTransport
from jivapay.utils.notifications import report_critical_error, report_failure, setup_error_reporting
from jivapay.utils.resources import Resources, open_resources

logger = get_logger(__name__)

T = TypeVar("T")

TASK_TIME_LIMIT_SECONDS = 60
TASK_DEADLINE_SECONDS = 45.0
VISIBILITY_TIMEOUT_SECONDS = 120
SOCKET_TIMEOUT_SECONDS = 3
CHILD_PAUSE_SECONDS = 2.0
QUEUE_ORDERS = "orders"
QUEUE_CALLBACKS = "callbacks"


@dataclass(slots=True)
class Child:
    """What a pool child holds: made after the fork, so that no socket and no loop is shared between processes."""

    runner: asyncio.Runner
    resources: Resources
    transport: HttpTransport
    close: Callable[[], Coroutine[Any, Any, None]]


_child: Child | None = None


def make_app(settings: Settings) -> Celery:
    """The configured Celery application; connects to nothing."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "jivapay.worker.broker:Transport"))
    app = Celery("jivapay", broker=settings.broker_url, include=["jivapay.worker.tasks"])
    app.conf.update(
        # Unsaid, kombu takes any certificate for rediss://.
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.broker_url.startswith("rediss://") else None,
        accept_content=["json"],
        task_serializer="json",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_time_limit=TASK_TIME_LIMIT_SECONDS,
        task_default_queue=QUEUE_ORDERS,
        task_routes={"jivapay.deliver_callbacks": {"queue": QUEUE_CALLBACKS}},
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        # Our log writes to standard error; what Celery would put there writes to the log.
        worker_redirect_stdouts=False,
        # Nobody steers workers by broadcast, and its subscription reads without a time-out: after Valkey had hung and
        # come back, the whole worker waited there for ever.
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "global_keyprefix": "jivapay:",
            "socket_timeout": SOCKET_TIMEOUT_SECONDS,
            "socket_connect_timeout": SOCKET_TIMEOUT_SECONDS,
            "retry_on_timeout": True,
            # Without these a publisher tries to connect for ever, and a thread of the relay with it.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.2,
        },
        enable_utc=True,
    )
    return app


@signals.worker_process_init.connect
def _open_child(**_: object) -> None:
    """A child that cannot be opened ends, and another is tried: Celery would log the failure and give it tasks."""
    try:
        _build_child()
    except BaseException as error:  # noqa: BLE001 - outermost shell: whatever it was, there is no child
        report_critical_error(error, "pool child not opened")
        time.sleep(CHILD_PAUSE_SECONDS)
        os._exit(1)


def _build_child() -> None:
    global _child  # noqa: PLW0603 - Celery gives a child no other place of its own
    settings = get_settings()
    setup_logging(settings.log_level)
    setup_error_reporting(settings)
    runner = asyncio.Runner()

    async def build() -> Child:
        opened = open_resources(settings, application_name="jivapay-worker", keeps_plans=True)
        resources = await opened.__aenter__()
        transport = callback_service.open_transport(settings)

        async def close() -> None:
            await transport.aclose()
            await opened.__aexit__(None, None, None)

        return Child(runner, resources, transport, close)

    _child = runner.run(build())


@signals.worker_process_shutdown.connect
def _close_child(**_: object) -> None:
    global _child  # noqa: PLW0603 - as above
    if _child is not None:
        _child.runner.run(_child.close())
        _child.runner.close()
        _child = None


def run_in_child(work: Callable[[Child], Coroutine[Any, Any, T]], *, seconds: float = TASK_DEADLINE_SECONDS) -> T:
    """Run one coroutine on this child's loop, at most `seconds`; what it leaves behind is cancelled.

    Raises TimeoutError, and whatever the coroutine raises.
    """
    if _child is None:
        raise RuntimeError("the pool child has not been opened: use the prefork pool")
    child = _child

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await work(child)

    try:
        return child.runner.run(bounded())
    except BaseException:
        for left in asyncio.all_tasks(child.runner.get_loop()):
            left.cancel()
        child.runner.run(asyncio.sleep(0))
        raise


class RecordedTask(Task):  # type: ignore[misc]  # Celery ships no types
    """A task whose final failure is kept in `failed_tasks`: a Valkey broker has no dead-letter queue (K58)."""

    def on_failure(self, exc: BaseException, task_id: str, args: list[Any], kwargs: Any, einfo: Any) -> None:  # noqa: ANN401, ARG002 - Celery's signature
        report_failure(exc, "task_failed", task=self.name, task_id=task_id)
        try:
            run_in_child(lambda child: _keep_failure(child, task_id, self.name, list(args), exc), seconds=5)
        except Exception as error:
            logger.exception("failed_task_not_kept", task_id=task_id, error=type(error).__name__)


async def _keep_failure(child: Child, task_id: str, name: str, args: list[Any], error: BaseException) -> None:
    lines = traceback.format_tb(error.__traceback__)
    async with child.resources.database.write() as session:
        await session.execute(
            insert(FailedTask)
            .values(task_id=task_id, name=name, args=args, error=type(error).__name__, traceback="".join(lines))
            .on_conflict_do_nothing()
        )
