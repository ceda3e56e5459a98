"""Trees of hashes, as in RFC 6962: a root stands for all its leaves, a path of siblings proves that one is among them.

Every kind of hash begins with a byte of its own, so that none can be passed off as another: 0 a leaf, 1 a node,
2 a link of a chain, 3 an account's day. The formats are public (`docs/proofs.md`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

EMPTY = hashlib.sha256(b"").digest()
"""The root of no leaves."""

Side = Literal["left", "right"]


class Step(NamedTuple):
    """A sibling on the way to the root, and on which side of us it stands."""

    side: Side
    hash: bytes


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def link_hash(previous: bytes, leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x02" + previous + leaf).digest()


def account_hash(account: str, postings: int, root: bytes) -> bytes:
    """What a day's tree holds of one account: its name, how many postings it had and their root."""
    name, count = account.encode(), str(postings).encode()
    return hashlib.sha256(b"\x03%d:%s%d:%s" % (len(name), name, len(count), count) + root).digest()


class Root:
    """The root of leaves given one after another, in memory that grows with the logarithm of their number."""

    def __init__(self) -> None:
        self.count = 0
        self._peaks: list[tuple[int, bytes]] = []
        """Complete trees from left to right, each with its height; heights fall."""

    def add(self, leaf: bytes) -> None:
        self.count += 1
        height, current = 0, leaf
        while self._peaks and self._peaks[-1][0] == height:
            current = node_hash(self._peaks.pop()[1], current)
            height += 1
        self._peaks.append((height, current))

    def value(self) -> bytes:
        if not self._peaks:
            return EMPTY
        current = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            current = node_hash(peak, current)
        return current


def root_of(leaves: Iterable[bytes]) -> bytes:
    root = Root()
    for leaf in leaves:
        root.add(leaf)
    return root.value()


def path_of(leaves: Sequence[bytes], index: int) -> list[Step]:
    """The siblings of one leaf from the bottom up. Raises IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    path, level = [], list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(Step("right" if sibling > index else "left", level[sibling]))
        # A last one without a sibling goes up as it is.
        level = [
            node_hash(level[at], level[at + 1]) if at + 1 < len(level) else level[at] for at in range(0, len(level), 2)
        ]
        index //= 2
    return path


def climb(leaf: bytes, path: Iterable[Step]) -> bytes:
    """The root that a leaf and its siblings lead to."""
    current = leaf
    for side, sibling in path:
        current = node_hash(current, sibling) if side == "right" else node_hash(sibling, current)
    return current
