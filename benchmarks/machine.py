"""What the kernel says about processes: processor time of a tree, memory, load. Linux only, as the embedded stack."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROCESSORS = len(os.sched_getaffinity(0))
STAT_PARENT, STAT_USER, STAT_SYSTEM, STAT_CHILDREN_USER, STAT_CHILDREN_SYSTEM = 1, 11, 12, 13, 14


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    ticks: int
    """Of its own."""
    ticks_of_ended: int
    """Of its children that have ended."""


def _read(pid: int) -> Process | None:
    try:
        # The second field is the name in parentheses, which may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return Process(
        pid,
        int(fields[STAT_PARENT]),
        int(fields[STAT_USER]) + int(fields[STAT_SYSTEM]),
        int(fields[STAT_CHILDREN_USER]) + int(fields[STAT_CHILDREN_SYSTEM]),
    )


def tree(root: int) -> list[Process]:
    """`root` and all that descend from it, parents first."""
    everything = [_read(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    by_parent: dict[int, list[Process]] = {}
    for process in everything:
        if process is not None:
            by_parent.setdefault(process.parent, []).append(process)
    first = _read(root)
    found = [first] if first is not None else []
    for process in found:
        found.extend(sorted(by_parent.get(process.pid, []), key=lambda child: child.pid))
    return found


def processor_seconds(roots: Iterable[int]) -> float:
    """User and system time of whole trees, with the children that have ended."""
    return sum(process.ticks + process.ticks_of_ended for root in roots for process in tree(root)) / TICKS


def pss_megabytes(pid: int) -> float:
    """The process's share of memory: what it shares is divided among those that share it. 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def load_average() -> float:
    """Of the last minute."""
    return os.getloadavg()[0]
