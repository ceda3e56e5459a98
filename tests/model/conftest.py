"""The walks have a world of their own; the model makes one for each of its runs."""

from support.invariants import own_invariants_hold

__all__ = ["own_invariants_hold"]
