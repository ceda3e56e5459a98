"""A store with money on its balance and pay-outs switched on, and traders who pay out; every invariant afterwards."""

import pytest

from factories.fixtures import own_database_name, own_owner_url, own_resources
from factories.payouts import payout_world
from factories.world import World
from jivapay.utils.resources import Resources
from support.invariants import own_invariants_hold

__all__ = ["own_database_name", "own_invariants_hold", "own_owner_url", "own_resources"]


@pytest.fixture
async def world(own_resources: Resources, own_invariants_hold: None) -> World:
    return await payout_world(own_resources)
