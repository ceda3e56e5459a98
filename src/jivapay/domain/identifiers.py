"""Public identifiers: UUIDv7, made by the application, so that a name exists before any row does (decision 6)."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new UUIDv7: unguessable enough for a name, ordered by time for the index."""
    return uuid7()
