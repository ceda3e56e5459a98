"""Showing staff a requisite's whole number: with a reason, and not twenty-one times an hour (hard case 29).

Whoever has seen `REVEALS_MAX` within an hour sees no more, an alarm is raised, and another person must let him go on.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text

from jivapay.database.models.people import User
from jivapay.database.models.records import AuditLog
from jivapay.database.models.requisites import Requisite
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound, PermissionDenied
from jivapay.schemas_enums.enums import ActorKind, AuditLevel
from jivapay.services import approval_service, audit_service
from jivapay.services.requisite_service.views import get_view, number_context
from jivapay.utils.notifications import report_critical_error
from jivapay.utils.resources import Resources

REVEALS_MAX = 20
WINDOW = timedelta(hours=1)
REVEALED, ALLOWED = "requisite.revealed", "requisite.reveals_allowed"


@dataclass(frozen=True, slots=True)
class Revealed:
    number: str = field(repr=False)
    holder: str = field(repr=False)


async def reveal_requisite(resources: Resources, actor: Actor, public_id: UUID, reason: str) -> Revealed:
    """A phased door: what refuses it must be written down all the same.

    Raises NotFound, PermissionDenied `requisite.reveal_limit`.
    """
    async with resources.database.write() as session:
        await session.execute(
            text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"reveals:{actor.id}"}
        )
        view = await get_view(session, resources.cipher, Requisite.public_id == public_id)
        is_refused = await _count_reveals(session, actor) >= REVEALS_MAX
        await audit_service.log_event(
            session,
            actor,
            "requisite.reveal_refused" if is_refused else REVEALED,
            entity="requisite",
            entity_id=view.requisite.id,
            details={"reason": reason},
            level=AuditLevel.CRITICAL if is_refused else AuditLevel.WARNING,
        )
    if is_refused:
        refusal = PermissionDenied(
            "Too many numbers within an hour; another person must let you go on.", code="requisite.reveal_limit"
        )
        report_critical_error(refusal, "somebody looks at many numbers", user=actor.id)
        raise refusal
    number = resources.cipher.decrypt(view.requisite.number, number_context(view.requisite.public_id))
    return Revealed(number, view.holder)


async def allow_reveals(session: WriteSession, actor: Actor, user_id: UUID, reason: str) -> None:
    """Let a colleague go on: his hour begins anew. Raises NotFound, PermissionDenied `approval.same_user`."""
    user = await session.scalar(select(User).where(User.public_id == user_id))
    if user is None:
        raise NotFound
    await approval_service.refuse_same_person(session, actor, [user.id])
    await audit_service.log_event(
        session, actor, ALLOWED, entity="user", entity_id=user.id, details={"reason": reason}, level=AuditLevel.WARNING
    )


async def _count_reveals(session: AnySession, actor: Actor) -> int:
    """Within the hour, since somebody last let him go on."""
    allowed = select(func.coalesce(func.max(AuditLog.id), 0)).where(
        AuditLog.entity == "user", AuditLog.entity_id == actor.id, AuditLog.action == ALLOWED
    )
    seen = select(func.count()).where(
        AuditLog.actor_kind == ActorKind.USER,
        AuditLog.actor_id == actor.id,
        AuditLog.action == REVEALED,
        AuditLog.at > func.app_now() - WINDOW,
        AuditLog.id > allowed.scalar_subquery(),
    )
    return await session.scalar(seen) or 0
