"""The audit log: who did what to which thing, written in the transaction that did it (AUD-01 to AUD-07).

Rows are only inserted, never chained here: one leader chains the committed ones afterwards, so that the
chain serialises nobody (`docs/adr/`; hard case 23). Details hold ids, states and names of fields, never values
that a reader of the log must not see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select

from jivapay.database.models.records import AuditLog
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import AuditLevel


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One fact about one thing. `version` names the status step it belongs to, when it is about one."""

    action: str
    entity: str | None = None
    entity_id: int | None = None
    version: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    level: AuditLevel = AuditLevel.INFO


async def log_event(
    session: WriteSession,
    actor: Actor,
    action: str,
    *,
    entity: str | None = None,
    entity_id: int | None = None,
    version: int | None = None,
    details: Mapping[str, Any] | None = None,
    level: AuditLevel = AuditLevel.INFO,
) -> None:
    """Write one row in the caller's transaction: it is there if and only if the deed is."""
    event = AuditEvent(action, entity, entity_id, version, details or {}, level)
    await log_events(session, actor, [event])


async def log_events(session: WriteSession, actor: Actor, events: Sequence[AuditEvent]) -> None:
    """Write several rows in one statement."""
    if events:
        await session.execute(insert(AuditLog), [_row(actor, event) for event in events])


async def get_critical_system_errors(session: AnySession, *, limit: int = 50) -> Sequence[AuditLog]:
    """The newest rows of level ERROR and CRITICAL, newest first."""
    statement = (
        select(AuditLog)
        .where(AuditLog.level.in_([AuditLevel.ERROR, AuditLevel.CRITICAL]))
        .order_by(AuditLog.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


def _row(actor: Actor, event: AuditEvent) -> dict[str, Any]:
    details = dict(event.details)
    if actor.name:
        details.setdefault("by", actor.name)
    return {
        "level": event.level,
        "action": event.action,
        "entity": event.entity,
        "entity_id": event.entity_id,
        "version": event.version,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor_role": actor.role,
        "ip": actor.ip,
        "request_id": actor.request_id,
        "details": details,
    }
