"""The walks together take every transition of the printed tables, and no other (domain/order_states.py)."""

from decimal import Decimal

import pytest

from factories.payouts import payout_world
from jivapay.utils.resources import Resources
from model.coverage import assert_complete, begin_to_count, taken_on
from model.telling import tell
from model.walks import make_stage

pytestmark = pytest.mark.usefixtures("own_invariants_hold")


@pytest.mark.timeout(600)
async def test_every_transition_is_walked(own_resources: Resources, own_owner_url: str) -> None:
    await begin_to_count(own_owner_url)
    world = await payout_world(own_resources, funds=Decimal(100_000))
    await tell(await make_stage(world))
    assert_complete(await taken_on(world.database))
