"""Each fact has one writer: statuses `order_status_manager`, the ledger `balance_manager`; no query by accident.

A status assigned anywhere else skips the table of allowed steps, its history, its audit row and its callback. A balance
written anywhere else has no posting behind it. A relationship loaded lazily is a query in a loop nobody wrote.
"""

import ast
import re

import pytest

from architecture.house import Module, Plant, dotted

STATUS_WRITER = "jivapay.services.order_status_manager"
LEDGER_WRITER = "jivapay.services.balance_manager"
STATUS_FIELDS = frozenset({"status"})
WRITES_STATUS = re.compile(r"\bupdate\b.*\bset\b(?:(?!\bwhere\b|\bselect\b).)*\bstatus\s*=", re.IGNORECASE | re.DOTALL)
LEDGER_NAMES = frozenset({"Account", "Transfer", "Posting", "Hold"})
LEDGER_TABLES = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from)\s+(?:accounts|transfers|postings|holds)\b", re.IGNORECASE
)
DATABASE_CODE = (
    "jivapay.services",
    "jivapay.utils",
    "jivapay.worker",
    "jivapay.api_routers",
    "jivapay.web",
    "jivapay.cli",
)


OWN_WRITERS = {
    # Not deals: these have tables of steps and the same trigger behind them, a requisite its moderation.
    "adjustment": "jivapay.services.adjustment_service",
    "approval": "jivapay.services.approval_service",
    "dispute": "jivapay.services.dispute_service",
    "deposit": "jivapay.services.deposit_service",
    "payout": "jivapay.services.payout_service",
    "withdrawal": "jivapay.services.withdrawal_service",
    "requisite": "jivapay.services.requisite_service",
}
NOT_ROWS = {"jivapay.utils.http_client": "the status of an HTTP answer"}


def status_writes(module: Module) -> list[str]:
    """`x.status = …`, `setattr(x, "status", …)`, `.values(status=…)` and raw updates, outside the status manager.

    `self.status` is an object's own field (a response, an exception), not a row's. A hold's ending is the ledger's.
    """
    if not module.stands_in(*DATABASE_CODE) or module.stands_in(STATUS_WRITER, *NOT_ROWS):
        return []
    found = []
    for node in module.walk():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in STATUS_FIELDS:
            row = dotted(node.value).split(".")[-1]
            if dotted(node.value) != "self" and not (row in OWN_WRITERS and module.stands_in(OWN_WRITERS[row])):
                found.append(f"{module.at(node)} {dotted(node)} =")
        elif isinstance(node, ast.Call):
            if not (module.stands_in(LEDGER_WRITER) and re.search(r"\bupdate\(Hold\)", ast.unparse(node.func))):
                found += [f"{module.at(node)} {what}" for what in _writing_call(node)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and WRITES_STATUS.search(node.value):
            found.append(f"{module.at(node)} raw update")
    return found


def _writing_call(node: ast.Call) -> list[str]:
    name = dotted(node).split(".")[-1]
    if name == "setattr" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
        return ["setattr"] if node.args[1].value in STATUS_FIELDS else []
    if name != "values":
        return []
    # An insert says with which status a row is born; only an update changes one.
    if not re.search(r"(^|\.)update(\.|$)", dotted(node)):
        return []
    keys = {keyword.arg for keyword in node.keywords}
    for argument in node.args:
        if isinstance(argument, ast.Dict):
            keys |= {
                key.value if isinstance(key, ast.Constant) else dotted(key).split(".")[-1]
                for key in argument.keys
                if key is not None
            }
    return ["values(status)"] if keys & STATUS_FIELDS else []


def ledger_writes(module: Module) -> list[str]:
    """The import contract sees the models' module; this sees the ways round it: the index of models, and raw SQL."""
    if module.stands_in(LEDGER_WRITER, "jivapay.database"):
        return []
    found = []
    for node in module.walk():
        if isinstance(node, ast.ImportFrom) and node.module == "jivapay.database.db":
            names = {alias.name for alias in node.names}
            if names & (LEDGER_NAMES | {"ledger"}):
                found.append(f"{module.at(node)} import of the ledger")
        elif isinstance(node, ast.Attribute) and re.search(r"(^|\.)db\.ledger(\.|$)", dotted(node)):
            found.append(f"{module.at(node)} {dotted(node)}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and LEDGER_TABLES.search(node.value):
            found.append(f"{module.at(node)} raw statement")
    return found


def lazy_relationships(module: Module) -> list[str]:
    return [
        f"{module.at(node)} relationship without lazy='raise'"
        for node in module.walk()
        if isinstance(node, ast.Call)
        and dotted(node).split(".")[-1] == "relationship"
        and not any(
            keyword.arg == "lazy" and isinstance(keyword.value, ast.Constant) and keyword.value.value == "raise"
            for keyword in node.keywords
        )
    ]


def test_one_writer_of_statuses(house: list[Module]) -> None:
    assert [line for module in house for line in status_writes(module)] == []


def test_one_writer_of_the_ledger(house: list[Module]) -> None:
    assert [line for module in house for line in ledger_writes(module)] == []


def test_no_lazy_loading(house: list[Module]) -> None:
    assert [line for module in house for line in lazy_relationships(module)] == []


@pytest.mark.parametrize(
    "code",
    [
        "order.status = OrderStatus.COMPLETED",
        "incoming.order.status = 'x'",
        "setattr(order, 'status', 'x')",
        "update(Order).where(Order.id == 1).values(status='x')",
        "sa.update(Order).values({Order.status: 'x'})",
        "update(Order).values({'status': 'x', 'version': 2})",
        "text('update orders set version = 2, status = :s where id = 1')",
        "order.status, x = 'x', 1",
    ],
)
def test_planted_status_write(plant: Plant, code: str) -> None:
    assert len(status_writes(plant(code))) == 1
    assert status_writes(plant(code, STATUS_WRITER)) == []


@pytest.mark.parametrize(
    "code",
    [
        "x = order.status",
        "self.status = 404",
        "text('update orders set version = 2 where status = :s')",
        "text('update t set x = (select 1 from o where o.status = 1)')",
        "insert(Order).values(status='pending')",
        "status = order.status",
    ],
)
def test_reading_a_status_is_right(plant: Plant, code: str) -> None:
    assert status_writes(plant(code)) == []


@pytest.mark.parametrize("row", OWN_WRITERS)
def test_what_is_no_deal_has_one_writer_too(plant: Plant, row: str) -> None:
    assert status_writes(plant(f"{row}.status = 'x'", OWN_WRITERS[row])) == []
    assert len(status_writes(plant(f"{row}.status = 'x'"))) == 1
    assert len(status_writes(plant("order.status = 'x'", OWN_WRITERS[row]))) == 1


def test_a_hold_ends_in_the_ledger(plant: Plant) -> None:
    code = "update(Hold).where(Hold.id == 1).values(status='voided')"
    assert status_writes(plant(code, LEDGER_WRITER)) == []
    assert len(status_writes(plant(code))) == 1
    assert len(status_writes(plant(code.replace("Hold", "Order"), LEDGER_WRITER))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "from jivapay.database.db import Posting",
        "from jivapay.database.db import ledger",
        "x = db.ledger.Posting()",
        "text('insert into postings (amount) values (1)')",
        "text('UPDATE accounts SET balance = 0')",
    ],
)
def test_planted_ledger_write(plant: Plant, code: str) -> None:
    assert len(ledger_writes(plant(code))) >= 1
    assert ledger_writes(plant(code, LEDGER_WRITER)) == []


def test_planted_lazy_relationship(plant: Plant) -> None:
    assert len(lazy_relationships(plant("x = relationship('Order')"))) == 1
    assert len(lazy_relationships(plant("x = relationship('Order', lazy='selectin')"))) == 1
    assert lazy_relationships(plant("x = relationship('Order', lazy='raise')")) == []
