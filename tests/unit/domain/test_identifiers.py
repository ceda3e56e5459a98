"""Public ids: UUIDv7, so that they are unique, hard to guess and ordered by time."""

from uuid import UUID

from jivapay.domain.identifiers import new_id


def test_ids_are_uuid7_and_all_different() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert {made.version for made in ids} == {7}
    assert len(set(ids)) == len(ids)


def test_ids_are_ordered_by_time_and_survive_text() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert [UUID(str(made)) for made in ids] == ids
