"""The money freeze: a violated invariant of the money kind stops money until a person has looked (decision 21).

It refuses new orders, assignments, completions, deposits; never a payer's confirmation, a receipt, a read or a
sign-in. Deadlines that pass meanwhile are moved when it ends (`order_processor.give_grace`).
"""

import hashlib
from collections.abc import Iterable, Mapping

import orjson
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from jivapay.database.models.records import AcknowledgedViolation, MoneyFreeze
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict, PlatformFrozen
from jivapay.schemas_enums.enums import AuditLevel
from jivapay.services import audit_service

RETRY_AFTER_SECONDS = 60

Row = Mapping[str, str | None]
"""What contradicts an invariant, as text."""


async def is_frozen(session: AnySession) -> bool:
    return bool(await session.scalar(select(select(MoneyFreeze).where(MoneyFreeze.lifted_at.is_(None)).exists())))


async def refuse_when_frozen(session: AnySession) -> None:
    """Raises PlatformFrozen."""
    if await is_frozen(session):
        raise PlatformFrozen(retry_after_seconds=RETRY_AFTER_SECONDS)


async def freeze(session: WriteSession, actor: Actor, *, reason: str, invariant: str | None = None) -> bool:
    """Freeze money. False when it is frozen already."""
    frozen = await session.scalar(
        insert(MoneyFreeze)
        .values(reason=reason, invariant=invariant)
        .on_conflict_do_nothing()
        .returning(MoneyFreeze.id)
    )
    if frozen is None:
        return False
    await audit_service.log_event(
        session,
        actor,
        "platform.frozen",
        entity="money_freeze",
        entity_id=frozen,
        details={"invariant": invariant, "reason": reason},
        level=AuditLevel.CRITICAL,
    )
    return True


async def unfreeze(session: WriteSession, actor: Actor, *, reason: str) -> None:
    """Lift the freeze. Raises Conflict when there is none."""
    lifted = await session.scalar(
        update(MoneyFreeze)
        .where(MoneyFreeze.lifted_at.is_(None))
        .values(lifted_at=func.app_now(), lift_reason=reason, lifted_by=actor.id)
        .returning(MoneyFreeze.id)
    )
    if lifted is None:
        raise Conflict("Money is not frozen.", code="platform.not_frozen")
    await audit_service.log_event(
        session,
        actor,
        "platform.unfrozen",
        entity="money_freeze",
        entity_id=lifted,
        details={"reason": reason},
        level=AuditLevel.WARNING,
    )


async def acknowledge(
    session: WriteSession, actor: Actor, violations: Mapping[str, Iterable[Row]], *, reason: str
) -> int:
    """A person knows these rows of these invariants, and they freeze money no more; gives how many are new."""
    rows = [
        {
            "invariant": invariant,
            "row_hash": row_hash(row),
            "row": dict(row),
            "reason": reason,
            "acknowledged_by": actor.id,
        }
        for invariant, found in violations.items()
        for row in found
    ]
    if not rows:
        return 0
    added = await session.scalars(
        insert(AcknowledgedViolation).on_conflict_do_nothing().returning(AcknowledgedViolation.invariant), rows
    )
    codes = sorted(added.all())
    if codes:
        await audit_service.log_event(
            session,
            actor,
            "platform.violations_acknowledged",
            details={"reason": reason, "rows": {code: codes.count(code) for code in dict.fromkeys(codes)}},
            level=AuditLevel.WARNING,
        )
    return len(codes)


async def list_acknowledged(session: AnySession) -> Mapping[str, frozenset[bytes]]:
    """Invariant → the hashes of its rows that a person knows."""
    known: dict[str, set[bytes]] = {}
    for invariant, digest in await session.execute(
        select(AcknowledgedViolation.invariant, AcknowledgedViolation.row_hash)
    ):
        known.setdefault(invariant, set()).add(digest)
    return {invariant: frozenset(hashes) for invariant, hashes in known.items()}


def row_hash(row: Row) -> bytes:
    """Equal for equal rows, whatever the order of their columns."""
    return hashlib.sha256(orjson.dumps(dict(row), option=orjson.OPT_SORT_KEYS)).digest()
