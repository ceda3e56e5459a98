"""Nothing is stuck in silence: every status in which somebody waits has a due time, a janitor and an alarm."""

import pytest

from jivapay.database.ageing import AGEING, RESTING, Waiting
from jivapay.database.invariants import INVARIANTS
from jivapay.domain.order_states import MACHINES


@pytest.mark.parametrize("entity", MACHINES)
def test_every_status_is_over_resting_or_watched(entity: str) -> None:
    steps = MACHINES[entity]
    left = {str(step.from_status) for step in steps if step.from_status}
    watched = [str(status) for one in AGEING if one.thing == entity for status in one.statuses]
    resting = {str(status) for status in RESTING.get(entity, ())}
    assert sorted(watched) == sorted(set(watched)), "a status stands twice"
    assert set(watched) | resting == left, "say in database/ageing.py who moves it on and when"
    assert set(watched) & resting == set()


@pytest.mark.parametrize("entry", AGEING, ids=lambda one: " ".join([one.thing, *one.statuses]))
def test_every_entry_has_a_janitor_and_an_alarm(entry: Waiting) -> None:
    assert entry.due
    assert entry.janitor
    assert set(entry.watched_by) <= {invariant.code for invariant in INVARIANTS}
    assert entry.watched_by or entry.overdue


def test_entries_name_machines_that_exist() -> None:
    assert {one.thing for one in AGEING if one.statuses} <= set(MACHINES)
    assert set(RESTING) <= set(MACHINES)
