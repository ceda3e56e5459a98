"""A platform of our own for a command that needs one running: `jivapay up` as a child, ready when the block begins."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jivapay.cli.failures import EXIT_FOUND, CommandFailure
from jivapay.embedded.server import die_with_parent

STOP_SECONDS = 10.0


@contextmanager
def running_platform(
    home: Path, *, host: str = "127.0.0.1", port: int = 0, workers: int = 2, env: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yields the base URL; everything is stopped afterwards. What it logs goes to `<home>/up.log`.

    Raises CommandFailure when it does not start, with the reason it gave.
    """
    home.mkdir(parents=True, exist_ok=True)
    log_path = home / "up.log"
    command = [sys.executable, "-m", "jivapay", "up", "--home", str(home), "--host", host]
    command += ["--port", str(port), "--workers", str(workers)]
    with os.fdopen(os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - calls the kernel once, touches no lock of ours
        )
    try:
        yield _ready_address(process, log_path)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _ready_address(process: subprocess.Popen[str], log_path: Path) -> str:
    if process.stdout is None:
        raise AssertionError("stdout is a pipe")
    for line in process.stdout:
        if line.startswith("ready "):
            return line.removeprefix("ready ").strip()
    said = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    reason = next(
        (line for line in reversed(said) if line.startswith("jivapay: ")), f"the platform did not start; see {log_path}"
    )
    raise CommandFailure(reason.removeprefix("jivapay: "), EXIT_FOUND)
