"""The gateway's shapes, as `docs/api/` publishes them (http-api: "Stores", "Page")."""

from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from jivapay.schemas_enums.base import (
    DATABASE_INTEGER_MAX,
    AnswerModel,
    Code,
    ExternalId,
    Metadata,
    QueryModel,
    QueryNumber,
    RequestModel,
    Text,
    WholeNumber,
)
from jivapay.schemas_enums.enums import Direction
from jivapay.schemas_enums.money import AmountText, FiatAmount, RateText

URL_LENGTH_MAX = 2000
WAIT_SECONDS_MAX = 20
EVENTS_MAX = 200

Url = Annotated[str, Text(URL_LENGTH_MAX)]


def _canonical_ip(value: str) -> str:
    """One spelling for one address, as lists and limits compare them; IPv4 inside IPv6 is IPv4."""
    try:
        address = ip_address(value)
    except ValueError:
        address = None
    if address is None or "%" in value:
        raise PydanticCustomError("validation.format", "must be an IP address")
    return str(getattr(address, "ipv4_mapped", None) or address)


CustomerIp = Annotated[str, Text(45), AfterValidator(_canonical_ip)]


class PayinFields(RequestModel):
    """What both ways of asking for a pay-in share."""

    external_order_id: ExternalId = Field(examples=["A-1001"])
    currency: Code = Field(examples=["RUB"])
    bank: Code | None = Field(None, examples=["sberbank"])
    customer_id: ExternalId | None = Field(None, examples=["u-77"])
    customer_ip: CustomerIp | None = Field(None, examples=["203.0.113.7"])
    return_url: Url | None = Field(None, examples=["https://shop.example/thanks"])
    callback_url: Url | None = Field(None, examples=["https://shop.example/hook"])
    metadata: Metadata = Field(default_factory=dict, examples=[{"cart": "9"}])


class PayinInit(PayinFields):
    """Host-to-host: the store shows the requisite itself."""

    amount: FiatAmount
    payment_method: Code = Field(examples=["sbp"])
    wait_seconds: Annotated[WholeNumber, Field(ge=0, le=WAIT_SECONDS_MAX)] = 0
    """How long the answer may wait for a requisite."""


class PayinInitiateSession(PayinFields):
    """With a payment page, which asks the customer for what is missing."""

    amount: FiatAmount | None = None
    payment_method: Code | None = Field(None, examples=["sbp"])
    wait_seconds: Annotated[WholeNumber, Field(ge=0, le=WAIT_SECONDS_MAX)] = 0


class RecipientGiven(RequestModel):
    """Whom to pay: a card, phone or account, as the payment method says."""

    number: Annotated[str, Text(40)] = Field(examples=["+79001234567"])
    holder: Annotated[str, Text(120)] | None = Field(None, examples=["Иванов Иван Петрович"])


class PayoutInit(RequestModel):
    """A pay-out: the whole cost is set aside on the store's balance, or nothing happens."""

    external_order_id: ExternalId = Field(examples=["P-2001"])
    amount: FiatAmount
    currency: Code = Field(examples=["RUB"])
    payment_method: Code = Field(examples=["sbp"])
    bank: Code | None = Field(None, examples=["sberbank"])
    recipient: RecipientGiven
    callback_url: Url | None = Field(None, examples=["https://shop.example/hook"])
    metadata: Metadata = Field(default_factory=dict, examples=[{"batch": "7"}])
    wait_seconds: Annotated[WholeNumber, Field(ge=0, le=WAIT_SECONDS_MAX)] = 0
    """How long the answer may wait for a trader."""


class RecipientShown(AnswerModel):
    """Whom a pay-out pays. The number is whole for the trader who accepted it, masked for everybody else."""

    method: str
    bank: str | None
    number: str
    holder: str | None


class RequisiteShown(AnswerModel):
    """Where to pay. The number is whole while the order may be paid, masked afterwards."""

    method: str
    bank: str
    bank_name: str
    number: str
    holder: str


class FailureShown(AnswerModel):
    code: str
    detail: str


class DealRead(AnswerModel):
    """What a store sees of every deal."""

    order_id: UUID
    external_order_id: str
    direction: str
    status: str
    order_history_status: str | None
    amount: AmountText | None
    currency: str
    amount_crypto: AmountText | None
    crypto_currency: str
    rate: RateText | None
    rate_at: datetime | None
    failure: FailureShown | None
    expires_at: datetime | None
    created_at: datetime
    version: int
    paid: bool
    final: bool
    amount_agreed: AmountText | None
    amount_seen: AmountText | None
    """What the trader says has arrived, when that is not what was agreed: confirming that amount settles the order."""
    amount_exceptions: list[str]
    metadata: dict[str, Any]
    test: bool


class PayinRead(DealRead):
    """A pay-in as its store sees it; also the answer to every status question."""

    requisite: RequisiteShown | None
    payment_url: str | None


class PayoutRead(DealRead):
    """A pay-out as its store sees it; also the answer to every status question."""

    commission: AmountText | None
    """Frozen with what was set aside; with `amount_crypto` it is what the pay-out costs."""
    recipient: RecipientShown
    receipt_confirmed_at: datetime | None
    """When the store said that the recipient has the money."""


class PayinSessionRead(PayinRead):
    token: str
    """Opens the payment page; treat it like a password."""


class BalanceRead(AnswerModel):
    currency: str
    total: AmountText
    held: AmountText
    available: AmountText


class MethodOffered(AnswerModel):
    """A payment method the page offers, with the banks that take it."""

    code: str
    number_kind: str
    banks: list[str]


class BankOffered(AnswerModel):
    code: str
    name: str


class PaymentSessionRead(AnswerModel):
    """What the payment page shows: nothing of the store's secrets, nothing of the trader but the requisite."""

    state: str
    """choose, searching, pay, check, review, paid, expired, cancelled, failed, reversed or dispute."""
    order_id: UUID
    external_order_id: str
    store_name: str
    support_url: str | None
    amount: AmountText | None
    amount_is_open: bool
    customer_id_is_open: bool
    amount_min: AmountText
    amount_max: AmountText
    currency: str
    payment_method: str | None
    bank: str | None
    methods: list[MethodOffered]
    banks: list[BankOffered]
    requisite: RequisiteShown | None
    failure: FailureShown | None
    expires_at: datetime | None
    total_seconds: int | None
    """The whole time to pay, for the progress bar."""
    server_time: datetime
    receipt_required: bool
    receipt_attached: bool
    may_claim_late: bool
    """An expired or cancelled order that a receipt can still revive."""
    may_dispute: bool = False
    """One that it cannot any more; a person looks at the receipt, once."""
    return_url: str | None
    completed_at: datetime | None
    version: int
    test: bool


class MethodChoice(RequestModel):
    """What the customer chose on the page; only what the store left open is taken."""

    payment_method: Code
    bank: Code | None = None
    amount: FiatAmount | None = None
    customer_id: ExternalId | None = None


PayerBank = Annotated[str, Text(120)]
PayerName = Annotated[str, Text(120)]
"""The last four digits of what was paid from, or the payer's name."""


class PayerFields(RequestModel):
    """How much was sent, when it is not what was agreed, and where from, as the page asks it: all of it optional."""

    amount: FiatAmount | None = None
    payer_bank: PayerBank | None = None
    payer_name: PayerName | None = None


class CancelRequest(RequestModel):
    reason: Annotated[str, Text(500, lines=True)] | None = None


class EventQuery(QueryModel):
    """From where on. `after` is the number of the last event that was seen."""

    after: Annotated[QueryNumber, Field(ge=0, le=DATABASE_INTEGER_MAX)] = 0
    limit: Annotated[QueryNumber, Field(ge=1, le=EVENTS_MAX)] = EVENTS_MAX


class EventList(AnswerModel):
    """Callback bodies in the order of `store_seq`, without a gap, each with its signature."""

    items: list[dict[str, Any]]


class CapacityQuery(QueryModel):
    direction: Direction = Direction.PAY_IN
    amount: FiatAmount
    payment_method: Code
    bank: Code | None = None


class CapacityRead(AnswerModel):
    available: bool
    reason: str | None
    """Why not, as an error code."""
