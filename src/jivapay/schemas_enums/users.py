"""Users with the profile of their role, and permissions, as they travel."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from jivapay.schemas_enums.base import (
    AnswerModel,
    Code,
    Flag,
    PageQuery,
    Reason,
    RequestModel,
    Text,
    Timestamp,
    WholeNumber,
)
from jivapay.schemas_enums.enums import Direction, Role
from jivapay.schemas_enums.people_types import Email, PasswordText, Percent, PercentText

PERMISSION_LENGTH_MAX = 200
PERMISSIONS_MAX = 200
PRIORITY_MAX = 1_000_000

PersonName = Annotated[str, Text(120, length_min=0)]
Permissions = Annotated[tuple[Annotated[str, Field(strict=True)], ...], Field(max_length=10_000)]
"""What may stand in it is decided by the grammar (`permission.format`)."""


class CommissionWrite(RequestModel):
    """Percentages of the crypto amount."""

    payin: Percent
    payout: Percent


class CommissionRead(AnswerModel):
    payin: PercentText
    payout: PercentText


class CommissionChangeWrite(CommissionWrite):
    """Of the default, or of one payment method; at once, or from a moment in the future on."""

    payment_method: Code | None = None
    effective_from: Timestamp | None = None
    reason: Reason = "changed"


class CommissionMethodEnd(RequestModel):
    reason: Reason


class CommissionTermRead(AnswerModel):
    direction: Direction
    payment_method: str | None
    """Null for the default, which holds for every method that has nothing of its own."""
    percent: PercentText | None
    """Null when the method will follow the default again."""
    effective_from: datetime


class CommissionTermsRead(AnswerModel):
    in_force: list[CommissionTermRead]
    planned: list[CommissionTermRead]


class CommissionChangeRead(CommissionTermRead):
    """`percent_before` is what the same thing would have been at that moment."""

    id: UUID
    percent_before: PercentText | None
    set_by: UUID | None
    """Null for the operator at the command line, and for those whose commissions they are."""
    reason: str
    created_at: datetime


class TraderCreate(RequestModel):
    fiat_currency: Code = "RUB"
    crypto_currency: Code = "USDT"
    commission: CommissionWrite
    team_lead_id: UUID | None = None
    """The team lead's user id."""
    traffic_priority: Annotated[WholeNumber, Field(ge=0, le=PRIORITY_MAX)] = 100
    test: Flag = False


class UserCreate(RequestModel):
    """`trader` is required for a trader and refused for all others; `permissions` are for staff only."""

    email: Email
    role: Role
    name: PersonName = ""
    password: PasswordText | None = None
    """Initial either way; made and shown once when left out."""
    permissions: Permissions = ()
    role_description: Annotated[str, Text(500, length_min=0)] = ""
    trader: TraderCreate | None = None


class UserRead(AnswerModel):
    id: UUID
    email: str
    name: str
    role: Role
    is_active: bool
    created_at: datetime


class UserDetails(UserRead):
    permissions: list[str]
    has_totp: bool


class UserCreated(UserRead):
    """`initial_password` is shown once, when it was made here."""

    initial_password: str | None = None


class UserFilter(PageQuery):
    role: Role | None = None
    search: Annotated[str, Text(120)] | None = None


class WithReason(RequestModel):
    reason: Reason


class PermissionsWrite(RequestModel):
    permissions: Permissions


class PermissionsRead(AnswerModel):
    permissions: list[str]


class PermissionEntry(AnswerModel):
    permission: str
    description: str


class PermissionCatalogue(AnswerModel):
    """Every permission there is, and ready-made lists by role."""

    items: list[PermissionEntry]
    presets: dict[str, dict[str, list[str]]]


class TraderCommissionRead(AnswerModel):
    trader_id: UUID
    commission: CommissionRead
