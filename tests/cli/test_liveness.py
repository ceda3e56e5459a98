"""The file by whose age a watcher sees that a process turns: fresh while it does, old while it hangs."""

import os
import signal
import time
from pathlib import Path

import pytest

from cli.test_processes import running


@pytest.mark.parametrize(
    "arguments",
    [["worker", "--queues", "orders", "--concurrency", "1"], ["relay"]],
    ids=lambda arguments: arguments[0],
)
def test_it_is_touched_while_the_process_turns(
    arguments: list[str], stack: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    env = stack | {"DATABASE_URL": database_url, "ENV": "test", "JIVAPAY_ALIVE_PATH": str(alive)}
    with running(arguments, env, tmp_path) as process:
        assert is_touched(alive, within=15)
        process.send_signal(signal.SIGSTOP)
        assert not is_touched(alive, within=7)
        process.send_signal(signal.SIGCONT)
        assert is_touched(alive, within=15)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def is_touched(file: Path, *, within: float) -> bool:
    """Whether it becomes fresh, however fresh it is now."""
    deadline = time.monotonic() + within
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.utime(file, (0, 0))
    while time.monotonic() < deadline:
        if file.stat().st_mtime > 0:
            return True
        time.sleep(0.1)
    return False
