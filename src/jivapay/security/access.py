"""Who is calling, and may he: `Depends(requires("deposits:create:any"))` on every route (AUT-01 to AUT-09).

The bearer token must be made for the role of the path, and the session it names must be alive in the database at
this moment. Authentication reads in a session of its own, closed before the route begins.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.params import Depends as DependsMarker
from fastapi.security import OAuth2PasswordBearer

from jivapay.config.crypto import decode_access_token
from jivapay.config.logger import current_request_id
from jivapay.domain.actors import Actor
from jivapay.domain.permissions import allows
from jivapay.exceptions import AuthenticationError, PermissionDenied
from jivapay.schemas_enums.enums import ActorKind, Role
from jivapay.security.dependencies import get_resources
from jivapay.services import permission_service, session_service
from jivapay.services.session_service import SignedIn
from jivapay.utils.resources import Resources

_ROLE_IN_PATH = re.compile(rf"/api/({'|'.join(Role)})/")


@dataclass(frozen=True, slots=True)
class PermissionGuard:
    """A dependency that returns the Actor, or refuses. Tests find it on every route that is not public."""

    permission: str
    step_up: bool = False
    """The person must have proved himself within the last five minutes."""
    even_if_limited: bool = False
    """Also for sessions that may only enrol a second factor or change an initial password."""

    async def __call__(self, request: Request) -> Actor:
        resources = get_resources(request)
        signed_in, actor = await _authenticate(request, resources)
        request.state.actor = actor
        request.state.stepped_up = signed_in.stepped_up
        await resources.rate_limiter.hit("RATE_LIMIT_USER", f"user:{actor.id}")
        if not self.even_if_limited:
            await refuse_limited(resources, signed_in)
        if not allows(actor.permissions, self.permission):
            raise PermissionDenied
        if self.step_up:
            refuse_without_step_up(request)
        return actor


def requires(permission: str, *, step_up: bool = False, even_if_limited: bool = False) -> PermissionGuard:
    """For `Annotated[Actor, Depends(requires("orders:read:own"))]`."""
    return PermissionGuard(permission, step_up=step_up, even_if_limited=even_if_limited)


def refuse_without_step_up(request: Request) -> None:
    """For a route of which only some changes need a fresh proof. Raises AuthenticationError `auth.step_up_required`."""
    if not request.state.stepped_up:
        raise AuthenticationError("Prove that it is you.", code="auth.step_up_required")


def bearer_scheme(role: Role) -> Any:  # noqa: ANN401 - FastAPI's own marker
    """For a role's router: makes "Authorize" work in its API console. It refuses nothing itself."""
    scheme = OAuth2PasswordBearer(tokenUrl=f"/api/{role}/auth/token", scheme_name=f"{role}_password", auto_error=False)
    return DependsMarker(scheme)


def role_of_path(path: str) -> Role:
    """Whose door this is: the first `/api/{role}/` of a path. A route outside them has no business asking."""
    match = _ROLE_IN_PATH.search(path)
    if match is None:
        raise AssertionError("this path belongs to no role")
    return Role(match[1])


def bearer_token(request: Request) -> str:
    """Raises AuthenticationError `auth.required` unless there is exactly one bearer token in the header."""
    values = request.headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token or token != token.strip():
        raise AuthenticationError
    return token


def client_ip(request: Request) -> str | None:
    """The address the proxies we trust vouch for."""
    return request.client.host if request.client else None


async def refuse_limited(resources: Resources, signed_in: SignedIn) -> None:
    """Raises PermissionDenied: `auth.totp_required` until a second factor is enrolled where the role needs one,
    `auth.password_change_required` while an initial password is in force (in production).
    """
    if signed_in.must_change_password and resources.settings.is_production:
        raise PermissionDenied("Change your initial password first.", code="auth.password_change_required")
    if not signed_in.has_totp and signed_in.role in (await resources.config.current()).totp_required_roles:
        raise PermissionDenied("Enrol a second factor first.", code="auth.totp_required")


async def _authenticate(request: Request, resources: Resources) -> tuple[SignedIn, Actor]:
    role = role_of_path(request.url.path)
    claims = decode_access_token(resources.settings, bearer_token(request), role=role, now=resources.clock.now())
    session_id, user_id = _uuid(claims.session_id), _uuid(claims.subject)
    async with resources.database.read() as session:
        signed_in = await session_service.find_signed_in(session, session_id, user_public_id=user_id, role=role)
        if signed_in is None:
            raise AuthenticationError(code="auth.invalid")
        profile = await permission_service.find_profile(session, signed_in.user_id, role)
    if profile is None:
        raise PermissionDenied
    actor = Actor(
        ActorKind.USER,
        id=signed_in.user_id,
        role=role,
        owner_id=profile.id,
        permissions=profile.permissions,
        ip=client_ip(request),
        request_id=current_request_id(),
        session_id=signed_in.session_id,
    )
    return signed_in, actor


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise AuthenticationError(code="auth.invalid") from None
