"""The supervisor keeps processes alive and leaves none behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TOYS = Path(__file__).with_name("toys.py")
PATIENCE_SECONDS = 20.0

pytestmark = pytest.mark.faults


class Run:
    """A supervisor that runs, and what its processes noted."""

    def __init__(self, process: subprocess.Popen[str], notes: Path) -> None:
        self.process = process
        self.notes = notes

    def lines(self) -> list[str]:
        return self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else []

    def pids(self, name: str) -> list[int]:
        return [int(line.split()[1]) for line in self.lines() if line.startswith(f"{name} ") and line[-1].isdigit()]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.lines()
            time.sleep(0.02)


@contextmanager
def running(scenario: str, tmp_path: Path) -> Iterator[Run]:
    notes = tmp_path / "notes"
    process = subprocess.Popen(
        [sys.executable, str(TOYS), scenario, str(notes)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        try:
            yield Run(process, notes)
        finally:
            process.kill()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_stops_group_after_group(tmp_path: Path, sent: signal.Signals) -> None:
    with running("steady", tmp_path) as run:
        run.wait_for(lambda: "all ready" in run.lines())
        run.process.send_signal(sent)
        assert run.process.wait(5) == 0
        assert run.lines()[-2:] == ["first stopped", "second stopped"]


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    with running("steady", tmp_path) as run:
        run.wait_for(lambda: "all ready" in run.lines())
        os.kill(run.pids("first")[0], signal.SIGKILL)
        run.wait_for(lambda: len(run.pids("first")) == 2)
        run.process.send_signal(signal.SIGTERM)
        _, said = run.process.communicate(timeout=5)
        assert run.process.returncode == 0
        assert len(run.pids("second")) == 1
        assert "process_died" in said


def test_whoever_does_not_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    with running("stubborn", tmp_path) as run:
        run.wait_for(lambda: "all ready" in run.lines())
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(5) == 0
        run.wait_for(lambda: not any(map(is_running, run.pids("stubborn") + run.pids("grandchild"))))
        assert run.lines()[-1] == "second stopped"


def test_three_deaths_while_starting_end_everything(tmp_path: Path) -> None:
    with running("broken", tmp_path) as run:
        _, said = run.process.communicate(timeout=PATIENCE_SECONDS)
        assert run.process.returncode == 1
        assert said.splitlines()[-1] == "jivapay: broken died 3 times while starting (exit 3); see above"
        assert len(run.pids("broken")) == 3
        assert "first stopped" in run.lines()


def test_a_killed_supervisor_takes_its_processes_along(tmp_path: Path) -> None:
    with running("steady", tmp_path) as run:
        run.wait_for(lambda: "all ready" in run.lines())
        run.process.kill()
        run.wait_for(lambda: not any(map(is_running, run.pids("first") + run.pids("second"))))
