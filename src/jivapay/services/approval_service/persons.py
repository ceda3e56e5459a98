"""Who counts as a second person: nobody with a part in the case, and nobody in the first one's hands (hard case 14).

An administrator could otherwise open an account, or reset a colleague's password, and approve his own request there,
or make the request there and approve it himself.
"""

from collections.abc import Collection, Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, tuple_

from jivapay.database.models.records import AuditLog, StatusHistory
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.exceptions import PermissionDenied
from jivapay.schemas_enums.enums import ActorKind

DEPENDENCE = timedelta(hours=24)
HANDS_ON = ("user.created", "user.password_reset", "user.permissions_changed", "user.unblocked")
"""What puts an account into another person's hands; a password reset takes its second factor, too."""


async def refuse_same_person(session: AnySession, decider: Actor, involved: Collection[int]) -> None:
    """`involved` are the users who requested it or have a part in the case.

    Raises PermissionDenied `approval.same_user` for each of them, and for every account that one of them had his
    hands on within the last 24 hours, or that had its hands on one of theirs, directly or through another account.
    """
    if decider.id in involved:
        raise _same_person()
    if decider.id in await _in_hands_of(session, involved):
        raise _same_person()
    if decider.id is not None and await _in_hands_of(session, [decider.id]) & set(involved):
        raise _same_person()


async def people_behind(session: AnySession, objects: Iterable[tuple[str, int]]) -> list[int]:
    """The users who made a status step of one of `objects` (entity, id): they have a part in its case."""
    found = await session.scalars(
        select(StatusHistory.actor_id)
        .where(
            tuple_(StatusHistory.entity, StatusHistory.entity_id).in_(list(objects)),
            StatusHistory.actor_kind == ActorKind.USER,
        )
        .distinct()
    )
    return sorted(user_id for user_id in found if user_id is not None)


async def _in_hands_of(session: AnySession, users: Collection[int]) -> set[int]:
    of_users = (
        select(AuditLog.entity_id).where(AuditLog.actor_id.in_(users), *_hands_on()).cte("dependents", recursive=True)
    )
    of_dependents = select(AuditLog.entity_id).where(AuditLog.actor_id == of_users.c.entity_id, *_hands_on())
    return {found for found in await session.scalars(select(of_users.union(of_dependents).c.entity_id)) if found}


def _hands_on() -> tuple[ColumnElement[bool], ...]:
    return (
        AuditLog.actor_kind == ActorKind.USER,
        AuditLog.entity == "user",
        AuditLog.action.in_(HANDS_ON),
        AuditLog.at > func.app_now() - DEPENDENCE,
    )


def _same_person() -> PermissionDenied:
    return PermissionDenied("Another person must decide.", code="approval.same_user")
