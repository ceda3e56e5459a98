"""The walks together take every transition of the printed tables, and no other (domain/order_states.py)."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.payouts import payout_world
from jivapay.domain.order_states import MACHINES
from jivapay.utils.resources import Resources
from model import walks_disputes, walks_money, walks_payouts
from model.walks import WALKS

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

TAKEN = text("select distinct entity, coalesce(from_status, ''), to_status from status_history")
STORIES = [walks_disputes, walks_money, walks_payouts]
"""Imported: what they tell is in WALKS."""
DELIVERIES = "callback_delivery"
"""Its states have attempts for a history; tests/services/callback walks its table."""


@pytest.mark.timeout(600)
async def test_every_transition_is_walked(own_resources: Resources) -> None:
    world = await payout_world(own_resources, funds=Decimal(100_000))
    for story in WALKS:
        await story(world)
    async with world.database.read() as session:
        taken = {tuple(row) for row in await session.execute(TAKEN)}
    printed = {
        (entity, step.from_status, step.to_status)
        for entity, steps in MACHINES.items()
        if entity != DELIVERIES
        for step in steps
    }
    missing = sorted(f"{entity}: {old} -> {new}" for entity, old, new in printed - taken)
    assert not missing, "\n".join(missing)
    assert taken <= printed
