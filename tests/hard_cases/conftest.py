"""Each hard case is played in a world of its own; afterwards every invariant holds."""

import pytest

from support.invariants import own_invariants_hold

__all__ = ["own_invariants_hold"]


@pytest.fixture(autouse=True)
def _every_invariant(own_invariants_hold: None) -> None:
    """Asked for by every test here."""
