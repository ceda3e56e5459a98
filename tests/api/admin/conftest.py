"""Staff meet orders in a world of the test's own."""

from factories.fixtures import own_database_name, own_owner_url, own_resources, world
from support.invariants import own_invariants_hold

__all__ = ["own_database_name", "own_invariants_hold", "own_owner_url", "own_resources", "world"]
