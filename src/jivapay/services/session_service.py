"""Sign-ins as rows: access tokens name one, so that ending it, blocking its user or changing his role acts at
once (decision 16; reliability 4.D). Refresh tokens rotate; one that comes back after its rotation was stolen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update

from jivapay.config.crypto import new_token, token_hash
from jivapay.database.models.people import User, UserSession
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import AuthenticationError
from jivapay.schemas_enums.enums import ActorKind, AuditLevel, Role
from jivapay.services import audit_service

LIFETIME = timedelta(days=7)
"""However often it is refreshed, then the person signs in anew."""
IDLE = timedelta(hours=24)
"""A session that nobody refreshed for so long is over."""
STEP_UP_WINDOW = timedelta(minutes=5)
REFRESH_TOKEN_BYTES = 32
USER_AGENT_LENGTH_MAX = 300


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session and its user, as the database has them now."""

    user_id: int
    user_public_id: UUID
    role: Role
    email: str
    session_id: int
    session_public_id: UUID
    stepped_up: bool
    """He proved himself within the last five minutes."""
    has_totp: bool
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class Started:
    """A new or refreshed session with the token that refreshes it next, shown once."""

    signed_in: SignedIn
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reused:
    """A refresh token came back after its rotation: the session has ended."""


_LIVE = (UserSession.revoked_at.is_(None), UserSession.expires_at > func.app_now(), User.is_active)


async def find_signed_in(
    session: AnySession, session_public_id: UUID, *, user_public_id: UUID, role: Role
) -> SignedIn | None:
    """None when the session has ended, the user is blocked, or his role is another by now."""
    return await _find(
        session,
        UserSession.public_id == session_public_id,
        User.public_id == user_public_id,
        User.role == role,
    )


async def start(session: WriteSession, user_id: int, *, ip: str | None, user_agent: str | None) -> Started:
    """Open a session for a user who has just proved himself. Refused if he was blocked meanwhile."""
    refresh_token = new_token(REFRESH_TOKEN_BYTES)
    row = UserSession(
        public_id=new_id(),
        user_id=user_id,
        refresh_hash=token_hash(refresh_token),
        expires_at=func.app_now() + LIFETIME,
        ip=ip,
        user_agent=(user_agent or "")[:USER_AGENT_LENGTH_MAX] or None,
    )
    session.add(row)
    await session.flush()
    signed_in = await _find(session, UserSession.id == row.id)
    if signed_in is None:
        raise AuthenticationError(code="auth.invalid")
    return Started(signed_in, refresh_token)


async def refresh(session: WriteSession, refresh_token: str, *, role: Role) -> Started | Reused | None:
    """Rotate. None for a token that opens nothing; the caller commits in every case, then refuses."""
    given = token_hash(refresh_token)
    row = await session.scalar(
        select(UserSession)
        .where(or_(UserSession.refresh_hash == given, UserSession.previous_refresh_hash == given))
        .with_for_update(key_share=True)
    )
    if row is None:
        return None
    signed_in = await _find(
        session, UserSession.id == row.id, User.role == role, UserSession.last_seen_at > func.app_now() - IDLE
    )
    if signed_in is None:
        return None
    if row.refresh_hash != given:
        await end(session, row.id)
        actor = Actor(ActorKind.USER, id=row.user_id, role=role)
        await audit_service.log_event(
            session, actor, "auth.refresh_reused", entity="user", entity_id=row.user_id, level=AuditLevel.WARNING
        )
        return Reused()
    renewed = new_token(REFRESH_TOKEN_BYTES)
    await session.execute(
        update(UserSession)
        .where(UserSession.id == row.id)
        .values(refresh_hash=token_hash(renewed), previous_refresh_hash=given, last_seen_at=func.app_now())
    )
    return Started(signed_in, renewed)


async def end(session: WriteSession, session_id: int) -> None:
    await session.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=func.app_now())
    )


async def end_all(session: WriteSession, user_id: int, *, but: int | None = None) -> int:
    """End every live session of a user, `but` one; how many that were."""
    ended = await session.scalars(
        update(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > func.app_now(),
            UserSession.id != (but or 0),
        )
        .values(revoked_at=func.app_now())
        .returning(UserSession.id)
    )
    return len(ended.all())


async def end_by_public_id(session: WriteSession, user_id: int, public_id: UUID) -> bool:
    """End one of a user's own sessions. False when there is no such live one."""
    ended = await session.scalar(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.public_id == public_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=func.app_now())
        .returning(UserSession.id)
    )
    return ended is not None


async def list_sessions(session: AnySession, user_id: int) -> Sequence[UserSession]:
    """A user's live sessions, newest first."""
    statement = (
        select(UserSession)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.user_id == user_id, *_LIVE)
        .order_by(UserSession.id.desc())
    )
    return (await session.scalars(statement)).all()


async def mark_stepped_up(session: WriteSession, session_id: int) -> None:
    await session.execute(update(UserSession).where(UserSession.id == session_id).values(stepped_up_at=func.app_now()))


async def _find(session: AnySession, *conditions: ColumnElement[bool]) -> SignedIn | None:
    statement = (
        select(
            User.id,
            User.public_id,
            User.role,
            User.email,
            UserSession.id,
            UserSession.public_id,
            UserSession.stepped_up_at > func.app_now() - STEP_UP_WINDOW,
            User.totp_enabled_at.is_not(None),
            User.must_change_password,
        )
        .join(User, User.id == UserSession.user_id)
        .where(*_LIVE, *conditions)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    return SignedIn(row[0], row[1], Role(row[2]), row[3], row[4], row[5], bool(row[6]), bool(row[7]), row[8])
