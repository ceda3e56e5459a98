"""Stores, their keys and balances, as they travel."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from jivapay.schemas_enums.base import AnswerModel, Code, Flag, Name, Reason, RequestModel, Text, Timestamp, WholeNumber
from jivapay.schemas_enums.enums import AmountPolicy
from jivapay.schemas_enums.money import AmountText
from jivapay.schemas_enums.people_types import AmountPercent, LimitAmount, Percent, PercentText
from jivapay.schemas_enums.users import CommissionRead, CommissionWrite

TTL_MIN, TTL_MAX = 5, 3600
HOSTS_MAX = 20
NETWORKS_MAX = 50
OVERLAP_SECONDS_MAX = 30 * 86_400

UrlText = Annotated[str, Text(2048)]
Host = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9.-]{1,253}(:[1-9][0-9]{0,4})?$")]
Network = Annotated[str, Field(strict=True, max_length=50)]
Scope = Literal["payin", "payout", "read", "payouts"]
Ttl = Annotated[WholeNumber, Field(ge=TTL_MIN, le=TTL_MAX)]


class StoreCreate(RequestModel):
    name: Name
    fiat_currency: Code = "RUB"
    crypto_currency: Code = "USDT"
    lower_limit: LimitAmount
    upper_limit: LimitAmount
    callback_url: UrlText | None = None
    pay_in_enabled: Flag = True
    pay_out_enabled: Flag = False
    gateway_require_customer_id_param: Flag = False
    gateway_require_amount_param: Flag = False
    require_signed_requests: Flag = False
    receipt_required: Flag = False
    return_hosts: Annotated[tuple[Host, ...], Field(max_length=HOSTS_MAX)] = ()
    processing_ttl_seconds: Ttl | None = None
    support_url: UrlText | None = None
    amount_policy: AmountPolicy = AmountPolicy.ALWAYS_ASK
    """What happens when both sides state another amount than agreed."""
    amount_percent: AmountPercent = Decimal(0)
    """How far it may be off under `accept_within_percent`."""
    test: Flag = False
    """Never changes afterwards."""


class StorePatch(RequestModel):
    """What is left out stays; null clears what may be unset."""

    name: Name | None = None
    lower_limit: LimitAmount | None = None
    upper_limit: LimitAmount | None = None
    callback_url: UrlText | None = None
    pay_in_enabled: Flag | None = None
    pay_out_enabled: Flag | None = None
    gateway_require_customer_id_param: Flag | None = None
    gateway_require_amount_param: Flag | None = None
    require_signed_requests: Flag | None = None
    receipt_required: Flag | None = None
    return_hosts: Annotated[tuple[Host, ...], Field(max_length=HOSTS_MAX)] | None = None
    processing_ttl_seconds: Ttl | None = None
    support_url: UrlText | None = None
    amount_policy: AmountPolicy | None = None
    amount_percent: AmountPercent | None = None

    @model_validator(mode="after")
    def _null_only_where_it_means_something(self) -> "StorePatch":
        for name in self.model_fields_set - {"callback_url", "processing_ttl_seconds", "support_url"}:
            if getattr(self, name) is None:
                raise PydanticCustomError("validation.type", "a field must not be null")
        return self


class StoreAccessWrite(RequestModel):
    """Whether its keys work, and whether it takes new orders."""

    access: Flag
    traffic_access: Flag
    reason: Reason


class StoreRead(AnswerModel):
    id: UUID
    name: str
    fiat_currency: str
    crypto_currency: str
    lower_limit: AmountText
    upper_limit: AmountText
    callback_url: str | None
    pay_in_enabled: bool
    pay_out_enabled: bool
    access: bool
    traffic_access: bool
    gateway_require_customer_id_param: bool
    gateway_require_amount_param: bool
    require_signed_requests: bool
    receipt_required: bool
    return_hosts: list[str]
    processing_ttl_seconds: int | None
    support_url: str | None
    amount_policy: AmountPolicy
    amount_percent: PercentText
    test: bool
    commission: CommissionRead | None
    """Null until an administrator has set it; the store takes no orders before."""
    rate_margin_percent: PercentText
    created_at: datetime


class StoreCreated(StoreRead):
    callback_secret: str
    """Shown once."""


class CallbackSecretRead(AnswerModel):
    callback_secret: str
    """Shown once."""


class CallbackSecretRotate(RequestModel):
    keep_previous: Flag = True
    """Sign with both until the next rotation."""


class StoreTermsWrite(RequestModel):
    """What the platform takes: set by administrators."""

    commission: CommissionWrite
    rate_margin_percent: Percent | None = None
    """The whole store's; changes at once, so it comes without method and moment."""
    payment_method: Code | None = None
    effective_from: Timestamp | None = None
    reason: Reason = "changed"


class BalanceRead(AnswerModel):
    currency: str
    total: AmountText
    held: AmountText
    available: AmountText


class AccountBalanceRead(BalanceRead):
    account: Literal["crypto", "fiat"]


class AccountBalances(AnswerModel):
    items: list[AccountBalanceRead]


class ApiKeyCreate(RequestModel):
    name: Annotated[str, Text(120, length_min=0)] = ""
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=4)] = ("payin", "payout", "read")
    networks: Annotated[tuple[Network, ...], Field(max_length=NETWORKS_MAX)] = ()
    """CIDRs the key may be used from; empty: anywhere."""


class ApiKeyRotate(RequestModel):
    overlap_seconds: Annotated[WholeNumber, Field(ge=0, le=OVERLAP_SECONDS_MAX)] = 86_400
    """How long the old key still works."""


class ApiKeyRead(AnswerModel):
    id: UUID
    name: str
    key_id: str
    last_four: str
    scopes: list[str]
    networks: list[str]
    test: bool
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeyCreated(ApiKeyRead):
    """`api_key` and `signing_secret` are shown once."""

    api_key: str
    signing_secret: str


class ApiKeyList(AnswerModel):
    items: list[ApiKeyRead]
