"""Orders as traders, merchants and staff see them (http-api, "Traders, merchants, staff")."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from jivapay.schemas_enums.base import AnswerModel, Code, ListQuery, Reason, RequestModel, Timestamp
from jivapay.schemas_enums.enums import Direction, OrderStatus
from jivapay.schemas_enums.gateway import PayinFields, RecipientShown
from jivapay.schemas_enums.money import AmountText, FiatAmount, RateText


def _separated(values: object) -> object:
    """A parameter comes once; several statuses stand in it side by side."""
    if not isinstance(values, list):
        return values
    return [part for value in values for part in (value.split(",") if isinstance(value, str) else [value])]


class TraderOrderRead(AnswerModel):
    """An order of the trader who asks. `requisite_id` is his own requisite's."""

    order_id: UUID
    direction: str
    status: str
    amount: AmountText
    amount_agreed: AmountText
    amount_exceptions: list[str]
    payer_bank: str | None
    """As the payer said at his confirmation; so the name, or the last four digits of what he paid from."""
    payer_name: str | None
    currency: str
    amount_crypto: AmountText
    """What it moves on the trader's balance, with his commission."""
    crypto_currency: str
    rate: RateText
    requisite_id: UUID
    store_name: str
    customer_id: str | None
    recipient: RecipientShown | None
    """Whom a pay-out pays: whole in the answer to `accept` and of the order itself while he is to pay it."""
    receipt: bool
    """Whether the payer attached one; `/receipt` gives it."""
    expires_at: datetime | None
    created_at: datetime
    version: int
    test: bool


class MerchantOrderRead(AnswerModel):
    """An order of one of the merchant's stores."""

    order_id: UUID
    external_order_id: str
    store_id: UUID
    store_name: str
    direction: str
    status: str
    order_history_status: str | None
    amount: AmountText | None
    currency: str
    amount_crypto: AmountText | None
    commission: AmountText | None
    crypto_currency: str
    rate: RateText | None
    customer_id: str | None
    failure_code: str | None
    created_at: datetime
    version: int
    test: bool


class OrderFilter(ListQuery):
    """Filters of a list of orders; unset ones do not filter."""

    status: Annotated[list[OrderStatus], BeforeValidator(_separated)] = Field(
        default_factory=list, description="Any of these, separated by commas"
    )
    direction: Direction | None = None
    created_from: Timestamp | None = None
    created_to: Timestamp | None = None


class MerchantOrderCreate(PayinFields):
    """An order that a merchant makes by hand, with a payment page to send to the customer."""

    store_id: UUID
    amount: FiatAmount | None = None
    payment_method: Code | None = None


class OrderCancel(RequestModel):
    reason: Reason


class OrderDecline(RequestModel):
    """Why a trader does not take a pay-out; he need not say."""

    reason: Reason | None = None


class ReviewDecision(RequestModel):
    """What a person decides about an order that a rule has stopped."""

    approve: Annotated[bool, Field(strict=True)]
    reason: Reason


class ReviewRead(AnswerModel):
    order_id: UUID
    status: str
    failure_code: str | None
    failure_reason: str | None
    version: int


CaseKind = Literal["manual_review", "requires_attention"]


class CaseFilter(ListQuery):
    """Both kinds unless one is named."""

    kind: CaseKind | None = None
    taken_by: Literal["me", "nobody"] | None = None


class CaseRead(AnswerModel):
    """An order that waits for a person: before it has a requisite (`manual_review`) or after."""

    order_id: UUID
    external_order_id: str
    store_id: UUID
    store_name: str
    kind: CaseKind
    direction: str
    status: str
    order_history_status: str | None
    amount: AmountText | None
    currency: str
    amount_crypto: AmountText | None
    crypto_currency: str
    failure_code: str | None
    reason: str | None
    """Why it waits."""
    created_at: datetime
    waiting_since: datetime
    age_seconds: int
    """How long it has waited."""
    needs_second_person: bool
    """Above FOUR_EYES_AMOUNT: one person alone cannot decide it."""
    amount_by_trader: AmountText | None
    """What each side says has come, when that is not what was agreed."""
    amount_by_payer: AmountText | None
    amount_by_store: AmountText | None
    from_third_party: bool
    """The trader says that somebody else than the payer has sent it."""
    receipt_seen_before: bool
    """A receipt of this order was sent for another one before."""
    taken_by: UUID | None
    """Who works on it."""
    taken_at: datetime | None
    version: int
    test: bool


class CaseDecision(RequestModel):
    """What a person decides about an order in `requires_attention`."""

    outcome: Literal["completed", "cancelled", "failed"]
    reason: Reason
    amount: FiatAmount | None = None
    """What has arrived, where it is not what was agreed; only with `completed`."""

    @model_validator(mode="after")
    def _amount_only_of_what_completes(self) -> "CaseDecision":
        if self.amount is not None and self.outcome != "completed":
            raise PydanticCustomError("validation.inconsistent", "an amount needs the outcome `completed`")
        return self


class CaseDecided(AnswerModel):
    order_id: UUID
    status: str
    order_history_status: str
    version: int
