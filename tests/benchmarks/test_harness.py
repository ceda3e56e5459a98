"""The benchmarks run, and compare like with like. Counts only: nothing here depends on a time."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The rows P1 and P4 of one run with tiny counts."""
    result = tmp_path_factory.mktemp("benchmark") / "result.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--tiny", "--only", "P1", "P4", "--result", str(result)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "REDIS"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {row["name"]: row for row in json.loads(result.read_text(encoding="utf-8"))["figures"]}


def test_every_assignment_is_made_by_both_sides_with_the_same_rows(figures: dict[str, dict[str, Any]]) -> None:
    detail = figures["P1"]["detail"]
    assert detail["written"] == {
        "assigned": 16,
        "orders": 16,
        "holds": 16,
        "audit_log": 32,
        "callback_deliveries": 16,
        "status_history": 48,
    }
    assert detail["written_by_yardstick"] == detail["written"]


def test_an_assignment_takes_few_round_trips(figures: dict[str, dict[str, Any]]) -> None:
    assert figures["P1"]["detail"]["anatomy"]["round_trips"] == 5


def test_every_accepted_request_is_an_order(figures: dict[str, dict[str, Any]]) -> None:
    detail = figures["P4"]["detail"]
    asked = sum(load["requests"] for load in detail["rounds"])
    assert asked > 0
    assert detail["accepted"] == asked
    assert [load["refused"] for load in detail["rounds"] + detail["yardstick_rounds"]] == [0, 0]
