"""The truth table of permissions, and every pair of patterns over a small alphabet against first principles."""

import itertools
import re

import pytest

from jivapay.domain.permissions import (
    CATALOGUE,
    FULL,
    PRESETS,
    ROLE_PERMISSIONS,
    allows,
    covers,
    is_full,
    is_grant,
    is_useful,
    matches,
    may_grant,
)
from jivapay.schemas_enums.enums import Role

OWN = "42"

TRUTH = [
    ("users:edit:trader", "users:edit:trader", True),
    ("users:edit:trader", "users:edit:merchant", False),
    ("users:edit:trader", "users:edit:trader:42", False),
    ("users:edit:trader:42", "users:edit:trader:42", True),
    ("users:edit:trader:42", "users:edit:trader:43", False),
    ("users:edit:trader:42", "users:edit:trader", False),
    ("users:edit:trader:4", "users:edit:trader:42", False),
    ("users:edit:*", "users:edit:trader", True),
    ("users:edit:*", "users:edit:trader:42", True),
    ("users:edit:*", "users:read:trader", False),
    ("users:*:trader", "users:edit:trader", True),
    ("users:*:trader", "users:edit:merchant", False),
    ("users:*:trader", "users:edit:trader:42", False),
    ("*:edit:trader", "users:edit:trader", True),
    ("*:edit:trader", "users:read:trader", False),
    ("*:*:trader", "users:edit:trader", True),
    ("*:*:*", "users:edit:trader", True),
    ("*:*:*", "users:edit:trader:42", True),
    ("*:*:*:*", "users:edit:trader:42", True),
    ("*:*:*:*", "users:edit:trader", False),
    ("users:edit:trader:*", "users:edit:trader:42", True),
    ("users:edit:trader:*", "users:edit:trader", False),
    ("users:edit:trader:{id}", "users:edit:trader:42", True),
    ("users:edit:trader:{id}", "users:edit:trader:43", False),
    ("users:edit:trader:{id}", "users:edit:trader", False),
    ("users:edit:trader:{id}", "users:edit:trader:{id}", False),
]


@pytest.mark.parametrize(("grant", "wanted", "allowed"), TRUTH, ids=str)
def test_truth_table(grant: str, wanted: str, allowed: bool) -> None:
    assert matches(grant, wanted, own_id=OWN) is allowed


MALFORMED = [
    "",
    "*",
    "*:*",
    "**",
    "*:*:*:*:*",
    "users",
    "users:edit",
    "users::trader",
    ":edit:trader",
    "users:edit:",
    "users:edit:trader:",
    "users:edit:trader:1*",
    "users:ed*:trader",
    "users:**:trader",
    "Users:edit:trader",
    "users:EDIT:trader",
    "users:edit:трейдер",
    "users:edit:trader\n",
    "users:edit:trader ",
    " users:edit:trader",
    "users:.*:trader",
    "users:edit:(trader|merchant)",
    "users:{id}:trader",
    "{id}:edit:trader",
    "users:edit:trader:{ID}",
    "users:edit:trader:{id}x",
    "users:edit:trader:42:43",
    "1users:edit:trader",
    "users:edit:" + "x" * 10_240,
]


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: repr(text[:30]))
def test_malformed_matches_nothing(text: str) -> None:
    assert not is_grant(text)
    assert not matches(text, "users:edit:trader", own_id=OWN)
    assert not matches(FULL, text, own_id=OWN)
    assert not covers(text, "users:edit:trader")
    assert not covers(FULL, text)


def test_wanted_with_wildcard_is_never_allowed() -> None:
    assert not matches(FULL, "users:*:trader")
    assert not matches(FULL, "users:edit:*")


def test_own_id_needs_an_owner() -> None:
    assert not matches("users:edit:trader:{id}", "users:edit:trader:42")


LETTERS = ("a", "b")
PATTERNS = [":".join(parts) for length in (3, 4) for parts in itertools.product(("a", "b", "*"), repeat=length)]
WORDS = [":".join(parts) for length in (3, 4) for parts in itertools.product(LETTERS, repeat=length)]


def _by_regex(pattern: str) -> re.Pattern[str]:
    """The grammar once more, said as a regular expression."""
    *head, last = pattern.split(":")
    parts = ["[a-z]+" if part == "*" else part for part in head]
    parts.append("[a-z]+(?::[a-z]+)*" if last == "*" else last)
    return re.compile(":".join(parts))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_against_every_word(pattern: str) -> None:
    said = _by_regex(pattern)
    assert [matches(pattern, word) for word in WORDS] == [said.fullmatch(word) is not None for word in WORDS]


# A third letter stands for every word that neither pattern names.
PROBES = [":".join(parts) for length in (3, 4) for parts in itertools.product(("a", "b", "c"), repeat=length)]


def test_covers_is_inclusion() -> None:
    matched = {pattern: {word for word in PROBES if matches(pattern, word)} for pattern in PATTERNS}
    for held, given in itertools.product(PATTERNS, repeat=2):
        assert covers(held, given) is (matched[given] <= matched[held]), (held, given)


def test_own_id_is_covered_by_wildcard_only() -> None:
    assert covers("users:edit:trader:*", "users:edit:trader:{id}")
    assert covers(FULL, "users:edit:trader:{id}")
    assert not covers("users:edit:trader:{id}", "users:edit:trader:{id}")
    assert not covers("users:edit:trader:{id}", "users:edit:trader:42")


def test_may_grant_only_what_is_held() -> None:
    held = ["users:*:any", "deposits:read:any"]
    assert may_grant(held, "users:create:any")
    assert may_grant(held, "users:*:any")
    assert not may_grant(held, "deposits:*:any")
    assert not may_grant(held, FULL)
    assert not may_grant([], "users:read:any")


def test_nothing_granted_allows_nothing() -> None:
    assert not any(allows([], wanted) for wanted in CATALOGUE)


def test_full_allows_the_whole_catalogue() -> None:
    assert all(allows([FULL], wanted) for wanted in CATALOGUE)
    assert is_full(["users:read:any", FULL])
    assert not is_full(["*:*:any"])


def test_catalogue_is_concrete_and_presets_are_useful() -> None:
    assert all(matches(known, known) for known in CATALOGUE)
    for presets in PRESETS.values():
        assert all(is_useful(grant) for grants in presets.values() for grant in grants)
    assert all(grant in CATALOGUE for grants in ROLE_PERMISSIONS.values() for grant in grants)
    assert set(PRESETS) | set(ROLE_PERMISSIONS) == set(Role)


@pytest.mark.parametrize(
    ("grant", "useful"),
    [
        ("a:*:*:*", False),
        ("users:fly:any", False),
        ("users:edit:any:{id}", True),
        ("users:*:*", True),
        ("*:read:any", True),
        ("*:*:*:*", True),
        ("*", False),
    ],
)
def test_useful_speaks_of_the_catalogue(grant: str, useful: bool) -> None:
    assert is_useful(grant) is useful
