"""Each process alone, as a deployment runs it: says that it is ready, does its work, ends at SIGTERM.

What Compose starts besides (every server in one, the queues apart, relay, scheduler) is started by
`tests/deploy/test_first_start.py`, in production.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

READY_SECONDS = 60.0


@contextmanager
def running(arguments: list[str], env: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Begins when the process has announced itself, as to systemd."""
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(READY_SECONDS)
        process = subprocess.Popen(
            [sys.executable, "-m", "jivapay", *arguments],
            env=os.environ | env | {"NOTIFY_SOCKET": str(address)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                assert manager.recv(64) == b"READY=1"
                yield process
            finally:
                process.kill()


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "gateway", "--port", "0"],
        ["worker", "--concurrency", "1"],
        ["background"],
    ],
    ids=" ".join,
)
def test_it_is_ready_and_ends_when_asked(
    arguments: list[str], stack: dict[str, str], database_url: str, owner_url: str, tmp_path: Path
) -> None:
    env = stack | {"DATABASE_URL": database_url, "DATABASE_OWNER_URL": owner_url, "ENV": "test"}
    with running(arguments, env, tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        said, complained = process.communicate(timeout=30)
    assert process.returncode == 0, complained[-2000:]
    assert said == ""
    assert "Traceback" not in complained
