"""Signing in, and proving oneself again (AUT-05 to AUT-11; reliability 4.D).

Phased: an attempt is written down before the password is looked at, so that parallel guesses are counted too; the
password is verified without a transaction. Whatever was wrong, the answer is the same. Five attempts that failed
within 15 minutes close the account's door for new sign-ins; sessions that exist go on.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, or_, select, text, update

from jivapay.config.crypto import dummy_verify, find_totp_step, is_totp_reused, verify_password
from jivapay.database.models.people import SignInFailure, User
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import AuthenticationError, LimitExceeded, PermissionDenied
from jivapay.schemas_enums.enums import ActorKind, AuditLevel, Role
from jivapay.services import audit_service, session_service
from jivapay.services.session_service import Reused, Started
from jivapay.services.user_service.factors import totp_context
from jivapay.utils.resources import Resources

FAILURES_MAX = 5
FAILURES_WINDOW = timedelta(minutes=15)
ACCOUNT_LENGTH_MAX = 254


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person shows. `otp` is the second factor's code, when it is on."""

    email: str
    password: str
    otp: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Where the attempt comes from."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


async def authenticate_user(resources: Resources, credentials: Credentials, *, role: Role, caller: Caller) -> User:
    """The user these credentials belong to, through the door of his role.

    Raises AuthenticationError (`auth.invalid`, `auth.otp_required`, `totp.reused`), LimitExceeded, and
    PermissionDenied `auth.blocked` for a blocked user who knows his password.
    """
    account = credentials.email.strip().lower()[:ACCOUNT_LENGTH_MAX]
    async with resources.database.write() as session:
        retry_after = await _open_attempt(session, account, caller.ip)
        user = None if retry_after else await _find_user(session, account, role)
    if retry_after:
        raise LimitExceeded("Too many failed attempts; wait.", retry_after_seconds=retry_after)
    if user is None:
        await dummy_verify(credentials.password)
        await _record_failure(resources, None, role, caller)
        raise _refused()
    fits, renewed_hash = await verify_password(credentials.password, user.password_hash)
    if not fits:
        await _record_failure(resources, user, role, caller)
        raise _refused()
    await _check_second_factor(resources, user, credentials.otp, account, role, caller)
    async with resources.database.write() as session:
        await session.execute(delete(SignInFailure).where(SignInFailure.account == account))
        if renewed_hash is not None:
            await session.execute(
                update(User)
                .where(User.id == user.id, User.password_hash == user.password_hash)
                .values(password_hash=renewed_hash)
            )
    if not user.is_active:
        raise PermissionDenied("This account is blocked.", code="auth.blocked")
    return user


async def sign_in(resources: Resources, credentials: Credentials, *, role: Role, caller: Caller) -> Started:
    """A new session. Raises as `authenticate_user`."""
    user = await authenticate_user(resources, credentials, role=role, caller=caller)
    async with resources.database.write() as session:
        started = await session_service.start(session, user.id, ip=caller.ip, user_agent=caller.user_agent)
        await audit_service.log_event(
            session, _actor(user, role, caller), "auth.signed_in", entity="user", entity_id=user.id
        )
    return started


async def refresh(resources: Resources, refresh_token: str, *, role: Role) -> Started:
    """Rotate a refresh token. One that was used before ends its session; the refusal says no more than that."""
    async with resources.database.write() as session:
        outcome = await session_service.refresh(session, refresh_token, role=role)
    if outcome is None or isinstance(outcome, Reused):
        raise _refused()
    return outcome


async def sign_out(session: WriteSession, actor: Actor) -> None:
    """End the session the actor came with."""
    if actor.session_id is not None:
        await session_service.end(session, actor.session_id)
    await audit_service.log_event(session, actor, "auth.signed_out", entity="user", entity_id=actor.id)


async def step_up(resources: Resources, actor: Actor, *, password: str, otp: str | None) -> None:
    """Prove again that it is he; money operations ask for it within five minutes. Raises as `authenticate_user`."""
    await prove(resources, actor, password=password, otp=otp)
    async with resources.database.write() as session:
        if actor.session_id is not None:
            await session_service.mark_stepped_up(session, actor.session_id)
        await audit_service.log_event(session, actor, "auth.stepped_up", entity="user", entity_id=actor.id)


async def prove(resources: Resources, actor: Actor, *, password: str, otp: str | None) -> User:
    """The signed-in user's own credentials. Raises as `authenticate_user`."""
    if actor.role is None:
        raise AuthenticationError
    async with resources.database.read() as session:
        email = await session.scalar(select(User.email).where(User.id == actor.id))
    credentials = Credentials(email or "", password, otp)
    return await authenticate_user(
        resources, credentials, role=actor.role, caller=Caller(actor.ip, None, actor.request_id)
    )


async def _open_attempt(session: WriteSession, account: str, ip: str | None) -> int | None:
    """Write the attempt down as failed. Seconds to wait instead, when there were too many."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"sign in:{account}"}
    )
    recent = await session.execute(
        select(
            func.count(), func.extract("epoch", func.min(SignInFailure.at) + FAILURES_WINDOW - func.app_now())
        ).where(SignInFailure.account == account, SignInFailure.at > func.app_now() - FAILURES_WINDOW)
    )
    count, seconds_left = recent.one()
    if count >= FAILURES_MAX:
        return max(1, int(seconds_left) + 1)
    session.add(SignInFailure(account=account, ip=ip))
    return None


async def _find_user(session: AnySession, account: str, role: Role) -> User | None:
    return await session.scalar(select(User).where(func.lower(User.email) == account, User.role == role))


async def _check_second_factor(
    resources: Resources, user: User, otp: str | None, account: str, role: Role, caller: Caller
) -> None:
    """Nothing to do without one. A code works once, also when two use it at the same time."""
    if user.totp_enabled_at is None or user.totp_secret is None:
        return
    if not otp:
        await _forget_last_attempt(resources, account)
        raise AuthenticationError("Enter the code of your second factor.", code="auth.otp_required")
    secret = resources.cipher.decrypt(user.totp_secret, totp_context(user.public_id))
    now = resources.clock.now()
    step = find_totp_step(secret, otp, now=now, last_step=user.totp_last_step)
    if step is None:
        await _record_failure(resources, user, role, caller)
        reused = is_totp_reused(secret, otp, now=now, last_step=user.totp_last_step)
        raise AuthenticationError(code="totp.reused") if reused else _refused()
    async with resources.database.write() as session:
        taken = await session.scalar(
            update(User)
            .where(User.id == user.id, or_(User.totp_last_step.is_(None), User.totp_last_step < step))
            .values(totp_last_step=step)
            .returning(User.id)
        )
    if taken is None:
        await _record_failure(resources, user, role, caller)
        raise AuthenticationError(code="totp.reused")


async def _forget_last_attempt(resources: Resources, account: str) -> None:
    """The password was right and only the code is missing: that is how every sign-in with one begins."""
    newest = select(func.max(SignInFailure.id)).where(SignInFailure.account == account).scalar_subquery()
    async with resources.database.write() as session:
        await session.execute(delete(SignInFailure).where(SignInFailure.id == newest))


async def _record_failure(resources: Resources, user: User | None, role: Role, caller: Caller) -> None:
    actor = Actor(ActorKind.USER, role=role, ip=caller.ip, request_id=caller.request_id)
    async with resources.database.write() as session:
        await audit_service.log_event(
            session,
            actor,
            "auth.sign_in_failed",
            entity="user" if user else None,
            entity_id=user.id if user else None,
            level=AuditLevel.WARNING,
        )


def _actor(user: User, role: Role, caller: Caller) -> Actor:
    return Actor(ActorKind.USER, id=user.id, role=role, ip=caller.ip, request_id=caller.request_id)


def _refused() -> AuthenticationError:
    return AuthenticationError("These credentials are not valid.", code="auth.invalid")
