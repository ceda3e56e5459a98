"""One `Idempotency-Key`, one resource (`docs/adr/`, hard case 25).

What is kept is the resource, not the answer: a replay shows it as it is now. The row is written in the
transaction that creates the resource, so that both exist or neither. A second request with the same key waits
for the first one's end under an advisory lock, then replays.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from jivapay.database.models.records import IdempotencyKey
from jivapay.database.session import WriteSession
from jivapay.exceptions import Conflict, ValidationFailed

KEPT_FOR = timedelta(days=7)
LOCK_NOT_AVAILABLE = "55P03"
Thing = TypeVar("Thing")

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """What a request says about being repeated. `scope` is whose key it is: `store:12`, `user:5`."""

    scope: str
    key: str
    request_hash: bytes
    """Of method, path and body."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The resource the first request made, and the status it was answered with."""

    status: int
    resource_type: str
    resource_id: int


def check_key(key: str) -> str:
    """1 to 255 printable ASCII characters. Raises ValidationFailed `idempotency.key_format`."""
    if not _KEY.fullmatch(key):
        raise ValidationFailed.at("header", "Idempotency-Key", code="idempotency.key_format")
    return key


@dataclass(frozen=True, slots=True)
class Made(Generic[Thing]):
    """What a creating request answers with: made now, or by the first request with the same key."""

    thing: Thing
    replayed: bool = False


async def make_once(
    session: WriteSession,
    claim: IdempotencyClaim | None,
    *,
    resource_type: str,
    make: Callable[[], Awaitable[tuple[int, Thing]]],
    load: Callable[[int], Awaitable[Thing]] | None,
) -> Made[Thing]:
    """`make` (which gives the resource's id and the thing) once for each key, afterwards `load` by that id.

    `load` is None for answers that show a secret once. Raises as `find_replay`.
    """
    if claim is None:
        return Made((await make())[1])
    replay = await find_replay(session, claim)
    if replay is not None and load is not None and replay.resource_type == resource_type:
        return Made(await load(replay.resource_id), replayed=True)
    resource_id, thing = await make()
    await remember(
        session, claim, status=201, resource_type=resource_type, resource_id=resource_id, replayable=load is not None
    )
    return Made(thing)


async def decide_once(
    session: WriteSession,
    claim: IdempotencyClaim | None,
    *,
    decide: Callable[[], Awaitable[tuple[str, int, Thing]]],
    load: Callable[[str, int], Awaitable[Thing]],
) -> Made[Thing]:
    """`decide`, which gives what it came to by type and id, once for each key, afterwards `load` that.

    For a decision that is carried out, or waits for a second person and answers with that. Raises as `find_replay`.
    """
    if claim is None:
        return Made((await decide())[2])
    replay = await find_replay(session, claim)
    if replay is not None:
        return Made(await load(replay.resource_type, replay.resource_id), replayed=True)
    resource_type, resource_id, thing = await decide()
    await remember(session, claim, status=200, resource_type=resource_type, resource_id=resource_id)
    return Made(thing)


async def do_once(
    session: WriteSession,
    claim: IdempotencyClaim | None,
    *,
    resource_type: str,
    resource_id: int,
    do: Callable[[], Awaitable[None]],
) -> bool:
    """`do` something to a thing that exists once for each key; True when it was done before. As `find_replay`."""
    if claim is None:
        await do()
        return False
    if await find_replay(session, claim) is not None:
        return True
    await do()
    await remember(session, claim, status=200, resource_type=resource_type, resource_id=resource_id)
    return False


async def is_done(session: WriteSession, claim: IdempotencyClaim | None) -> bool:
    """Whether the key stands for something already, before work is done outside a transaction. As `find_replay`."""
    return claim is not None and await find_replay(session, claim) is not None


async def find_replay(session: WriteSession, claim: IdempotencyClaim) -> Replay | None:
    """What the key already stands for, or None; then the key is this transaction's until it ends.

    Raises ValidationFailed `idempotency.mismatch`, Conflict `idempotency.not_replayable` or
    `idempotency.in_progress` (the first request did not end within the lock time-out).
    """
    await _wait_for_turn(session, claim)
    found = await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.scope == claim.scope,
            IdempotencyKey.key == claim.key,
            IdempotencyKey.created_at > func.app_now() - KEPT_FOR,
        )
    )
    if found is None:
        return None
    if found.request_hash != claim.request_hash:
        raise ValidationFailed("This key was used for another request.", code="idempotency.mismatch")
    if not found.replayable:
        raise Conflict("The first answer showed a secret and was not kept.", code="idempotency.not_replayable")
    return Replay(found.status, found.resource_type, found.resource_id)


async def remember(
    session: WriteSession,
    claim: IdempotencyClaim,
    *,
    status: int,
    resource_type: str,
    resource_id: int,
    replayable: bool = True,
) -> None:
    """Bind the key to what this transaction creates. `find_replay` must have given None in it.

    `replayable=False` for answers that show a secret once.
    """
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.scope == claim.scope,
            IdempotencyKey.key == claim.key,
            IdempotencyKey.created_at <= func.app_now() - KEPT_FOR,
        )
    )
    await session.execute(
        insert(IdempotencyKey).values(
            scope=claim.scope,
            key=claim.key,
            request_hash=claim.request_hash,
            status=status,
            resource_type=resource_type,
            resource_id=resource_id,
            replayable=replayable,
        )
    )


async def _wait_for_turn(session: WriteSession, claim: IdempotencyClaim) -> None:
    try:
        await session.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"idempotency:{claim.scope}:{claim.key}"},
        )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Conflict(
            "The first request with this key is still running.", code="idempotency.in_progress", retry_after_seconds=1
        ) from error
