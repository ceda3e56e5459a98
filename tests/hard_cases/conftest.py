"""Each hard case is played in a world of its own; afterwards every invariant holds."""

import pytest

from factories.fixtures import own_database_name, own_owner_url, own_resources, world
from support.invariants import own_invariants_hold

__all__ = ["own_database_name", "own_invariants_hold", "own_owner_url", "own_resources", "world"]


@pytest.fixture(autouse=True)
def _every_invariant(own_invariants_hold: None) -> None:
    """Asked for by every test here."""
