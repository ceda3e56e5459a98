"""Every service test may ask for a world of its own."""

from factories.fixtures import own_database_name, own_owner_url, own_resources, world

__all__ = ["own_database_name", "own_owner_url", "own_resources", "world"]
