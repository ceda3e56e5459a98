"""Who may do what: reading, checking and changing granted permissions (PRM-01 to PRM-09).

Administrators, support and team leads hold lists granted by hand; traders and merchants hold what their role
gives and own what they see. Checks read the database on every request, so a change acts at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from jivapay.database.models.people import Admin, Merchant, Support, TeamLead, Trader, User
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.permissions import (
    GRANTS_MAX,
    OWN_PROFILE,
    ROLE_PERMISSIONS,
    allows,
    is_full,
    is_useful,
    may_grant,
)
from jivapay.exceptions import Conflict, PermissionDenied, ValidationFailed
from jivapay.schemas_enums.enums import ActorKind, Role
from jivapay.services import audit_service

GRANTED_BY_HAND: dict[Role, type[Admin | Support | TeamLead]] = {
    Role.ADMIN: Admin,
    Role.SUPPORT: Support,
    Role.TEAMLEAD: TeamLead,
}
_OWNERS: dict[Role, type[Merchant | Trader]] = {Role.MERCHANT: Merchant, Role.TRADER: Trader}


@dataclass(frozen=True, slots=True)
class Profile:
    """A user's profile of his role: its id and everything he may do."""

    id: int
    permissions: tuple[str, ...]


async def find_profile(session: AnySession, user_id: int, role: Role) -> Profile | None:
    """None for a user without the profile of that role: he can do nothing."""
    by_hand = GRANTED_BY_HAND.get(role)
    if by_hand is None:
        owner = _OWNERS[role]
        owner_id = await session.scalar(select(owner.id).where(owner.user_id == user_id))
        return None if owner_id is None else Profile(owner_id, ROLE_PERMISSIONS[role])
    row = (
        await session.execute(select(by_hand.id, by_hand.granted_permissions).where(by_hand.user_id == user_id))
    ).one_or_none()
    return None if row is None else Profile(row[0], (*OWN_PROFILE, *row[1]))


async def get_user_permissions(session: AnySession, user: User) -> list[str]:
    """The list granted by hand; empty for roles that have none."""
    by_hand = GRANTED_BY_HAND.get(Role(user.role))
    if by_hand is None:
        return []
    return list(await session.scalar(select(by_hand.granted_permissions).where(by_hand.user_id == user.id)) or [])


def check_permission(actor: Actor, wanted: str) -> None:
    """Raises PermissionDenied."""
    if not allows(actor.permissions, wanted):
        raise PermissionDenied


def check_specific_or_any_permission(actor: Actor, *wanted: str) -> None:
    """One of `wanted` is enough. Raises PermissionDenied."""
    if not any(allows(actor.permissions, each) for each in wanted):
        raise PermissionDenied


def check_grants(actor: Actor, grants: Sequence[str]) -> None:
    """Raises ValidationFailed `permission.format`, PermissionDenied `permission.escalation`."""
    if len(grants) > GRANTS_MAX or len(set(grants)) != len(grants) or not all(is_useful(grant) for grant in grants):
        raise ValidationFailed.at("body", "permissions", code="permission.format")
    _refuse_escalation(actor, grants)


async def check_may_manage(session: AnySession, actor: Actor, user: User) -> None:
    """Nobody changes a person who may do more than he himself. Raises PermissionDenied `permission.escalation`."""
    _refuse_escalation(actor, await get_user_permissions(session, user))


async def update_user_permissions(session: WriteSession, actor: Actor, user: User, grants: Sequence[str]) -> None:
    """Replace the whole list.

    Raises ValidationFailed, PermissionDenied `permission.escalation`, Conflict `admin.last` or
    `permission.role` for a role whose permissions are not granted by hand.
    """
    by_hand = GRANTED_BY_HAND.get(Role(user.role))
    if by_hand is None:
        raise Conflict("Permissions of this role are not granted by hand.", code="permission.role")
    check_grants(actor, grants)
    await check_may_manage(session, actor, user)
    before = await get_user_permissions(session, user)
    if is_full(before) and not is_full(grants):
        await refuse_last_full_administrator(session, user.id)
    await session.execute(update(by_hand).where(by_hand.user_id == user.id).values(granted_permissions=list(grants)))
    await audit_service.log_event(
        session,
        actor,
        "user.permissions_changed",
        entity="user",
        entity_id=user.id,
        details={"before": before, "after": list(grants)},
    )


async def refuse_last_full_administrator(session: WriteSession, user_id: int) -> None:
    """Raises Conflict `admin.last` when nobody active but `user_id` may do everything.

    Locks every administrator's row, so that two of them cannot remove each other at once.
    """
    await session.execute(select(Admin.id).order_by(Admin.id).with_for_update())
    # A statement of its own: the one that waited for the locks still sees who was active before it waited.
    rows = await session.execute(
        select(Admin.user_id, Admin.granted_permissions).join(User, User.id == Admin.user_id).where(User.is_active)
    )
    others = [other for other, grants in rows if is_full(grants) and other != user_id]
    if not others:
        raise Conflict("The last full administrator cannot be removed.", code="admin.last")


def _refuse_escalation(actor: Actor, grants: Iterable[str]) -> None:
    if actor.kind is ActorKind.SYSTEM:
        return  # the operator himself, at the command line
    if not all(may_grant(actor.permissions, grant) for grant in grants):
        raise PermissionDenied(code="permission.escalation")
