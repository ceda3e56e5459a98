"""The printed tables: complete, without dead ends or ghosts, and the same in code, database and docs."""

from enum import StrEnum
from pathlib import Path

import pytest

from jivapay.domain.order_states import MACHINES, START, is_allowed
from jivapay.schemas_enums.enums import (
    AdjustmentStatus,
    ApprovalStatus,
    CallbackState,
    DepositStatus,
    DisputeStatus,
    IncomingOrderStatus,
    OrderStatus,
    PaymentSessionStatus,
    PayoutStatus,
    UnmatchedStatus,
    WithdrawalStatus,
)

STATUSES: dict[str, type[StrEnum]] = {
    "incoming_order": IncomingOrderStatus,
    "order": OrderStatus,
    "payment_session": PaymentSessionStatus,
    "callback_delivery": CallbackState,
    "deposit": DepositStatus,
    "dispute": DisputeStatus,
    "approval": ApprovalStatus,
    "payout": PayoutStatus,
    "unmatched_payment": UnmatchedStatus,
    "withdrawal": WithdrawalStatus,
    "balance_adjustment": AdjustmentStatus,
}
BORN = {
    "incoming_order": {"new"},
    "order": {"pending"},
    "payment_session": {"active"},
    "callback_delivery": {"pending", "skipped"},
    "deposit": {"requested"},
    "dispute": {"open"},
    "approval": {"requested", "executed"},
    "payout": {"pending"},
    "withdrawal": {"requested"},
    "balance_adjustment": {"requested"},
    "unmatched_payment": {"open"},
}
ENDS = {
    "incoming_order": {"processed", "failed"},
    "order": {"declined", "failed", "reversed"},
    "payment_session": {"completed", "completed_with_issues", "failed"},
    "callback_delivery": set(),
    "deposit": {"posted", "rejected"},
    "withdrawal": {"sent", "rejected", "cancelled"},
    "balance_adjustment": {"posted", "rejected"},
    "dispute": {"resolved_completed", "resolved_adjusted", "resolved_cancelled"},
    "approval": {"executed", "rejected", "lapsed"},
    "payout": {"processed", "cancelled"},
    "unmatched_payment": {"attached", "returned"},
}
REVIVALS = {
    ("incoming_order", "expired"): {"client_payment_confirmed", "processed"},
    ("incoming_order", "cancelled"): {"client_payment_confirmed", "processed"},
    ("order", "expired"): {"pending_trader_confirmation", "completed", "requires_attention"},
    ("order", "cancelled"): {"pending_trader_confirmation", "completed", "requires_attention"},
    ("order", "completed"): {"completed", "reversed"},
    ("payment_session", "expired"): {"confirmed", "completed"},
    ("payment_session", "cancelled"): {"confirmed", "completed"},
}
"""All that may leave a status in which nothing more happens by itself (domain.md, "Status machines")."""

PAY_IN = {
    "pending": {
        "pending_trader_confirmation",
        "completed",
        "cancelled",
        "expired",
        "dispute",
        "requires_attention",
    },
    "pending_trader_confirmation": {"completed", "dispute", "requires_attention", "cancelled"},
    "requires_attention": {"completed", "dispute", "cancelled", "failed"},
    "dispute": {"completed", "cancelled", "failed"},
}
PAY_OUT = {
    "pending": {"in_progress", "declined", "cancelled"},
    "in_progress": {"completed", "requires_attention", "dispute"},
    "requires_attention": {"completed", "failed", "dispute"},
}


def targets(entity: str, status: str, direction: str | None = None) -> set[str]:
    return {
        step.to_status
        for step in MACHINES[entity]
        if step.from_status == status and (direction is None or step.direction in {"both", direction})
    }


def test_every_entity_is_here() -> None:
    assert MACHINES.keys() == STATUSES.keys()


@pytest.mark.parametrize("entity", STATUSES)
def test_every_status_is_known_and_can_be_reached(entity: str) -> None:
    words = {status.value for status in STATUSES[entity]}
    table = MACHINES[entity]
    assert {step.to_status for step in table} == words
    assert {step.from_status for step in table} <= words | {START}
    reached, fresh = set[str](), {START}
    while fresh:
        reached |= fresh
        fresh = {step.to_status for step in table if step.from_status in fresh} - reached
    assert reached - {START} == words


@pytest.mark.parametrize("entity", STATUSES)
def test_everything_is_born_in_its_first_status(entity: str) -> None:
    assert targets(entity, START) == BORN[entity]


@pytest.mark.parametrize("entity", STATUSES)
def test_nothing_leaves_an_end(entity: str) -> None:
    ends = {status.value for status in STATUSES[entity] if not targets(entity, status.value)}
    assert ends == ENDS[entity]


@pytest.mark.parametrize(("entity", "status"), REVIVALS)
def test_only_what_the_domain_names_leaves_a_finished_status(entity: str, status: str) -> None:
    assert targets(entity, status) == REVIVALS[entity, status]


@pytest.mark.parametrize("status", PAY_IN)
def test_pay_in_steps(status: str) -> None:
    assert targets("order", status, "pay_in") == PAY_IN[status]


@pytest.mark.parametrize("status", PAY_OUT)
def test_pay_out_steps(status: str) -> None:
    allowed = targets("order", status, "pay_out")
    assert PAY_OUT[status] <= allowed
    assert not allowed & {"pending_trader_confirmation", "expired"}


@pytest.mark.parametrize("entity", STATUSES)
def test_every_step_says_why_and_who(entity: str) -> None:
    table = MACHINES[entity]
    assert all(step.event and step.who for step in table)
    pairs = [(step.from_status, step.to_status) for step in table]
    assert len(pairs) == len(set(pairs)), "a step is printed twice"


def test_terminal_statuses_of_the_enums_are_those_of_the_tables() -> None:
    for status in OrderStatus:
        if not targets("order", status.value):
            assert status.is_terminal
    assert {status for status in IncomingOrderStatus if status.awaits_requisite} == {
        IncomingOrderStatus.NEW,
        IncomingOrderStatus.RETRYING,
    }
    assert all(status.is_terminal for status in IncomingOrderStatus if not targets("incoming_order", status.value))


def test_is_allowed_reads_the_table() -> None:
    for entity, words in STATUSES.items():
        for source in words:
            for target in words:
                assert is_allowed(entity, source, target) is (target.value in targets(entity, source.value))


def test_the_printed_states_are_current() -> None:
    printed = (Path(__file__).parents[3] / "docs" / "states.md").read_text(encoding="utf-8")
    sections = {part.splitlines()[0]: part for part in printed.split("\n## ")[1:]}
    assert sections.keys() == MACHINES.keys()
    for entity, table in MACHINES.items():
        rows = [line for line in sections[entity].splitlines() if line.startswith("| ")][1:]
        assert len(rows) == len(table)
        for row, step in zip(rows, table, strict=True):
            shown = [cell.strip().strip("`").replace("—", "") for cell in row.strip("|").split("|")]
            assert shown[:4] == [step.from_status, step.to_status, step.event, step.who]
