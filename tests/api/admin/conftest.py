"""Staff meet orders in a world of the test's own."""

from factories.fixtures import own_database_name, own_owner_url, own_resources, world

__all__ = ["own_database_name", "own_owner_url", "own_resources", "world"]
