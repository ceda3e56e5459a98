"""Trees of hashes against the textbook definition of RFC 6962, and paths that prove their leaf and no other."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jivapay.domain import merkle
from jivapay.domain.merkle import Step

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def textbook(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1: split at the largest power of two below the number of leaves."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + textbook(leaves[:half]) + textbook(leaves[half:])).digest()


@given(LEAVES)
def test_the_root_is_the_textbooks(leaves: list[bytes]) -> None:
    assert merkle.root_of(leaves) == textbook(leaves)


@given(LEAVES, st.data())
def test_a_path_leads_to_the_root_from_its_leaf_only(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle.path_of(leaves, index)
    assert merkle.climb(leaves[index], path) == merkle.root_of(leaves)
    assert merkle.climb(hashlib.sha256(leaves[index]).digest(), path) != merkle.root_of(leaves)
    for at, step in enumerate(path):
        bent = [*path[:at], Step(step.side, hashlib.sha256(step.hash).digest()), *path[at + 1 :]]
        assert merkle.climb(leaves[index], bent) != merkle.root_of(leaves)


def test_no_leaves() -> None:
    assert merkle.root_of([]) == merkle.EMPTY == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("index", [-1, 2])
def test_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.path_of([b"a", b"b"], index)


def test_every_kind_of_hash_is_its_own() -> None:
    """The same bytes as node, link and account hash to different things."""
    left, right = b"\x01" * 32, b"\x02" * 32
    assert len({merkle.node_hash(left, right), merkle.link_hash(left, right), merkle.account_hash("", 0, left)}) == 3
    assert merkle.account_hash("a", 12, left) != merkle.account_hash("a1", 2, left)
