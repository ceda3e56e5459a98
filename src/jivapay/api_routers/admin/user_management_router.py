"""Users of every role: made, listed, blocked and let back (USR-01 to USR-07)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.common.rendering import read_user
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.users import (
    TraderCreate,
    UserCreate,
    UserCreated,
    UserDetails,
    UserFilter,
    UserRead,
    WithReason,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import permission_service, user_service
from jivapay.services.commission_service import Commission
from jivapay.services.user_service import NewTrader, NewUser
from jivapay.utils.routing import api_router

router = api_router(tags=("admin users",))

Reader = Annotated[Actor, Depends(requires("users:read:any"))]
Creator = Annotated[Actor, Depends(requires("users:create:any", step_up=True))]
Blocker = Annotated[Actor, Depends(requires("users:block:any"))]
Resetter = Annotated[Actor, Depends(requires("users:edit:any", step_up=True))]


@router.get("/users")
async def list_users(actor: Reader, session: ReadDb, query: Annotated[UserFilter, Query()]) -> Page[UserRead]:  # noqa: ARG001 - the guard's answer is not needed
    users, total = await user_service.get_all_users_basic(
        session, role=query.role, search=query.search, page=query.page, page_size=query.page_size
    )
    items = [read_user(user) for user in users]
    return Page(items=items, total=total, page=query.page, page_size=query.page_size)


@router.post("/users", status_code=201)
async def create_user(
    actor: Creator, claim: Claim, session: WriteDb, response: Response, body: UserCreate
) -> UserCreated:
    """The account with the profile of its role; a password made here is shown once."""
    new = NewUser(
        email=body.email,
        role=body.role,
        name=body.name,
        password=body.password,
        permissions=body.permissions,
        role_description=body.role_description,
        trader=_new_trader(body.trader) if body.trader else None,
    )
    made = await user_service.create_user_once(session, actor, new, claim=claim)
    mark_replay(response, replayed=made.replayed)
    return UserCreated(**read_user(made.thing.user).model_dump(), initial_password=made.thing.initial_password)


@router.get("/users/{user_id}")
async def get_user(actor: Reader, session: ReadDb, user_id: UUID) -> UserDetails:  # noqa: ARG001 - the guard's answer is not needed
    user = await user_service.get_user(session, user_id)
    return UserDetails(
        **read_user(user).model_dump(),
        permissions=await permission_service.get_user_permissions(session, user),
        has_totp=user.totp_enabled_at is not None,
    )


@router.post("/users/{user_id}/block")
async def block_user(actor: Blocker, session: WriteDb, user_id: UUID, body: WithReason) -> UserRead:
    """At once: his sessions end."""
    return read_user(await user_service.block_user(session, actor, user_id, reason=body.reason))


@router.post("/users/{user_id}/unblock")
async def unblock_user(actor: Blocker, session: WriteDb, user_id: UUID, body: WithReason) -> UserRead:
    return read_user(await user_service.unblock_user(session, actor, user_id, reason=body.reason))


@router.post("/users/{user_id}/password-reset")
async def reset_password(actor: Resetter, session: WriteDb, user_id: UUID) -> UserCreated:
    """A new initial password, shown once; his sessions end and his second factor is gone."""
    created = await user_service.reset_password(session, actor, user_id)
    return UserCreated(**read_user(created.user).model_dump(), initial_password=created.initial_password)


def _new_trader(body: TraderCreate) -> NewTrader:
    return NewTrader(
        fiat_currency=body.fiat_currency,
        crypto_currency=body.crypto_currency,
        commission=Commission(body.commission.payin, body.commission.payout),
        team_lead=body.team_lead_id,
        traffic_priority=body.traffic_priority,
        test=body.test,
    )
