"""Whether a worker, a relay or a scheduler still turns: it touches a file every few seconds from its own loop, and
whoever watches over it looks at the file's age. Servers have `/livez` for that.

A worker's loop stands still while it waits for its broker. The age at which it is ended is therefore minutes, not
seconds: somebody else's outage is no reason to begin again.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from celery import bootsteps

EVERY_SECONDS = 5.0


async def show_life(file: Path, stop: asyncio.Event) -> None:
    """Touch `file` from the running loop until `stop`."""
    while not stop.is_set():
        file.touch()  # noqa: ASYNC240 - an inode in memory; a thread for it would prove less
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY_SECONDS):
                await stop.wait()


def worker_step(file: Path) -> type[bootsteps.StartStopStep]:
    """What touches `file` from a Celery worker's own loop; to be added to the app's steps."""

    class ShowLife(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
        requires = frozenset({"celery.worker.components:Timer"})

        def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's worker
            file.touch()
            parent.timer.call_repeatedly(EVERY_SECONDS, file.touch)

    return ShowLife
