"""docs/traceability.md stays true: every requirement stands in it once, and every place it names exists."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

from architecture.house import ROOT

DOCUMENT = ROOT / "docs" / "traceability.md"
REQUIREMENTS = 428
ROW = re.compile(r"^\| ([A-Z]{3}-\d{2}) \| (.+) \|$", re.MULTILINE)
AREA = re.compile(r"\b([A-Z]{3}) \| (\d+) \|")


def rows(text: str) -> list[tuple[str, str]]:
    """Id and the last column of each row: where it stands."""
    return [(number, cells.split(" | ")[-1]) for number, cells in ROW.findall(text)]


def problem(where: str) -> str | None:
    """What is wrong with an entry; None when it is in order."""
    if where.startswith(("later: ", "set aside: ")):
        return None if len(where.split(": ", 1)[1]) > 3 else "says neither theme nor reason"
    places = re.findall(r"`([^`]+)`", where.split(";", maxsplit=1)[0])
    if not places:
        return "names no place"
    return next((fault for place in places if (fault := missing(place))), None)


def missing(place: str) -> str | None:
    """Why a place cannot be found; None when it can."""
    if not place.startswith("jivapay."):
        return None if _path(place).exists() else f"{place} is not in the repository"
    module, _, name = place.partition(":")
    try:
        found: object = importlib.import_module(module)
    except ModuleNotFoundError as error:
        return f"{place}: {error}"
    for part in filter(None, name.split(".")):
        fields = getattr(found, "model_fields", {})
        if not hasattr(found, part) and part not in fields:
            return f"{place}: no {part}"
        found = getattr(found, part, fields.get(part))
    return None


def _path(place: str) -> Path:
    path = (ROOT / place).resolve()
    assert path.is_relative_to(ROOT), f"{place} leads out of the repository"
    return path


def test_every_requirement_stands_once() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    areas = {area: int(count) for area, count in AREA.findall(text.split("\n## ")[0])}
    assert sum(areas.values()) == REQUIREMENTS
    expected = [f"{area}-{number:02d}" for area, count in areas.items() for number in range(1, count + 1)]
    assert Counter(number for number, _ in rows(text)) == Counter(expected)


def test_every_entry_resolves() -> None:
    entries = rows(DOCUMENT.read_text(encoding="utf-8"))
    assert {number: fault for number, where in entries if (fault := problem(where))} == {}


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("module", "`jivapay.services.no_such_service`"),
        ("name", "`jivapay.exceptions:NoSuchFailure`"),
        ("attribute", "`jivapay.config.settings:Settings.no_such_setting`"),
        ("second", "`jivapay.exceptions`, `jivapay.no_such_module`"),
        ("path", "`docs/no-such.md`"),
        ("nothing", "done"),
        ("no reason", "set aside: "),
        ("no theme", "later: "),
    ],
)
def test_planted_entry(name: str, where: str) -> None:
    assert problem(where) is not None, name


@pytest.mark.parametrize(
    "where",
    [
        "`jivapay.exceptions:JivaPayException`",
        "`jivapay.config.settings:Settings.env`, `docs/architecture.md`; a note with `words`",
        "later: pay-outs",
        "set aside: the documents merged it themselves",
    ],
)
def test_right_entry(where: str) -> None:
    assert problem(where) is None
