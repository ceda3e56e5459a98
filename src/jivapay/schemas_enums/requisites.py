"""Requisites with their settings, as they travel. Numbers come out whole for whose they are, and masked for others."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from jivapay.schemas_enums.base import AnswerModel, Code, Flag, Name, PageQuery, Reason, RequestModel, WholeNumber
from jivapay.schemas_enums.enums import RequisiteStatus
from jivapay.schemas_enums.money import AmountText, FiatAmount
from jivapay.schemas_enums.people_types import LimitAmount

OPEN_ORDERS_MAX = 1000
WINDOW_MINUTES_MAX = 10_080

Number = Annotated[str, Field(strict=True, min_length=1, max_length=40)]


class RequisiteLimits(RequestModel):
    """An unset limit is no limit; amounts are fiat."""

    pay_in: Flag = True
    pay_out: Flag = False
    lower_limit: LimitAmount
    upper_limit: FiatAmount
    total_limit: FiatAmount | None = None
    turnover_day_max: FiatAmount | None = None
    turnover_limit_minutes: Annotated[WholeNumber, Field(ge=1, le=WINDOW_MINUTES_MAX)] | None = None
    turnover_limit_sum: FiatAmount | None = None
    max_open_orders: Annotated[WholeNumber, Field(ge=1, le=OPEN_ORDERS_MAX)] = 10


class RequisiteCreate(RequestModel):
    payment_method: Code
    bank: Code
    number: Number
    holder: Name
    settings: RequisiteLimits


class RequisiteLimitsPatch(RequestModel):
    pay_in: Flag | None = None
    pay_out: Flag | None = None
    lower_limit: LimitAmount | None = None
    upper_limit: FiatAmount | None = None
    total_limit: FiatAmount | None = None
    turnover_day_max: FiatAmount | None = None
    turnover_limit_minutes: Annotated[WholeNumber, Field(ge=1, le=WINDOW_MINUTES_MAX)] | None = None
    turnover_limit_sum: FiatAmount | None = None
    max_open_orders: Annotated[WholeNumber, Field(ge=1, le=OPEN_ORDERS_MAX)] | None = None

    @model_validator(mode="after")
    def _null_only_where_it_means_something(self) -> "RequisiteLimitsPatch":
        for name in ("pay_in", "pay_out", "lower_limit", "upper_limit", "max_open_orders"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise PydanticCustomError("validation.type", "a field must not be null")
        return self


class RequisitePatch(RequestModel):
    """What is left out stays. Changing number, holder, bank or method sends it to moderation again."""

    payment_method: Code | None = None
    bank: Code | None = None
    number: Number | None = None
    holder: Name | None = None
    is_excluded_from_distribution: Flag | None = None
    settings: RequisiteLimitsPatch | None = None


class RequisiteSettingsRead(AnswerModel):
    pay_in: bool
    pay_out: bool
    lower_limit: AmountText
    upper_limit: AmountText
    total_limit: AmountText | None
    turnover_day_max: AmountText | None
    turnover_limit_minutes: int | None
    turnover_limit_sum: AmountText | None
    max_open_orders: int


class RequisiteRead(AnswerModel):
    id: UUID
    payment_method: str
    bank: str
    bank_name: str
    fiat_currency: str
    number_masked: str
    holder: str
    status: RequisiteStatus
    status_reason: str | None
    is_excluded_from_distribution: bool
    open_count: int
    test: bool
    settings: RequisiteSettingsRead
    created_at: datetime


class OwnRequisiteRead(RequisiteRead):
    """As the trader sees it whose it is."""

    number: str


class RequisiteModerationRead(RequisiteRead):
    """`duplicates`: requisites of other traders with the same number."""

    trader_id: UUID
    trader_email: str
    duplicates: int


class RequisiteFilter(PageQuery):
    status: RequisiteStatus | None = None


class RequisiteModerationFilter(RequisiteFilter):
    trader_id: UUID | None = None


class RequisiteStatusWrite(RequestModel):
    status: Literal["approve", "reject", "blocked"]
    reason: Reason


class RevealWrite(RequestModel):
    reason: Reason


class RequisiteRevealed(AnswerModel):
    """The number as payers are shown it."""

    number: str
    holder: str
