"""Where a transaction begins and ends (docs/architecture.md, Transactions).

The door commits, in one file. Inside a transaction there is no network and no storage: a lock would be held for as
long as somebody else's server takes to answer, and what was sent cannot be rolled back. What must leave the database
is a row, and only the worker hands rows to the broker.
"""

import ast
import re

import pytest

from architecture.house import Module, Plant, dotted

NETWORK = re.compile(
    r"(^|\.)(httpx2|http_client|storage|s3_client|obstore|redis|smtplib|sentry_sdk|transport|send_merchant_callback)(\.|$)"
)
OPENERS = frozenset({"write", "read", "atomic_transaction", "begin", "begin_nested"})
SESSIONS = frozenset({"WriteSession", "ReadSession", "AnySession", "AsyncSession"})


def stray_commits(module: Module) -> list[str]:
    """A commit outside session.py would end a transaction somebody else has opened."""
    if module.stands_in("jivapay.database.session"):
        return []
    return [
        f"{module.at(node)} {dotted(node)}()"
        for node in module.walk()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "rollback"}
    ]


def broker_calls(module: Module) -> list[str]:
    """A message sent before the commit names a row nobody can see; the outbox is the way."""
    if module.stands_in("jivapay.worker"):
        return []
    return [
        f"{module.at(node)} {dotted(node)}()"
        for node in module.walk()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"delay", "apply_async", "send_task"}
    ]


def network_in_transactions(module: Module) -> list[str]:
    found = {
        f"{module.at(call)} {dotted(call)}()": None
        for node in module.walk()
        if _is_transaction(node)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and NETWORK.search(_reached(call))
    }
    return list(found)


def _is_transaction(node: ast.AST) -> bool:
    """A block that opens one, or a function that is given a session and so runs inside its caller's."""
    if isinstance(node, ast.AsyncWith | ast.With):
        return any(_opens(item) for item in node.items)
    return isinstance(node, ast.AsyncFunctionDef) and _takes_session(node)


def _opens(item: ast.withitem) -> bool:
    return isinstance(item.context_expr, ast.Call) and dotted(item.context_expr).split(".")[-1] in OPENERS


def _takes_session(node: ast.AsyncFunctionDef) -> bool:
    """A function that is given a session runs inside the caller's transaction."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return any(
        SESSIONS & {name.id for name in ast.walk(argument.annotation) if isinstance(name, ast.Name)}
        for argument in arguments
        if argument.annotation is not None
    )


def _reached(call: ast.Call) -> str:
    """What is called, without a leading `self`: `self.storage.put` reaches `storage.put`."""
    return dotted(call).removeprefix("self.")


def test_only_the_session_commits(house: list[Module]) -> None:
    assert [line for module in house for line in stray_commits(module)] == []


def test_only_the_worker_calls_the_broker(house: list[Module]) -> None:
    assert [line for module in house for line in broker_calls(module)] == []


def test_no_network_inside_a_transaction(house: list[Module]) -> None:
    assert [line for module in house for line in network_in_transactions(module)] == []


@pytest.mark.parametrize("code", ["await session.commit()", "session.rollback()", "await self._session.commit()"])
def test_planted_commit(plant: Plant, code: str) -> None:
    module = plant(f"async def f(session, self):\n    {code}\n")
    assert [line.split(" ")[0] for line in stray_commits(module)] == ["jivapay.services.planted:2"]
    assert stray_commits(plant("session.commit()", "jivapay.database.session")) == []


@pytest.mark.parametrize("code", ["task.delay(1)", "tasks.process_order_task.apply_async((1,))", "app.send_task('x')"])
def test_planted_broker_call(plant: Plant, code: str) -> None:
    assert broker_calls(plant(code)) != []
    assert broker_calls(plant(code, "jivapay.worker.relay")) == []


@pytest.mark.parametrize(
    "code",
    [
        "async def f(database, storage):\n    async with database.write():\n        await storage.put('k', b'')",
        "async def f(resources):\n    async with resources.database.read():\n        await resources.storage.get('k')",
        "async def f(session):\n    async with atomic_transaction(session):\n        await http_client.post('x')",
        "async def f(session: WriteSession, http_client):\n    await http_client.get('x')",
        "async def f(session: WriteSession | None):\n    await httpx2.AsyncClient().get('x')",
        "class A:\n    async def f(self, session: ReadSession):\n        await self.storage.put('k', b'')",
    ],
)
def test_planted_network_in_a_transaction(plant: Plant, code: str) -> None:
    assert network_in_transactions(plant(code)) != []


def test_network_between_transactions_is_right(plant: Plant) -> None:
    code = """
async def f(database: object, storage: object) -> list[str]:
    async with database.write() as session:
        await session.flush()
    await storage.put('k', b'')
    async with database.write() as session:
        session.add(1)
"""
    assert network_in_transactions(plant(code)) == []
