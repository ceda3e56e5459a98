"""Permissions: the grammar, what a grant matches and covers, and the published catalogue (PRM-01 to PRM-10,
decision 15; the truth table stands in `tests/unit/domain/test_permissions.py`).

`resource:action:scope[:id]`. In a grant `*` stands for one whole segment, as the last segment for one or more;
`{id}` as the fourth stands for the holder's own id. Whatever no grant matches is denied.
"""

import re
from collections.abc import Iterable

from jivapay.schemas_enums.enums import Role

FULL = "*:*:*"
"""Everything; at least one active administrator always holds it."""
OWN_ID = "{id}"
ANY = "*"

GRANT_LENGTH_MAX = 120
GRANTS_MAX = 200
_SEGMENTS = (3, 4)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_ID = re.compile(r"[0-9a-z][0-9a-z-]{0,35}", re.ASCII)

CATALOGUE: dict[str, str] = {
    "profile:read:own": "See one's own profile and sessions",
    "profile:edit:own": "Change one's own password, second factor and sessions",
    "users:read:any": "See every user",
    "users:create:any": "Create users of every role",
    "users:edit:any": "Change users and their profiles",
    "users:block:any": "Block and unblock users",
    "permissions:read:any": "See what others may do",
    "permissions:edit:any": "Grant and take permissions, never more than one's own",
    "commissions:read:any": "See commissions of stores and traders, planned ones and their history",
    "commissions:read:own": "See one's own commissions",
    "commissions:edit:any": "Set commissions of stores and traders, and margins of stores",
    "deposits:read:any": "See deposits",
    "deposits:create:any": "Record a deposit",
    "deposits:decide:any": "Decide on a deposit another person recorded",
    "withdrawals:read:any": "See withdrawals",
    "withdrawals:create:any": "Ask for a withdrawal of the platform's profit",
    "withdrawals:decide:any": "Approve and reject withdrawals",
    "withdrawals:send:any": "Claim withdrawals and say that they were sent",
    "adjustments:read:any": "See manual adjustments",
    "adjustments:create:any": "Ask for a manual adjustment or correction of a balance",
    "adjustments:decide:any": "Decide on an adjustment another person asked for",
    "approvals:read:any": "See what waits for a second person, and what was decided",
    "approvals:decide:any": "Be the second person, for what one may decide oneself",
    "requisites:read:any": "See requisites, masked",
    "requisites:moderate:any": "Approve, reject and block requisites",
    "requisites:reveal:any": "See a requisite's number, with a reason",
    "orders:read:any": "See every order",
    "orders:review:any": "Approve or reject orders that wait for a person",
    "orders:decide:any": "Complete, cancel or fail orders that wait for a person",
    "payouts:decide:any": "Approve or reject payout requests above their amount",
    "disputes:read:any": "See every dispute and its evidence",
    "disputes:open:any": "Open a dispute about any order",
    "disputes:answer:any": "Ask and write in disputes",
    "disputes:resolve:any": "Decide disputes",
    "fraud_list:read:any": "See the block and allow lists",
    "fraud_list:edit:any": "Change the block and allow lists",
    "unmatched:read:any": "See money that belongs to no order, and the orders it may have been for",
    "unmatched:decide:any": "Attach such money to an order, or have it returned",
    "stores:read:any": "See every store",
    "stores:edit:any": "Change every store",
    "traders:read:any": "See every trader",
    "merchants:read:any": "See every merchant",
    "statistics:read:any": "See statistics",
    "platform:read:any": "See the platform's balance and health",
    "statements:read:any": "See the statements of every store and trader",
    "tasks:read:any": "See tasks that failed for good",
    "tasks:requeue:any": "Send failed tasks on their way again",
    "reconciliations:read:any": "See reconciliations",
    "reconciliations:run:any": "Ask for a reconciliation",
    "audit:read:any": "Read the audit log",
    "settings:read:any": "See the business settings",
    "settings:edit:any": "Change the business settings",
    "rates:edit:any": "Set exchange rates",
    "traders:read:team": "See the traders of one's own team",
    "traders:traffic:team": "Switch the traffic of the traders of one's own team",
    "statistics:read:team": "See statistics of one's own team",
    "requisites:read:team": "See requisites of one's own team, masked",
    "orders:read:own": "See one's own orders",
    "orders:create:own": "Make orders in the name of one's own stores",
    "orders:confirm:own": "Confirm one's own orders",
    "orders:cancel:own": "Cancel and dispute one's own orders",
    "disputes:read:own": "See disputes about one's own orders",
    "disputes:open:own": "Dispute one's own orders",
    "disputes:answer:own": "Write in disputes about one's own orders",
    "unmatched:read:own": "See the money one has declared without an order",
    "unmatched:declare:own": "Declare money that belongs to no order",
    "requisites:read:own": "See one's own requisites",
    "requisites:edit:own": "Add and change one's own requisites",
    "work:switch:own": "Begin and end one's own work",
    "callbacks:read:own": "See what one's own stores were told",
    "callbacks:resend:own": "Have a callback of one's own stores sent again",
    "withdrawals:read:own": "See one's own withdrawals and addresses",
    "withdrawals:create:own": "Ask for withdrawals of one's own balance",
    "addresses:edit:own": "Add and remove one's own withdrawal addresses",
    "balances:read:own": "See one's own balances",
    "stores:read:own": "See one's own stores",
    "stores:edit:own": "Create and change one's own stores",
    "api_keys:edit:own": "Issue, rotate and revoke keys of one's own stores",
}
"""Every permission a route may ask for, with what it allows."""

OWN_PROFILE = ("profile:read:own", "profile:edit:own")
"""What everybody who is signed in may do."""

OWN_DISPUTES = ("disputes:read:own", "disputes:open:own", "disputes:answer:own")

ROLE_PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.TRADER: (
        *OWN_PROFILE,
        "orders:read:own",
        "orders:confirm:own",
        "orders:cancel:own",
        *OWN_DISPUTES,
        "unmatched:read:own",
        "unmatched:declare:own",
        "requisites:read:own",
        "requisites:edit:own",
        "work:switch:own",
        "balances:read:own",
        "withdrawals:read:own",
        "withdrawals:create:own",
        "addresses:edit:own",
        "commissions:read:own",
    ),
    Role.MERCHANT: (
        *OWN_PROFILE,
        "orders:read:own",
        "orders:create:own",
        "orders:confirm:own",
        "orders:cancel:own",
        *OWN_DISPUTES,
        "balances:read:own",
        "withdrawals:read:own",
        "withdrawals:create:own",
        "addresses:edit:own",
        "commissions:read:own",
        "callbacks:read:own",
        "callbacks:resend:own",
        "stores:read:own",
        "stores:edit:own",
        "api_keys:edit:own",
    ),
}
"""Traders and merchants are not granted anything by hand: they own what they see."""

PRESETS: dict[Role, dict[str, tuple[str, ...]]] = {
    Role.ADMIN: {
        "full": (FULL,),
        "operations": (
            "users:read:any",
            "requisites:*:any",
            "orders:*:any",
            "disputes:*:any",
            "payouts:*:any",
            "approvals:*:any",
            "unmatched:*:any",
            "fraud_list:*:any",
            "stores:read:any",
            "traders:read:any",
            "merchants:read:any",
            "tasks:*:any",
            "statistics:read:any",
        ),
        "finance": (
            "deposits:*:any",
            "withdrawals:*:any",
            "adjustments:*:any",
            "approvals:*:any",
            "commissions:*:any",
            "rates:edit:any",
            "reconciliations:*:any",
            "platform:read:any",
            "statements:read:any",
            "statistics:read:any",
            "orders:read:any",
        ),
        "people": ("users:*:any", "permissions:*:any"),
    },
    Role.SUPPORT: {
        "orders": (
            "orders:read:any",
            "orders:review:any",
            "disputes:*:any",
            "unmatched:read:any",
            "requisites:read:any",
            "requisites:reveal:any",
            "stores:read:any",
            "traders:read:any",
            "merchants:read:any",
        ),
        "readonly": ("orders:read:any", "disputes:read:any", "requisites:read:any", "statistics:read:any"),
    },
    Role.TEAMLEAD: {
        "team": ("traders:read:team", "traders:traffic:team", "statistics:read:team", "requisites:read:team")
    },
}
"""Ready-made lists for the roles whose permissions are granted by hand."""


def matches(grant: str, wanted: str, *, own_id: str | None = None) -> bool:
    """Does `grant` allow `wanted`, a permission without wildcards? `own_id` is what `{id}` stands for.

    Compares whole segments only; anything malformed matches nothing.
    """
    if not is_grant(grant) or not _is_concrete(wanted):
        return False
    granted, asked = grant.split(":"), wanted.split(":")
    if granted[-1] == ANY:
        head = granted[:-1]
        return len(asked) > len(head) and _all_match(head, asked[: len(head)], own_id)
    return len(granted) == len(asked) and _all_match(granted, asked, own_id)


def allows(grants: Iterable[str], wanted: str, *, own_id: str | None = None) -> bool:
    return any(matches(grant, wanted, own_id=own_id) for grant in grants)


def covers(held: str, given: str) -> bool:
    """Is everything that `given` allows to anybody also allowed by `held`? Decides who may grant what.

    `{id}` means another id for another holder, so only a wildcard covers it.
    """
    if not is_grant(held) or not is_grant(given):
        return False
    mine, yours = held.split(":"), given.split(":")
    if mine[-1] == ANY:
        head = mine[:-1]
        return len(yours) > len(head) and _all_cover(head, yours[: len(head)])
    return yours[-1] != ANY and len(mine) == len(yours) and _all_cover(mine, yours)


def may_grant(held: Iterable[str], given: str) -> bool:
    """Nobody grants what he lacks."""
    return any(covers(grant, given) for grant in tuple(held))


def is_full(grants: Iterable[str]) -> bool:
    return FULL in grants


def is_grant(text: str) -> bool:
    """Well formed: three or four segments, each a lower-case word or `*`; the fourth may be an id or `{id}`."""
    if len(text) > GRANT_LENGTH_MAX:
        return False
    segments = text.split(":")
    if len(segments) not in _SEGMENTS:
        return False
    words_fit = all(part == ANY or _WORD.fullmatch(part) for part in segments[:3])
    return words_fit and all(part in {ANY, OWN_ID} or _ID.fullmatch(part) for part in segments[3:])


def is_useful(grant: str) -> bool:
    """Well formed, and speaks of something in the catalogue (with an id added, of one such thing)."""
    if not is_grant(grant):
        return False
    base = ":".join(grant.split(":")[:3])
    return any(matches(base, known) for known in CATALOGUE)


def _is_concrete(text: str) -> bool:
    return is_grant(text) and ANY not in text.split(":") and OWN_ID not in text


def _all_match(granted: list[str], asked: list[str], own_id: str | None) -> bool:
    return all(
        part in {ANY, value} or (part == OWN_ID and own_id is not None and value == own_id)
        for part, value in zip(granted, asked, strict=True)
    )


def _all_cover(mine: list[str], yours: list[str]) -> bool:
    return all(part == ANY or (part == other and part != OWN_ID) for part, other in zip(mine, yours, strict=True))
