"""Who counts as a second person: not one whom the first has made, or given the password or rights of (hard case 14).

An administrator could otherwise open an account, or reset a colleague's password, and approve his own request there.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select

from jivapay.database.models.records import AuditLog
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.exceptions import PermissionDenied
from jivapay.schemas_enums.enums import ActorKind

DEPENDENCE = timedelta(hours=24)
HANDS_ON = ("user.created", "user.password_reset", "user.permissions_changed", "user.unblocked")
"""What puts an account into another person's hands; a password reset takes its second factor, too."""


async def refuse_same_person(session: AnySession, decider: Actor, requested_by: int) -> None:
    """Raises PermissionDenied `approval.same_user` for the requester himself and for every account that he had his
    hands on within the last 24 hours, directly or through another such account.
    """
    if decider.id == requested_by or decider.id in await _list_dependents(session, requested_by):
        raise PermissionDenied("Another person must decide.", code="approval.same_user")


async def _list_dependents(session: AnySession, user_id: int) -> set[int]:
    of_requester = (
        select(AuditLog.entity_id).where(AuditLog.actor_id == user_id, *_hands_on()).cte("dependents", recursive=True)
    )
    of_dependents = select(AuditLog.entity_id).where(AuditLog.actor_id == of_requester.c.entity_id, *_hands_on())
    return {found for found in await session.scalars(select(of_requester.union(of_dependents).c.entity_id)) if found}


def _hands_on() -> tuple[ColumnElement[bool], ...]:
    return (
        AuditLog.actor_kind == ActorKind.USER,
        AuditLog.entity == "user",
        AuditLog.action.in_(HANDS_ON),
        AuditLog.at > func.app_now() - DEPENDENCE,
    )
