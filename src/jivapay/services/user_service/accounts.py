"""Making, listing and blocking users. An account without its role's profile cannot exist: both are made at once."""

import secrets
import string
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from jivapay.config.crypto import hash_password
from jivapay.database.models.people import Admin, Merchant, Support, TeamLead, Trader, User
from jivapay.database.session import AnySession, WriteSession, atomic_transaction
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.password_rules import find_password_problem
from jivapay.domain.permissions import FULL, is_full
from jivapay.exceptions import Conflict, NotFound, ValidationFailed
from jivapay.schemas_enums.enums import CurrencyKind, Role
from jivapay.services import (
    audit_service,
    commission_service,
    idempotency,
    permission_service,
    reference_data,
    session_service,
)
from jivapay.services.commission_service import Commission
from jivapay.services.idempotency import IdempotencyClaim, Made

INITIAL_PASSWORD_LENGTH = 20
_UNMISTAKABLE = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))


@dataclass(frozen=True, slots=True)
class NewTrader:
    """What a trader needs beyond an account."""

    fiat_currency: str
    crypto_currency: str
    commission: Commission
    team_lead: UUID | None = None
    traffic_priority: int = 100
    test: bool = False


@dataclass(frozen=True, slots=True)
class NewUser:
    """`password` None: one is made and shown once. Either way it is initial."""

    email: str
    role: Role
    name: str = ""
    password: str | None = field(default=None, repr=False)
    permissions: tuple[str, ...] = ()
    role_description: str = ""
    trader: NewTrader | None = None


@dataclass(frozen=True, slots=True)
class Created:
    user: User
    initial_password: str | None = field(repr=False)
    """Only when it was made here."""


async def create_user(
    session: WriteSession, actor: Actor, new: NewUser, *, must_change_password: bool = True
) -> Created:
    """An account with its profile.

    Raises Conflict `user.email_exists` or `commission.store_below_trader`, ValidationFailed (password,
    permissions, currency, team lead), PermissionDenied `permission.escalation`.
    """
    if (new.trader is not None) != (new.role is Role.TRADER):
        raise ValidationFailed.at("body", "trader", code="validation.inconsistent")
    if new.permissions and new.role not in permission_service.GRANTED_BY_HAND:
        raise ValidationFailed.at("body", "permissions", code="validation.inconsistent")
    permission_service.check_grants(actor, new.permissions)
    password = _initial_password() if new.password is None else new.password
    problem = find_password_problem(password)
    if problem is not None:
        raise ValidationFailed.at("body", "password", code=problem)
    user = User(
        public_id=new_id(),
        email=new.email,
        name=new.name,
        role=new.role,
        password_hash=await hash_password(password),
        must_change_password=must_change_password,
    )
    await _insert_user(session, user)
    await _add_profile(session, actor, user, new)
    details = {"role": new.role, "permissions": list(new.permissions)}
    await audit_service.log_event(session, actor, "user.created", entity="user", entity_id=user.id, details=details)
    return Created(user, password if new.password is None else None)


async def create_user_once(
    session: WriteSession, actor: Actor, new: NewUser, *, claim: IdempotencyClaim | None
) -> Made[Created]:
    """`create_user`, once for each key; an answer that showed a password is not given again."""

    async def make() -> tuple[int, Created]:
        created = await create_user(session, actor, new)
        return created.user.id, created

    async def load(user_id: int) -> Created:
        return Created(await get_user_by_id(session, user_id), None)

    showed_secret = new.password is None
    return await idempotency.make_once(
        session, claim, resource_type="user", make=make, load=None if showed_secret else load
    )


async def create_first_administrator(session: WriteSession, email: str, password: str) -> bool:
    """The administrator of a new platform, who may do everything. False when there is one already."""
    await session.execute(text("select pg_advisory_xact_lock(hashtextextended('first administrator', 0))"))
    if await session.scalar(select(select(Admin).exists())):
        return False
    actor = Actor.system("seed")
    await create_user(session, actor, NewUser(email, Role.ADMIN, password=password, permissions=(FULL,)))
    return True


async def get_user(session: AnySession, public_id: UUID) -> User:
    """Raises NotFound."""
    user = await session.scalar(select(User).where(User.public_id == public_id))
    if user is None:
        raise NotFound
    return user


async def get_user_by_id(session: AnySession, user_id: int) -> User:
    """Raises NotFound."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound
    return user


async def get_all_users_basic(
    session: AnySession, *, role: Role | None = None, search: str | None = None, page: int = 1, page_size: int = 50
) -> tuple[list[User], int]:
    """One page of users, newest first, and how many there are. `search` is a part of e-mail or name."""
    found = select(User)
    if role is not None:
        found = found.where(User.role == role)
    if search:
        found = found.where(
            or_(User.email.icontains(search, autoescape=True), User.name.icontains(search, autoescape=True))
        )
    total = await session.scalar(select(func.count()).select_from(found.subquery()))
    rows = await session.scalars(found.order_by(User.id.desc()).limit(page_size).offset((page - 1) * page_size))
    return list(rows), total or 0


async def block_user(session: WriteSession, actor: Actor, public_id: UUID, *, reason: str) -> User:
    """End his sessions and refuse him, at once. His open orders go on.

    Raises NotFound, Conflict `user.self` or `admin.last`, PermissionDenied `permission.escalation`.
    """
    user = await _get_for_update(session, public_id)
    if user.id == actor.id:
        raise Conflict("Nobody blocks himself.", code="user.self")
    await permission_service.check_may_manage(session, actor, user)
    if is_full(await permission_service.get_user_permissions(session, user)):
        await permission_service.refuse_last_full_administrator(session, user.id)
    await _set_active(session, user, is_active=False)
    await session_service.end_all(session, user.id)
    await audit_service.log_event(
        session, actor, "user.blocked", entity="user", entity_id=user.id, details={"reason": reason}
    )
    return user


async def unblock_user(session: WriteSession, actor: Actor, public_id: UUID, *, reason: str) -> User:
    """Raises NotFound, PermissionDenied, and Conflict when a trader's commission would no longer fit."""
    user = await _get_for_update(session, public_id)
    await permission_service.check_may_manage(session, actor, user)
    trader = await session.scalar(select(Trader).where(Trader.user_id == user.id))
    if trader is not None:
        await commission_service.check_trader(session, trader)
    await _set_active(session, user, is_active=True)
    await audit_service.log_event(
        session, actor, "user.unblocked", entity="user", entity_id=user.id, details={"reason": reason}
    )
    return user


async def reset_password(session: WriteSession, actor: Actor, public_id: UUID) -> Created:
    """A new initial password, shown once; ends his sessions and takes his second factor away.

    Raises NotFound, Conflict `user.self`, PermissionDenied `permission.escalation`.
    """
    user = await _get_for_update(session, public_id)
    if user.id == actor.id:
        raise Conflict("Change your own password yourself.", code="user.self")
    await permission_service.check_may_manage(session, actor, user)
    password = _initial_password()
    user.password_hash = await hash_password(password)
    user.must_change_password = True
    user.totp_secret = user.totp_enabled_at = user.totp_last_step = None
    await session.flush()
    await session_service.end_all(session, user.id)
    await audit_service.log_event(session, actor, "user.password_reset", entity="user", entity_id=user.id)
    return Created(user, password)


async def _insert_user(session: WriteSession, user: User) -> None:
    try:
        async with atomic_transaction(session):
            session.add(user)
            await session.flush()
    except IntegrityError as error:
        if "uq_users_email" not in str(error.orig):
            raise
        raise Conflict("There is a user with this e-mail.", code="user.email_exists") from error


async def _add_profile(session: WriteSession, actor: Actor, user: User, new: NewUser) -> None:
    grants = list(new.permissions)
    if new.trader is not None:
        await _add_trader(session, actor, user, new.trader)
    elif new.role is Role.ADMIN:
        session.add(Admin(user_id=user.id, granted_permissions=grants))
    elif new.role is Role.SUPPORT:
        session.add(Support(user_id=user.id, granted_permissions=grants, role_description=new.role_description))
    elif new.role is Role.TEAMLEAD:
        session.add(TeamLead(user_id=user.id, granted_permissions=grants))
    else:
        session.add(Merchant(user_id=user.id))
    await session.flush()


async def _add_trader(session: WriteSession, actor: Actor, user: User, new: NewTrader) -> None:
    await reference_data.get_currency(session, new.fiat_currency, CurrencyKind.FIAT, loc="fiat_currency")
    await reference_data.get_currency(session, new.crypto_currency, CurrencyKind.CRYPTO, loc="crypto_currency")
    trader = Trader(
        user_id=user.id,
        team_lead_id=await _team_lead_id(session, new.team_lead),
        traffic_priority=new.traffic_priority,
        fiat_currency=new.fiat_currency,
        crypto_currency=new.crypto_currency,
        test=new.test,
    )
    session.add(trader)
    await session.flush()
    await commission_service.set_trader_commission(session, actor, trader, new.commission)


async def _team_lead_id(session: AnySession, public_id: UUID | None) -> int | None:
    if public_id is None:
        return None
    found = await session.scalar(
        select(TeamLead.id).join(User, User.id == TeamLead.user_id).where(User.public_id == public_id)
    )
    if found is None:
        raise ValidationFailed.at("body", "trader", "team_lead", code="team_lead.unknown")
    return found


async def _get_for_update(session: WriteSession, public_id: UUID) -> User:
    user = await session.scalar(
        select(User)
        .where(User.public_id == public_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if user is None:
        raise NotFound
    return user


async def _set_active(session: WriteSession, user: User, *, is_active: bool) -> None:
    await session.execute(update(User).where(User.id == user.id).values(is_active=is_active, updated_at=func.app_now()))
    await session.refresh(user)


def _initial_password() -> str:
    return "".join(secrets.choice(_UNMISTAKABLE) for _ in range(INITIAL_PASSWORD_LENGTH))
