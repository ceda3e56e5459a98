"""P9 and P10: how long `jivapay up` takes to answer, on a fresh home and on its own, and the memory it then holds."""

import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figure, spread
from benchmarks.machine import Process, command_line, load_average, pss_megabytes, tree

COLD_SECONDS_MAX, WARM_SECONDS_MAX, MEGABYTES_MAX = 10.0, 5.0, 600.0
CHILDREN = ("api", "orders", "callbacks", "background")
"""The supervisor's processes in the order in which it forks them."""
STOP_SECONDS = 10
READY = re.compile(rb"^ready (http://\S+)", re.MULTILINE)
OURS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "STORAGE_DIR", "PUBLIC_BASE_URL")
"""What an earlier row has put into this process's environment; `up` is to find nothing."""


@dataclass(frozen=True, slots=True)
class Sizes:
    cold_rounds: int
    warm_rounds: int
    idle_seconds: float
    """How long the stack is left alone before its memory is read."""


def measure(home: Path, sizes: Sizes, console: Console, rows: set[str]) -> list[Figure]:
    cold: list[float] = []
    warm: list[float] = []
    memory: dict[str, float] = {}
    for number in range(max(sizes.cold_rounds, sizes.warm_rounds)):
        if number < sizes.cold_rounds:
            shutil.rmtree(home, ignore_errors=True)
            with _up(home) as (seconds, _):
                cold.append(seconds)
        if number < sizes.warm_rounds:
            with _up(home) as (seconds, pid):
                warm.append(seconds)
                if not memory and "P10" in rows:
                    time.sleep(sizes.idle_seconds)
                    memory = _memory(pid)
        console.print(
            f"P9 round {number + 1}: cold {cold[-1]:.1f} s, warm {warm[-1]:.1f} s, load {load_average():.1f}",
            highlight=False,
        )
    found = []
    if "P9" in rows:
        found += _starts(cold, warm)
    if "P10" in rows:
        found.append(_held(memory, sizes.idle_seconds))
    return found


@contextmanager
def _up(home: Path) -> Iterator[tuple[float, int]]:
    """`jivapay up`, with the seconds until its first answer and its pid; Ctrl-C at the end."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "jivapay", "up", "--home", str(home), "--port", "0"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            address = _ready(process)
            with urllib.request.urlopen(f"{address}/readyz", timeout=10) as answer:  # noqa: S310 - our own address
                answer.read()
            yield time.perf_counter() - started, process.pid
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=STOP_SECONDS)
            process.kill()


def _ready(process: subprocess.Popen[bytes]) -> str:
    said = b""
    if process.stdout is None:
        raise AssertionError("its output is a pipe")
    for line in process.stdout:
        said += line
        if match := READY.search(said):
            return match[1].decode()
    raise RuntimeError(f"jivapay up ended with {process.wait()}: {said.decode(errors='replace')}")


def _starts(cold: list[float], warm: list[float]) -> list[Figure]:
    figures = []
    for name, seconds, most in (("cold", cold, COLD_SECONDS_MAX), ("warm", warm, WARM_SECONDS_MAX)):
        median = statistics.median(seconds)
        figures.append(
            Figure(
                "P9",
                f"jivapay up, {name}: from the command to the first answer",
                f"{median:.1f} s",
                "",
                "",
                f"≤ {most:.0f} s",
                met=median <= most,
                notes=[f"{name}, {len(seconds)} rounds (each costs seconds): {spread(seconds, '{:.1f}')} s"],
                detail={"seconds": seconds},
            )
        )
    return figures


def _held(memory: dict[str, float], idle: float) -> Figure:
    total = sum(memory.values())
    listed = ", ".join(f"{name} {megabytes:.0f}" for name, megabytes in memory.items())
    return Figure(
        "P10",
        "memory of the whole embedded stack, idle (PSS)",
        f"{total:.0f} MB",
        "",
        "",
        f"≤ {MEGABYTES_MAX:.0f} MB",
        met=total <= MEGABYTES_MAX,
        notes=[f"MB by process after {idle:.0f} s idle: {listed}"],
        detail={"megabytes": memory},
    )


def _memory(supervisor: int) -> dict[str, float]:
    """Megabytes by name; processes of one name are added up."""
    processes = tree(supervisor)
    names = _names(processes)
    held: dict[str, float] = {}
    for process in processes:
        name = names[process.pid]
        held[name] = held.get(name, 0) + pss_megabytes(process.pid)
    return held


def _names(processes: list[Process]) -> dict[int, str]:
    supervisor = processes[0].pid
    forked = iter(CHILDREN)
    names = {supervisor: "supervisor"}
    for process in processes[1:]:
        words = command_line(process.pid)
        program = Path(words.split(" ")[0]).name.rstrip(":") if words else "(ended)"
        if program == "postgres" and ": " in words:
            names[process.pid] = "postgres " + ("back ends" if "jivapay_app" in words else "helpers")
        elif not program.startswith("python"):
            names[process.pid] = program
        elif process.parent == supervisor:
            names[process.pid] = next(forked, "python")
        else:
            names[process.pid] = f"{names.get(process.parent, '')} pool"
    return names
