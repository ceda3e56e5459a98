"""The walks have a world of their own; the model makes one for each of its runs."""

from factories.fixtures import own_database_name, own_owner_url, own_resources, world
from support.invariants import own_invariants_hold

__all__ = ["own_database_name", "own_invariants_hold", "own_owner_url", "own_resources", "world"]
