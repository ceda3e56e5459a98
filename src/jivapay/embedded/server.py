"""What every embedded server shares: how it is found, spawned, watched and stopped.

A server is our direct child in a session of its own, so that Ctrl-C reaches the supervisor alone, which stops the
servers last; should the supervisor be killed, the kernel stops them.
"""

import contextlib
import ctypes
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from jivapay.embedded.errors import EmbeddedError
from jivapay.embedded.identity import RunAs

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of ours reaches the servers; messages in English, because two of them are read."""
LOG_BYTES_MAX = 8 * 1024 * 1024
POLL_SECONDS = 0.005
EVICT_SECONDS = 20.0
PR_SET_PDEATHSIG = 1


class Server(ABC):
    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = 0
        self.log = home / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self, port: int | None = None) -> None:
        """Start and wait until it answers, on `port` if it is free. Raises EmbeddedError."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, timeout: float = 10.0) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def trim_log(self) -> None:
        """Keep the log under `LOG_BYTES_MAX`: its content moves to `.1`. The server appends, so cutting is safe."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > LOG_BYTES_MAX:
                self.log.with_suffix(".log.1").write_bytes(self.log.read_bytes()[-LOG_BYTES_MAX:])
                os.truncate(self.log, 0)

    def _spawn(self, argv: Sequence[str], run_as: RunAs) -> subprocess.Popen[bytes]:
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            self._process = subprocess.Popen(
                run_as.command(argv),
                cwd="/",
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - calls the kernel once, touches no lock of ours
                **run_as.credentials(),
            )
        return self._process

    def _log_tail(self, lines: int = 12) -> str:
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def evict_stale(pid: int, marker: str, stop_signal: signal.Signals) -> None:
    """Stop the server that a killed supervisor left behind, and wait for its end.

    It is known to be ours by `marker`, a path of our home on its command line; anything else is left alone.
    """
    if not _is_ours(pid, marker):
        return
    deadline = time.monotonic() + EVICT_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, stop_signal)
        while _is_ours(pid, marker):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)


def _is_ours(pid: int, marker: str) -> bool:
    try:
        return marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def die_with_parent(sent: signal.Signals = signal.SIGINT) -> Callable[[], None] | None:
    """What a child runs so that the kernel sends it `sent` when its parent dies; None where there is no such thing."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def arm() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(sent))

    return arm


def free_port(preferred: int | None = None) -> int:
    """A free loopback port: `preferred` if nobody has it."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise EmbeddedError("there is no free loopback port")


def package_directory(name: str) -> Path:
    """Where the wheel `name` lies, found without importing it. Raises EmbeddedError when it is not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"{name} is not installed: install the dependency group 'embedded', or set DATABASE_URL and REDIS_URL"
        )
    return Path(next(iter(spec.submodule_search_locations)))
