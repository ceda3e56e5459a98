"""`python -m benchmarks [--quick]`: every row, one table, one file (docs/performance.md)."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks import assignments, figures, gateway, whole_stack
from benchmarks.figures import Figure, not_yet
from benchmarks.ground import ground
from benchmarks.machine import load_average

ROWS = ("P1", "P4", "P9", "P10")
LATER = [
    not_yet("P2", "completions per second", "≥ 0.8"),
    not_yet("P3", "selection latency p99 at 100 000 requisites", "≤ 1.5"),
    not_yet("P5", "payment page", "≥ 0.5"),
    not_yet("P6", "order history at 10 million orders", "≤ 5"),
    not_yet("P7", "P1 with 10 million past orders", "≥ 0.9"),
    not_yet("P8", "callbacks per second, a third of the shops hanging", "≥ 0.9"),
    not_yet("P11", "P1 with 2 worker processes against 1", "≥ 1.6"),
]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    assignments: assignments.Sizes
    gateway: gateway.Sizes
    whole_stack: whole_stack.Sizes


SCALES = {
    "tiny": Scale(
        assignments.Sizes(orders=16, yardstick_orders=16, rounds=1),
        gateway.Sizes(connections=2, seconds=0.5, rounds=1, use_wrk=False),
        whole_stack.Sizes(cold_rounds=1, warm_rounds=1, idle_seconds=0),
    ),
    "quick": Scale(
        assignments.Sizes(orders=1_000, yardstick_orders=2_000, rounds=5),
        gateway.Sizes(connections=16, seconds=3, rounds=5),
        whole_stack.Sizes(cold_rounds=3, warm_rounds=3, idle_seconds=10),
    ),
    "full": Scale(
        assignments.Sizes(orders=5_000, yardstick_orders=10_000, rounds=7),
        gateway.Sizes(connections=16, seconds=10, rounds=7),
        whole_stack.Sizes(cold_rounds=5, warm_rounds=7, idle_seconds=30),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    scales = parser.add_mutually_exclusive_group()
    scales.add_argument("--quick", dest="scale", action="store_const", const="quick", help="about three minutes")
    scales.add_argument(
        "--tiny", dest="scale", action="store_const", const="tiny", help="does it run at all; no figures"
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=ROWS, help="these rows")
    parser.add_argument("--result", type=Path, help="the file to write; default benchmarks/results/<date>.json")
    asked = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(f"load average at the start: {load_average():.1f}", highlight=False)
    # In /tmp and not in the checkout: PostgreSQL of a root must be able to enter.
    home = Path(tempfile.mkdtemp(prefix="jivapay-bench-"))
    home.chmod(0o711)
    try:
        found = asyncio.run(_measure(home, asked.only, SCALES[asked.scale or "full"], console))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if asked.scale is None:
        found += LATER
    figures.show(found, console)
    console.print(f"kept in {figures.keep(found, asked.result)}", highlight=False)


async def _measure(home: Path, rows: Sequence[str], scale: Scale, console: Console) -> list[Figure]:
    found = []
    if {"P1", "P4"} & set(rows):
        async with ground(home / "world") as world:
            if "P1" in rows:
                found.append(await assignments.measure(world, scale.assignments, console))
            if "P4" in rows:
                found.append(await gateway.measure(world, scale.gateway, console))
    if {"P9", "P10"} & set(rows):
        found += whole_stack.measure(home / "up", scale.whole_stack, console, set(rows))
    return found


main()
