"""Traders meet orders in a world of the test's own."""

from support.invariants import own_invariants_hold

__all__ = ["own_invariants_hold"]
