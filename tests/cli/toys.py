"""Processes for the supervisor to keep alive, and a program that keeps them: `python toys.py SCENARIO NOTES`.

Each process notes its pid in NOTES when it starts, as `name pid`.
"""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from jivapay.cli.children import Child
from jivapay.cli.failures import clear_line
from jivapay.cli.readiness import announce
from jivapay.cli.supervisor import StopRequest, Supervisor
from jivapay.config.logger import setup_logging

FOR_EVER = 60


def note(notes: Path, line: str) -> None:
    with notes.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def steady(notes: Path, name: str) -> None:
    note(notes, f"{name} {os.getpid()}")
    signal.signal(signal.SIGTERM, lambda *_: (note(notes, f"{name} stopped"), sys.exit(0)))
    announce()
    time.sleep(FOR_EVER)


def stubborn(notes: Path) -> None:
    """Ignores SIGTERM, and has a child of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        time.sleep(FOR_EVER)
        os._exit(0)
    note(notes, f"stubborn {os.getpid()}")
    note(notes, f"grandchild {child}")
    announce()
    time.sleep(FOR_EVER)


def broken(notes: Path) -> None:
    note(notes, f"broken {os.getpid()}")
    raise SystemExit(3)


def main(scenario: str, notes: Path) -> None:
    setup_logging()
    stop = StopRequest()
    stop.install()
    stop.interrupting = False
    first = Child("first", partial(steady, notes, "first"))
    second = Child("second", partial(steady, notes, "second"))
    groups = {
        "steady": [[first], [second]],
        "stubborn": [[Child("stubborn", partial(stubborn, notes))], [second]],
        "broken": [[first], [Child("broken", partial(broken, notes))]],
    }[scenario]
    supervisor = Supervisor(groups, stack=None, stop=stop)
    try:
        supervisor.start()
        supervisor.watch(until=lambda: True)
        note(notes, "all ready")
        supervisor.watch()
    finally:
        supervisor.stop()


if __name__ == "__main__":
    with clear_line():
        main(sys.argv[1], Path(sys.argv[2]))
