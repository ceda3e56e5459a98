"""A store with money on its balance and pay-outs switched on, and traders who pay out; every invariant afterwards."""

import pytest

from factories.fixtures import Recipe
from factories.payouts import payout_world
from support.invariants import own_invariants_hold

__all__ = ["own_invariants_hold"]


@pytest.fixture
def own_recipe() -> Recipe:
    return Recipe(payout_world)


@pytest.fixture(autouse=True)
def _every_invariant(own_invariants_hold: None) -> None:
    """After each test."""
