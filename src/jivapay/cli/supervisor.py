"""Keeps the processes and servers of `jivapay up` alive and stops them in order (issue 2, section 1).

A process that dies is started again after a growing pause; one that dies three times before it was ever ready ends
`up`, because a restart would not help it. A server that dies is started again on its port, at once.
"""

import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

from jivapay.cli.children import Child
from jivapay.cli.failures import EXIT_FOUND, CommandFailure
from jivapay.config.logger import get_logger
from jivapay.embedded import Stack

logger = get_logger(__name__)

STARTS_MAX = 3
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
HEALTHY_SECONDS = 60.0
"""Alive this long, a process has recovered, and the next pause is short again."""
TURN_SECONDS = 0.1
TEND_SECONDS = 0.5
GRACE_SECONDS = 1.2
"""To finish what runs, for each group of processes; two groups and the servers fit into five seconds."""


class Stopped(Exception):
    """Somebody asked to stop while everything was still starting."""


class StopRequest:
    """Ctrl-C, SIGTERM and SIGHUP as a flag; while `interrupting` also as an exception, to leave a long start."""

    def __init__(self) -> None:
        self.requested = False
        self.interrupting = True

    def install(self) -> None:
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, self._receive)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self.interrupting:
            self.interrupting = False
            raise Stopped


class _Watched:
    """A child with its history of deaths."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.failed_starts = 0
        self.deaths = 0
        self.start_at: float | None = None

    def tend(self, now: float) -> None:
        """Start it again when it is due; raises CommandFailure when that is hopeless."""
        child = self.child
        if self.start_at is not None:
            if now >= self.start_at:
                self.start_at = None
                child.start()
            return
        if child.is_alive():
            if child.ready:
                self.failed_starts = 0
            if now - child.started_at > HEALTHY_SECONDS:
                self.deaths = 0
            return
        self.failed_starts += not child.ready
        if self.failed_starts >= STARTS_MAX:
            raise CommandFailure(
                f"{child.name} died {STARTS_MAX} times while starting (exit {child.exit_code}); see above",
                EXIT_FOUND,
            )
        pause = BACKOFF_SECONDS[min(self.deaths, len(BACKOFF_SECONDS) - 1)]
        self.deaths += 1
        self.start_at = now + pause
        logger.error("process_died", process=child.name, exit_code=child.exit_code, restart_in_seconds=pause)


class Supervisor:
    """`stop_order` is a sequence of groups: all of a group are asked at once, and killed after their grace."""

    def __init__(self, stop_order: Sequence[Sequence[Child]], *, stack: Stack | None, stop: StopRequest) -> None:
        self._stop_order = stop_order
        self._watched = [_Watched(child) for group in stop_order for child in group]
        self._stack = stack
        self._stop = stop
        self._tend_at = 0.0

    def start(self) -> None:
        for watched in self._watched:
            watched.child.start()

    def watch(self, *, until: Callable[[], bool] | None = None) -> None:
        """Tend everything until somebody asks to stop, or `until` says so. Raises CommandFailure, EmbeddedError."""
        while not self._stop.requested:
            now = time.monotonic()
            for watched in self._watched:
                watched.tend(now)
            if self._stack is not None and now >= self._tend_at:
                self._tend_at = now + TEND_SECONDS
                for name in self._stack.tend():
                    logger.error("server_restarted", server=name)
            if until is not None and self.all_ready() and until():
                return
            time.sleep(TURN_SECONDS if until is None else TURN_SECONDS / 5)

    def all_ready(self) -> bool:
        return all(watched.child.ready for watched in self._watched)

    def stop(self) -> None:
        """End every process, group by group; whoever exceeds the grace is killed with all it has started."""
        for group in self._stop_order:
            for child in group:
                child.terminate()
            deadline = time.monotonic() + GRACE_SECONDS
            for child in group:
                if not child.wait(max(0.0, deadline - time.monotonic())):
                    child.kill()
