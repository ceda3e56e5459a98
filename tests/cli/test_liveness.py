"""The file by whose age a watcher sees that a process turns: fresh while it does, old while it hangs."""

import os
import signal
import time
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

from cli.test_processes import running

TURNING = (["worker", "--queues", "orders", "--concurrency", "1"], ["relay"])


def test_it_is_touched_while_the_process_turns(stack: dict[str, str], database_url: str, tmp_path: Path) -> None:
    env = stack | {"DATABASE_URL": database_url, "ENV": "test"}
    with ExitStack() as opened:
        processes, files = [], []
        for arguments in TURNING:
            place = tmp_path / arguments[0]
            place.mkdir()
            files.append(place / "alive")
            watched = env | {"JIVAPAY_ALIVE_PATH": str(files[-1])}
            processes.append(opened.enter_context(running(arguments, watched, place)))
        assert touched(files, within=15) == set(files)
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        assert touched(files, within=7) == set()
        for process in processes:
            process.send_signal(signal.SIGCONT)
        assert touched(files, within=15) == set(files)
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.communicate(timeout=30)
    assert [process.returncode for process in processes] == [0, 0]


def touched(files: Collection[Path], *, within: float) -> set[Path]:
    """Those that become fresh, however fresh they are now; all, or as many as do in time."""
    deadline = time.monotonic() + within
    while not all(file.exists() for file in files) and time.monotonic() < deadline:
        time.sleep(0.1)
    for file in files:
        os.utime(file, (0, 0))
    fresh: set[Path] = set()
    while fresh != set(files) and time.monotonic() < deadline:
        time.sleep(0.1)
        fresh = {file for file in files if file.stat().st_mtime > 0}
    return fresh
