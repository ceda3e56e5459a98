"""Files stay under 400 lines and functions under 70: what is longer holds two ideas. Migrations are history, exempt."""

import ast

import pytest

from architecture.house import Module, Plant

LINES_MAX = 400
FUNCTION_LINES_MAX = 70
EXEMPT = "jivapay.database.migrations"


def too_long(module: Module) -> list[str]:
    found = []
    if module.text.count("\n") >= LINES_MAX:
        found.append(f"{module.name}: {module.text.count(chr(10))} lines")
    for node in module.walk():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length >= FUNCTION_LINES_MAX:
                found.append(f"{module.at(node)} {node.name}: {length} lines")
    return found


def test_sizes(house: list[Module]) -> None:
    assert [line for module in house if not module.stands_in(EXEMPT) for line in too_long(module)] == []


def test_test_files_keep_the_same_size(request: pytest.FixtureRequest) -> None:
    tests = request.config.rootpath / "tests"
    assert {
        str(path.relative_to(tests)): lines
        for path in tests.rglob("*.py")
        if (lines := path.read_text(encoding="utf-8").count("\n")) >= LINES_MAX
    } == {}


def test_planted_file(plant: Plant) -> None:
    assert too_long(plant("x = 1\n" * 400)) == ["jivapay.services.planted: 400 lines"]
    assert too_long(plant("x = 1\n" * 399)) == []


def test_planted_function(plant: Plant) -> None:
    body = "async def f():\n" + "    x = 1\n" * 69
    assert too_long(plant(body)) == ["jivapay.services.planted:1 f: 70 lines"]
    assert too_long(plant("async def f():\n" + "    x = 1\n" * 68)) == []


def test_servers_are_lists_of_routers(house: list[Module]) -> None:
    """A role's server names its routers and nothing else: at most 40 lines."""
    servers = [
        module for module in house if module.name.startswith("jivapay.servers.") and module.path.name == "server.py"
    ]
    assert [module.name for module in servers if module.text.count("\n") > 40] == []


def test_task_shells_are_thin(house: list[Module]) -> None:
    """A Celery task only runs its coroutine: at most 15 lines."""
    for module in house:
        if module.name != "jivapay.worker.tasks":
            continue
        shells = [node for node in module.tree.body if isinstance(node, ast.FunctionDef)]
        assert [node.name for node in shells if (node.end_lineno or 0) - node.lineno + 1 > 15] == []
