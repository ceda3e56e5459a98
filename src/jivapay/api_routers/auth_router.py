"""Signing in and everything about one's own session, password and second factor; one router for each role.

A user signs in only through the door of his role. `/token` takes the OAuth2 form, `/login` JSON; both are the same.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from jivapay.config.crypto import encode_access_token
from jivapay.config.logger import current_request_id
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.auth import (
    MeRead,
    OtpRequest,
    PasswordChange,
    RefreshRequest,
    SignInRequest,
    StepUpRequest,
    TokenRead,
    TotpRead,
    UserSessionList,
    UserSessionRead,
)
from jivapay.schemas_enums.enums import Role
from jivapay.security.access import bearer_scheme, client_ip, requires, role_of_path
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import session_service, user_service
from jivapay.services.session_service import Started
from jivapay.services.user_service import Caller, Credentials
from jivapay.utils.rate_limits import rate_limited
from jivapay.utils.resources import Resources
from jivapay.utils.routing import api_router

SECONDS = 60

Reader = Annotated[Actor, Depends(requires("profile:read:own", even_if_limited=True))]
Editor = Annotated[Actor, Depends(requires("profile:edit:own", even_if_limited=True))]
EditorProved = Annotated[Actor, Depends(requires("profile:edit:own", even_if_limited=True, step_up=True))]
SlowSignIn = Depends(rate_limited("RATE_LIMIT_LOGIN"))
SlowRefresh = Depends(rate_limited("RATE_LIMIT_REFRESH"))
"""Of its own: whoever renews often must still be able to sign in."""

Text = Annotated[str, Form(max_length=1024)]


def make_auth_router(role: Role) -> APIRouter:
    """The door of `role`: `/api/{role}/auth/…`."""
    router = api_router(f"/api/{role}/auth", tags=(f"{role} auth",), dependencies=[bearer_scheme(role)])
    router.post("/token", response_model=TokenRead, dependencies=[SlowSignIn])(sign_in_with_form)
    router.post("/login", response_model=TokenRead, dependencies=[SlowSignIn])(sign_in)
    router.post("/refresh", response_model=TokenRead, dependencies=[SlowRefresh])(refresh_token)
    router.post("/logout", status_code=204)(sign_out)
    router.get("/me", response_model=MeRead)(get_me)
    router.get("/sessions", response_model=UserSessionList)(list_sessions)
    router.delete("/sessions", status_code=204)(end_other_sessions)
    router.delete("/sessions/{session_id}", status_code=204)(end_session)
    router.post("/password", status_code=204)(change_password)
    router.post("/step-up", status_code=204)(step_up)
    router.post("/totp", response_model=TotpRead)(begin_totp)
    router.post("/totp/confirm", status_code=204)(confirm_totp)
    router.delete("/totp", status_code=204)(remove_totp)
    return router


async def sign_in_with_form(
    request: Request,
    response: Response,
    resources: AppResources,
    username: Text,
    password: Text,
    otp: Annotated[str | None, Form(max_length=16)] = None,
    grant_type: Annotated[str | None, Form(pattern="^password$")] = None,
    scope: Annotated[str, Form(max_length=500)] = "",
    client_id: Annotated[str | None, Form(max_length=200)] = None,
    client_secret: Annotated[str | None, Form(max_length=200)] = None,
) -> TokenRead:
    """The OAuth2 password form, with `otp` when a second factor is on. Grant, scope and client change nothing."""
    del grant_type, scope, client_id, client_secret
    return await _sign_in(request, response, resources, Credentials(username, password, otp))


async def sign_in(request: Request, response: Response, resources: AppResources, body: SignInRequest) -> TokenRead:
    return await _sign_in(request, response, resources, Credentials(body.email, body.password, body.otp))


async def refresh_token(
    request: Request, response: Response, resources: AppResources, body: RefreshRequest
) -> TokenRead:
    """A new pair; the refresh token that was given is used up. Given again, it ends the session."""
    started = await user_service.refresh(resources, body.refresh_token, role=role_of_path(request.url.path))
    return _token(response, resources, started)


async def sign_out(actor: Editor, session: WriteDb) -> None:
    await user_service.sign_out(session, actor)


async def get_me(actor: Reader, session: ReadDb) -> MeRead:
    user = await user_service.get_user_by_id(session, actor.id or 0)
    return MeRead(
        id=user.public_id,
        email=user.email,
        name=user.name,
        role=user.role,
        permissions=list(actor.permissions),
        has_totp=user.totp_enabled_at is not None,
        must_change_password=user.must_change_password,
        language=user.language,
        time_zone=user.time_zone,
    )


async def list_sessions(actor: Reader, session: ReadDb) -> UserSessionList:
    rows = await session_service.list_sessions(session, actor.id or 0)
    return UserSessionList(
        items=[
            UserSessionRead(
                id=row.public_id,
                created_at=row.created_at,
                last_seen_at=row.last_seen_at,
                ip=row.ip,
                user_agent=row.user_agent,
                current=row.id == actor.session_id,
            )
            for row in rows
        ]
    )


async def end_other_sessions(actor: Editor, session: WriteDb) -> None:
    """All but the one this request came with."""
    await session_service.end_all(session, actor.id or 0, but=actor.session_id)


async def end_session(actor: Editor, session: WriteDb, session_id: UUID) -> None:
    if not await session_service.end_by_public_id(session, actor.id or 0, session_id):
        raise NotFound


async def change_password(actor: Editor, resources: AppResources, body: PasswordChange) -> None:
    """Ends every other session."""
    await user_service.change_password(
        resources, actor, current=body.current_password, new=body.new_password, otp=body.otp
    )


async def step_up(actor: Editor, resources: AppResources, body: StepUpRequest) -> None:
    """Prove again that it is you; good for five minutes, as a sign-in is."""
    await user_service.step_up(resources, actor, password=body.password, otp=body.otp)


async def begin_totp(actor: EditorProved, session: WriteDb, resources: AppResources, response: Response) -> TotpRead:
    response.headers["Cache-Control"] = "no-store"
    enrolment = await user_service.begin_totp(session, resources, actor)
    return TotpRead(secret=enrolment.secret, otpauth_uri=enrolment.uri)


async def confirm_totp(actor: Editor, session: WriteDb, resources: AppResources, body: OtpRequest) -> None:
    await user_service.confirm_totp(session, resources, actor, body.otp)


async def remove_totp(actor: EditorProved, session: WriteDb) -> None:
    await user_service.remove_totp(session, actor)


async def _sign_in(request: Request, response: Response, resources: Resources, credentials: Credentials) -> TokenRead:
    caller = Caller(client_ip(request), request.headers.get("user-agent"), current_request_id())
    role = role_of_path(request.url.path)
    return _token(response, resources, await user_service.sign_in(resources, credentials, role=role, caller=caller))


def _token(response: Response, resources: Resources, started: Started) -> TokenRead:
    response.headers["Cache-Control"] = "no-store"
    signed_in = started.signed_in
    access_token = encode_access_token(
        resources.settings,
        role=signed_in.role,
        subject=str(signed_in.user_public_id),
        session_id=str(signed_in.session_public_id),
        now=resources.clock.now(),
    )
    return TokenRead(
        access_token=access_token,
        refresh_token=started.refresh_token,
        expires_in=resources.settings.access_token_expire_minutes * SECONDS,
    )
