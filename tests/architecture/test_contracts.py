"""The import contracts stand, and each of them bites: planted in a copy of the source, every violation breaks its own.

`.ci/run` and the hooks print the same report with `lint-imports`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from architecture.house import ROOT

PLANTED = {
    "floors": ("utils/planted.py", "import jivapay.services"),
    "service-steps": ("services/outbox_planted.py", ""),
    "role-servers": ("servers/planted/__init__.py", ""),
    "ledger": (
        "utils/planted_ledger.py",
        "from jivapay.database.models import ledger\nimport jivapay.database.models.ledger",
    ),
    "pure-domain": ("domain/planted.py", "import sqlalchemy"),
    "services-know-no-http": ("services/planted_http.py", "import fastapi"),
    "siblings": ("domain/planted_a.py", "import jivapay.domain.planted_b"),
    "apart": ("simulation/planted.py", "import jivapay.domain"),
    "apart-from-below": ("worker/planted.py", "import jivapay.embedded"),
}
"""For each contract a file of the package and what it says; on a floor nobody named, an empty one is enough."""


def contract_names() -> dict[str, str]:
    """Contract names by id, as the report prints them."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return dict(re.findall(r'\[\[tool\.importlinter\.contracts\]\]\nid = "([^"]+)"\nname = "([^"]+)"', text))


def broken(directory: Path) -> set[str]:
    """The names of the contracts that a copy of the package in `directory` breaks."""
    report = subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            "--no-logo",
            "--no-cache",
            "--config",
            ROOT / "pyproject.toml",
        ],
        cwd=directory,
        env={"PYTHONPATH": str(directory), "COLUMNS": "200", "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts:" in report.stdout, report.stdout + report.stderr
    return set(re.findall(r"^(.*) BROKEN", report.stdout, re.MULTILINE))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", "static", "templates", "locale")
    shutil.copytree(ROOT / "src" / "jivapay", tmp_path / "jivapay", ignore=ignore)
    return tmp_path


def test_contracts_stand(copy: Path) -> None:
    assert broken(copy) == set()


def test_every_contract_is_planted() -> None:
    assert set(contract_names()) == set(PLANTED)


def test_planted_violations_break_every_contract(copy: Path) -> None:
    for name, code in (*PLANTED.values(), ("domain/planted_b.py", "import jivapay.domain.planted_a")):
        path = copy / "jivapay" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code + "\n", encoding="utf-8")
    assert broken(copy) == set(contract_names().values())
