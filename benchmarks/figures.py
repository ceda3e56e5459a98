"""A measured row, the table and the file of a run."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import PROCESSORS, load_average

RESULTS = Path(__file__).parent / "results"


@dataclass(slots=True)
class Figure:
    """One row of `docs/performance.md`. `met` is None when this run cannot say."""

    name: str
    what: str
    figure: str
    yardstick: str
    ratio: str
    goal: str
    met: bool | None
    notes: list[str] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)


def not_yet(name: str, what: str, goal: str) -> Figure:
    return Figure(name, what, "not yet", "", "", goal, met=None)


def median_ratio(figures: Sequence[float], yardsticks: Sequence[float]) -> float:
    """Of the rounds' own ratios: a round's two halves saw the same machine."""
    return statistics.median(figure / yardstick for figure, yardstick in zip(figures, yardsticks, strict=True))


def spread(values: Sequence[float], form: str = "{:,.0f}") -> str:
    return f"{form.format(min(values))} to {form.format(max(values))}"


def show(figures: Sequence[Figure], console: Console) -> None:
    table = Table(title=f"{PROCESSORS} processors, load average {load_average():.1f} at the end", show_lines=True)
    for column in ("", "what", "figure", "yardstick", "ratio", "goal", ""):
        table.add_column(column, overflow="fold")
    for row in figures:
        verdict = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[row.met]
        table.add_row(row.name, row.what, row.figure, row.yardstick, row.ratio, row.goal, verdict)
    console.print(table)
    for row in figures:
        for note in row.notes:
            console.print(f"{row.name}: {note}", highlight=False)


def keep(figures: Sequence[Figure], path: Path | None) -> Path:
    """Write the run's results; by default under today's date, a later run of the day replaces it."""
    now = datetime.now(UTC)
    path = path or RESULTS / f"{now.date()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    run = {
        "at": now.isoformat(timespec="seconds"),
        "processors": PROCESSORS,
        "load_average": load_average(),
        "figures": [asdict(figure) for figure in figures],
    }
    path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
