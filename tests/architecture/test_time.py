"""The time comes from `config/clock.py`, and deadlines from the database's `app_now()`.

A second source of time makes a deadline true for one process and false for another, and cannot be moved in a test.
ruff's DTZ rules see a missing zone; these see a clock that nobody can inject.
"""

import ast
import re

import pytest

from architecture.house import Module, Plant, dotted

WALL_CLOCK = "clock_timestamp() + (app_now() - now())"
"""The moment of the statement rather than of the transaction, moved by the same offset."""
CLOCKS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today|fromtimestamp|utcfromtimestamp)|date\.today|time\.time|time_ns)$"
)
DATABASE_CLOCKS = re.compile(
    r"\b(now\(\)|current_timestamp|clock_timestamp\(\)|localtimestamp|statement_timestamp\(\))", re.IGNORECASE
)


def own_clocks(module: Module) -> list[str]:
    if module.stands_in("jivapay.config.clock", "jivapay.simulation", "jivapay.embedded"):
        return []
    return [
        f"{module.at(node)} {dotted(node)}()"
        for node in module.walk()
        if isinstance(node, ast.Call)
        and CLOCKS.search(dotted(node))
        # from_timestamp with a zone reads a given moment, not a clock
        and not ("fromtimestamp" in dotted(node) and (len(node.args) > 1 or node.keywords))
    ]


def database_clocks(module: Module) -> list[str]:
    """`now()` in a statement is not moved with the clock of a test; `app_now()` is.

    The checks at start compare the two machines' clocks as they are.
    """
    if module.stands_in("jivapay.utils.start_checks"):
        return []
    if not module.stands_in("jivapay.services", "jivapay.utils", "jivapay.worker", "jivapay.database.locks"):
        return []
    found = [
        f"{module.at(node)} func.now()"
        for node in module.walk()
        if isinstance(node, ast.Call) and dotted(node) in {"func.now", "func.current_timestamp", "func.clock_timestamp"}
    ]
    docstrings = _docstrings(module.tree)
    return found + [
        f"{module.at(node)} {node.value.strip()[:60]!r}"
        for node in module.walk()
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and DATABASE_CLOCKS.search(node.value.replace(WALL_CLOCK, "").replace("app_now()", ""))
    ]


def _docstrings(tree: ast.AST) -> set[int]:
    """Constants that stand alone: docstrings and the sentences beneath attributes."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def test_one_clock(house: list[Module]) -> None:
    assert [line for module in house for line in own_clocks(module)] == []


def test_statements_ask_app_now(house: list[Module]) -> None:
    assert [line for module in house for line in database_clocks(module)] == []


@pytest.mark.parametrize(
    "code",
    ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "time.time()", "dt.datetime.fromtimestamp(1)"],
)
def test_planted_clock(plant: Plant, code: str) -> None:
    assert len(own_clocks(plant(code))) == 1
    assert own_clocks(plant(code, "jivapay.config.clock")) == []


def test_a_given_moment_is_no_clock(plant: Plant) -> None:
    assert own_clocks(plant("datetime.fromtimestamp(seconds, UTC)")) == []
    assert own_clocks(plant("clock.now()")) == []


@pytest.mark.parametrize(
    "code", ["x = func.now()", "x = text('select 1 where due < now()')", "x = 'CURRENT_TIMESTAMP'"]
)
def test_planted_database_clock(plant: Plant, code: str) -> None:
    assert len(database_clocks(plant(code))) == 1


def test_app_now_is_right(plant: Plant) -> None:
    code = '"""Says now() in prose."""\nx = text("select app_now()")\ny = func.app_now()\nz = "' + WALL_CLOCK + '"'
    assert database_clocks(plant(code)) == []
