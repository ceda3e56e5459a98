"""Money is Decimal from end to end. A float may only be a time, and then its name says so.

`0.1 + 0.2` is not `0.3`; one float anywhere between the request and the posting is enough to break a zero sum.
"""

import ast
import re

import pytest

from architecture.house import Module, Plant, dotted

MONEY_CODE = ("jivapay.domain", "jivapay.services", "jivapay.database", "jivapay.schemas_enums.money")
A_TIME = re.compile(
    r"(seconds?|timeout|pause|delay|interval|jitter|spread|moment|timestamp)(_|$)",
    re.IGNORECASE,
)
TIME_CALLS = frozenset(
    {"sleep", "timeout", "timeout_at", "wait_for", "timedelta", "uniform", "monotonic", "perf_counter", "wait"}
)


def floats(module: Module) -> list[str]:
    """Float literals, `float` the type and `float()` the call, but for those that are named a time."""
    if not module.stands_in(*MONEY_CODE):
        return []
    excused = set()
    for node in module.walk():
        for part in _excused(node):
            excused.update(id(inner) for inner in ast.walk(part))
    return [
        f"{module.at(node)} {ast.unparse(node)}"
        for node in module.walk()
        if id(node) not in excused
        and (
            (isinstance(node, ast.Constant) and isinstance(node.value, float))
            or (isinstance(node, ast.Name) and node.id == "float")
            or (
                isinstance(node, ast.Name | ast.Attribute)
                and dotted(node).split(".")[-1] in {"Float", "Double", "REAL"}
            )
        )
    ]


def _excused(node: ast.AST) -> list[ast.AST]:
    """The parts of a node in which a float is a time."""
    parts: list[ast.AST] = []
    match node:
        case ast.Call() if dotted(node).split(".")[-1] in TIME_CALLS:
            parts = [*node.args, *node.keywords]
        case ast.Dict(keys=keys, values=values):  # an example in a JSON schema is a JSON number
            named = zip(keys, values, strict=True)
            parts = [value for key, value in named if isinstance(key, ast.Constant) and key.value == "examples"]
        case ast.arg(arg=name, annotation=ast.expr() as annotation) if A_TIME.search(name):
            parts = [annotation]
        case ast.keyword(arg=str(name), value=value) | ast.Assign(targets=[ast.Name(id=name)], value=value) if (
            A_TIME.search(name)
        ):
            parts = [value]
        case ast.AnnAssign(target=ast.Name(id=name)) if A_TIME.search(name):
            parts = [part for part in (node.annotation, node.value) if part is not None]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parts = _excused_defaults(node)
    return parts


def _excused_defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AST]:
    positional = zip(reversed(node.args.args), reversed(node.args.defaults), strict=False)
    keyword_only = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    defaults = [
        default
        for argument, default in (*positional, *keyword_only)
        if default is not None and A_TIME.search(argument.arg)
    ]
    return [*defaults, *([node.returns] if node.returns is not None and A_TIME.search(node.name) else [])]


def test_no_float_in_money_code(house: list[Module]) -> None:
    assert [line for module in house for line in floats(module)] == []


@pytest.mark.parametrize(
    "code",
    [
        "rate = 92.5",
        "def f(amount: float): ...",
        "def f(amount) -> float: ...",
        "x = float(amount)",
        "from sqlalchemy import Float\nc = mapped_column(Float)",
        "amount = Decimal(0.1)",
    ],
)
def test_planted_float(plant: Plant, code: str) -> None:
    assert floats(plant(code)) != []
    assert floats(plant(code, "jivapay.web.planted")) == []


@pytest.mark.parametrize(
    "code",
    [
        "PAUSE_SECONDS = 0.05",
        "def f(wait_seconds: float = 0.5): ...",
        "async def f(): await asyncio.sleep(0.2)",
        "f(timeout=1.5)",
        "def age_seconds(x) -> float: ...",
        'schema = {"type": "number", "examples": [100.5]}',
    ],
)
def test_a_time_may_be_a_float(plant: Plant, code: str) -> None:
    assert floats(plant(code)) == []
