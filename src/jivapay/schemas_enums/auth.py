"""Signing in, sessions, passwords and second factors, as they travel."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from jivapay.schemas_enums.base import AnswerModel, RequestModel
from jivapay.schemas_enums.people_types import EMAIL_LENGTH_MAX, Otp, PasswordText


class SignInRequest(RequestModel):
    email: Annotated[str, Field(strict=True, max_length=EMAIL_LENGTH_MAX)]
    password: PasswordText
    otp: Otp | None = None


class TokenRead(AnswerModel):
    """`expires_in` seconds are left to the access token."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the type's name is no secret
    expires_in: int


class RefreshRequest(RequestModel):
    refresh_token: Annotated[str, Field(strict=True, max_length=256)]


class StepUpRequest(RequestModel):
    password: PasswordText
    otp: Otp | None = None


class PasswordChange(RequestModel):
    current_password: PasswordText
    new_password: PasswordText
    otp: Otp | None = None


class OtpRequest(RequestModel):
    otp: Otp


class TotpRead(AnswerModel):
    """Shown once; the factor is on after its first code was confirmed."""

    secret: str
    otpauth_uri: str


class UserSessionRead(AnswerModel):
    id: UUID
    created_at: datetime
    last_seen_at: datetime
    ip: str | None
    user_agent: str | None
    current: bool


class UserSessionList(AnswerModel):
    items: list[UserSessionRead]


class MeRead(AnswerModel):
    """Who is signed in, and what he may do."""

    id: UUID
    email: str
    name: str
    role: str
    permissions: list[str]
    has_totp: bool
    must_change_password: bool
    language: str
    time_zone: str
