"""A process of `up`: forked from the supervisor, watched, started again, stopped.

Forked and not executed anew: the supervisor has imported everything once, so a process starts in milliseconds and
shares the memory of the code with the others (performance rows P9 and P10). The supervisor has one thread and opens
no connection, so nothing is shared that must not be.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import IO

from jivapay.cli import readiness
from jivapay.cli.failures import clear_line
from jivapay.embedded.server import die_with_parent

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
POLL_SECONDS = 0.01


class Child:
    """One process and what is known about it. `closes` are the supervisor's files that it must not hold on to."""

    def __init__(
        self, name: str, target: Callable[[], None], *, closes: Iterable[IO[str] | socket.socket | None] = ()
    ) -> None:
        self.name = name
        self.target = target
        self.pid: int | None = None
        self.ready = False
        self.started_at = 0.0
        self.exit_code: int | None = None
        self._closes = [file for file in closes if file is not None]
        self._announcement: int | None = None

    def start(self) -> None:
        """Fork. In the child this never returns."""
        sys.stdout.flush()
        sys.stderr.flush()
        reading, writing = os.pipe()
        gc.freeze()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._become(writing, supervisor)
        os.close(writing)
        self._forget_announcement()
        self.pid, self.ready, self.exit_code = pid, False, None
        self.started_at = time.monotonic()
        self._announcement = reading

    def _become(self, writing: int, supervisor: int) -> None:
        """The child's whole life. Ends by `os._exit`: the supervisor's clean-up stands on this stack too."""
        code = 1
        try:
            os.setsid()
            for one in SIGNALS:
                signal.signal(one, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            arm = die_with_parent(signal.SIGTERM)
            if arm is not None:
                arm()
            if os.getppid() == supervisor:
                for file in self._closes:
                    os.close(file.fileno())
                readiness.attach(writing)
                with clear_line():
                    self.target()
                code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:  # noqa: BLE001 - the outermost shell of a process
            sys.excepthook(*sys.exc_info())
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def is_alive(self) -> bool:
        """Whether it runs; learns of its end and of its announcement."""
        if self.pid is None:
            return False
        if not self.ready and self._has_announced():
            self.ready = True
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid == 0:
                return True
            self.exit_code = os.waitstatus_to_exitcode(status)
        self._end_group()
        self.pid = None
        return False

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within `seconds`."""
        deadline = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def terminate(self) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """It and everything it has started."""
        self._end_group()
        self.wait(5.0)

    def _end_group(self) -> None:
        """The pool children of a worker that is gone must not go on."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _has_announced(self) -> bool:
        if self._announcement is None:
            return False
        readable, _, _ = select.select([self._announcement], [], [], 0)
        if not readable:
            return False
        said = os.read(self._announcement, 1)
        self._forget_announcement()
        return said == b"1"

    def _forget_announcement(self) -> None:
        if self._announcement is not None:
            os.close(self._announcement)
            self._announcement = None
