"""The second factor: begun with a secret, on once a first code has proved that the person has it (decision 16)."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, select

from jivapay.config.crypto import find_totp_step, new_totp_secret, totp_uri
from jivapay.database.models.people import User
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import AuthenticationError, Conflict, NotFound
from jivapay.services import audit_service
from jivapay.utils.resources import Resources


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Shown once; the factor is not on yet."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def totp_context(public_id: UUID) -> str:
    return f"users.totp_secret:{public_id}"


async def begin_totp(session: WriteSession, resources: Resources, actor: Actor) -> Enrolment:
    """A new secret; an earlier one that was never confirmed is forgotten. Raises Conflict `totp.enabled`."""
    user = await _lock_user(session, actor)
    if user.totp_enabled_at is not None:
        raise Conflict("A second factor is on already.", code="totp.enabled")
    secret = new_totp_secret()
    user.totp_secret = resources.cipher.encrypt(secret, totp_context(user.public_id))
    user.totp_last_step = None
    await session.flush()
    return Enrolment(secret, totp_uri(secret, account=user.email))


async def confirm_totp(session: WriteSession, resources: Resources, actor: Actor, otp: str) -> None:
    """Turn it on. Raises Conflict `totp.not_begun` or `totp.enabled`, AuthenticationError `totp.invalid`."""
    user = await _lock_user(session, actor)
    if user.totp_enabled_at is not None:
        raise Conflict("A second factor is on already.", code="totp.enabled")
    if user.totp_secret is None:
        raise Conflict("Begin first.", code="totp.not_begun")
    secret = resources.cipher.decrypt(user.totp_secret, totp_context(user.public_id))
    step = find_totp_step(secret, otp, now=resources.clock.now(), last_step=None)
    if step is None:
        raise AuthenticationError("This code does not fit.", code="totp.invalid")
    user.totp_last_step = step
    user.totp_enabled_at = await session.scalar(select(func.app_now()))
    await session.flush()
    await audit_service.log_event(session, actor, "auth.totp_enabled", entity="user", entity_id=user.id)


async def remove_totp(session: WriteSession, actor: Actor) -> None:
    """Turn it off. Roles that need one may then only enrol again. Raises Conflict `totp.not_enabled`."""
    user = await _lock_user(session, actor)
    if user.totp_enabled_at is None:
        raise Conflict("There is no second factor.", code="totp.not_enabled")
    user.totp_secret = user.totp_enabled_at = user.totp_last_step = None
    await session.flush()
    await audit_service.log_event(session, actor, "auth.totp_removed", entity="user", entity_id=user.id)


async def _lock_user(session: WriteSession, actor: Actor) -> User:
    user = await session.scalar(
        select(User)
        .where(User.id == actor.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if user is None:
        raise NotFound
    return user
