"""Nothing happens at import, and nothing has two names.

A module that connects or reads settings when imported decides for every test and every command that only wanted a name
of it. A twin with `_async` at its end is the same decision written twice, and the two drift apart.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from architecture.house import Module, Plant, dotted

ACTS = re.compile(
    r"(^|\.)(Settings|Settings\.load|get_settings|create_engine|create_async_engine|async_sessionmaker|Database|from_url|Redis"
    r"|AsyncClient|Client|connect|open_resources|make_engine|FastAPI|create_app|getenv|urlopen|Popen|Thread|asyncio\.run)$"
)


def import_time_acts(module: Module) -> list[str]:
    """Calls and environment reads that run when the module is imported: at its top level and in class bodies."""
    found = []
    for node in _executed(module.tree.body):
        if isinstance(node, ast.Call) and ACTS.search(dotted(node)):
            found.append(f"{module.at(node)} {dotted(node)}()")
        if isinstance(node, ast.Attribute) and dotted(node) == "os.environ":
            found.append(f"{module.at(node)} os.environ")
    return found


def _executed(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in (
                *statement.decorator_list,
                *statement.args.defaults,
                *filter(None, statement.args.kw_defaults),
            ):
                yield from _without_lambdas(part)
        elif isinstance(statement, ast.ClassDef):
            yield from _executed(statement.body)
        elif isinstance(statement, ast.If) and "__main__" in ast.unparse(statement.test):
            continue
        elif isinstance(statement, ast.If | ast.Try | ast.With | ast.For):
            yield from _executed([child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)])
        else:
            yield from _without_lambdas(statement)


def _without_lambdas(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Lambda):
            yield from _without_lambdas(child)


def twins(module: Module) -> list[str]:
    names = [module.name.split(".")[-1]]
    names += [
        node.name for node in module.walk() if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    names += [
        target.id
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    return [f"{module.name} {name}" for name in names if re.search(r"_a?sync$", name)]


def test_nothing_happens_at_import(house: list[Module]) -> None:
    assert [line for module in house for line in import_time_acts(module)] == []


def test_no_twins(house: list[Module]) -> None:
    assert [line for module in house for line in twins(module)] == []


@pytest.mark.parametrize(
    "code",
    [
        "settings = Settings()",
        "settings = get_settings()",
        "engine = create_async_engine('x')",
        "class A:\n    client = httpx2.AsyncClient()",
        "HOME = os.environ['HOME']",
        "HOME = os.getenv('HOME')",
        "def f(settings=get_settings()): ...",
        "if True:\n    redis = Redis.from_url('x')",
        "app = FastAPI()",
    ],
)
def test_planted_act(plant: Plant, code: str) -> None:
    assert len(import_time_acts(plant(code))) >= 1


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    return get_settings()",
        "x = field(default_factory=lambda: get_settings())",
        "if __name__ == '__main__':\n    asyncio.run(main())",
    ],
)
def test_what_waits_for_a_call_is_right(plant: Plant, code: str) -> None:
    assert import_time_acts(plant(code)) == []


@pytest.mark.parametrize("code", ["async def load_async(): ...", "def load_sync(): ...", "load_async = load"])
def test_planted_twin(plant: Plant, code: str) -> None:
    assert len(twins(plant(code))) == 1


def test_planted_twin_module(plant: Plant) -> None:
    assert twins(plant("", "jivapay.database.utils_async")) == ["jivapay.database.utils_async utils_async"]
