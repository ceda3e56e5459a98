"""Every service test may ask for a world of its own, and for every invariant to hold in it afterwards."""

from support.invariants import own_invariants_hold

__all__ = ["own_invariants_hold"]
