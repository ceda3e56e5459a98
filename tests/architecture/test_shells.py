"""Nothing catches everything but the outermost shells, named here with what each of them does with it.

A blind except deeper down turns a programming error into a wrong business answer: a full limit once became a database
error that way, and a fraud denial a retry.
"""

import ast

import pytest

from architecture.house import Module, Plant, dotted

SHELLS = {
    "jivapay.api_routers.exception_handlers": "renders the 500 and logs once",
    "jivapay.middleware": "answers 500 when even the handlers failed",
    "jivapay.worker": "a task, a relay turn or a timetable entry that fails must not end the process",
    "jivapay.cli": "one clear line instead of a traceback",
    "jivapay.utils.notifications": "reporting an error never breaks what it reports about (LOG-06)",
    "jivapay.utils.receipt_sanitizer": "a process of its own: a decoder may raise anything at a broken file",
    "jivapay.simulation": "a simulated person who stumbles is counted, the others go on",
}
BLIND = frozenset({"Exception", "BaseException"})


def blind_excepts(module: Module) -> list[str]:
    found = []
    for node in module.walk():
        if isinstance(node, ast.ExceptHandler) and _blind(node.type) and not _reraises(node):
            found.append(f"{module.at(node)} except {ast.unparse(node.type) if node.type else ''}".rstrip())
        if (
            isinstance(node, ast.Call)
            and dotted(node).split(".")[-1] == "suppress"
            and any(_blind(a) for a in node.args)
        ):
            found.append(f"{module.at(node)} suppress")
    return found


def _blind(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(dotted(one).split(".")[-1] in BLIND for one in kinds)


def _reraises(handler: ast.ExceptHandler) -> bool:
    """Cleaning up and raising again hides nothing, nor does raising first whatever is not a known failure."""
    first, last = handler.body[0], handler.body[-1]
    if isinstance(first, ast.If) and len(first.body) == 1:
        return _is_bare_raise(first.body[0]) or _is_bare_raise(last)
    return _is_bare_raise(last)


def _is_bare_raise(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Raise) and statement.exc is None


def test_only_the_shells_catch_everything(house: list[Module]) -> None:
    assert [line for module in house if not module.stands_in(*SHELLS) for line in blind_excepts(module)] == []


@pytest.mark.parametrize("kind", ["", " Exception", " BaseException as e", " (OSError, Exception)"])
def test_planted_blind_except(plant: Plant, kind: str) -> None:
    assert len(blind_excepts(plant(f"try:\n    f()\nexcept{kind}:\n    pass\n"))) == 1


def test_planted_suppress(plant: Plant) -> None:
    assert len(blind_excepts(plant("with contextlib.suppress(Exception):\n    f()\n"))) == 1


def test_named_failures_and_clean_up_are_right(plant: Plant) -> None:
    assert blind_excepts(plant("try:\n    f()\nexcept (OSError, TimeoutError):\n    pass\n")) == []
    assert blind_excepts(plant("try:\n    f()\nexcept BaseException:\n    g()\n    raise\n")) == []
    sieve = "try:\n    f()\nexcept Exception as error:\n    if known(error) is None:\n        raise\n    g()\n"
    assert blind_excepts(plant(sieve)) == []
