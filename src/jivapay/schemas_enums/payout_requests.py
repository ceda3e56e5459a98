"""Payout requests as the fifth document shows them: amounts are JSON numbers, ids integers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, Strict, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from jivapay.schemas_enums.base import (
    DATABASE_INTEGER_MAX,
    METADATA_BYTES_MAX,
    AnswerModel,
    Code,
    RequestModel,
    Text,
    Timestamp,
    WholeNumber,
    json_size,
)
from jivapay.schemas_enums.enums import PayoutStatus
from jivapay.schemas_enums.money import NumberAmount

UserId = Annotated[WholeNumber, Field(ge=-DATABASE_INTEGER_MAX - 1, le=DATABASE_INTEGER_MAX)]
"""The caller's own number for its user, opaque to us."""

ExactNumber = Annotated[
    Decimal, WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "examples": [100.5]}, mode="serialization")
]


def _some_details(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        raise PydanticCustomError("validation.required", "must not be empty")
    if json_size(value) > METADATA_BYTES_MAX or _has_endless_integer(value):
        raise PydanticCustomError("validation.range", "is too large")
    return value


def _has_endless_integer(value: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    """Longer than any number of an account; such are sent as text."""
    if isinstance(value, dict):
        return any(map(_has_endless_integer, value.values()))
    if isinstance(value, list):
        return any(map(_has_endless_integer, value))
    return isinstance(value, int) and abs(value) > DATABASE_INTEGER_MAX


RecipientDetails = Annotated[
    dict[str, Any], Strict(), AfterValidator(_some_details), Field(json_schema_extra={"minProperties": 1})
]
"""Any object that is not empty, up to 4 KiB."""


class PayoutCreate(RequestModel):
    """`execute_at`: not before this moment."""

    user_id: UserId
    amount: NumberAmount
    currency: Code
    recipient_details: RecipientDetails
    comment: Annotated[str, Text(1000, length_min=0, lines=True)] = ""
    execute_at: Timestamp | None = None


class PayoutRecipient(RequestModel):
    """What the platform must find among `recipient_details` to pay itself: one number, by its kind. The rest is the
    store's own business.
    """

    model_config = ConfigDict(extra="ignore")

    card: Annotated[str, Text(40)] | None = None
    phone: Annotated[str, Text(40)] | None = None
    account: Annotated[str, Text(40)] | None = None
    holder: Annotated[str, Text(120)] | None = None
    bank: Code | None = None
    payment_method: Code | None = None

    @model_validator(mode="after")
    def _has_one_number(self) -> Self:
        if sum(number is not None for number in (self.card, self.phone, self.account)) != 1:
            raise PydanticCustomError("validation.inconsistent", "must have one of card, phone, account")
        return self

    @property
    def paid_to(self) -> tuple[str, str]:
        """The kind of its number, and the number as it was typed."""
        return next((kind, number) for kind in ("card", "phone", "account") if (number := getattr(self, kind)))


class PayoutPatch(RequestModel):
    """Only the status may change."""

    status: PayoutStatus


class PayoutRead(AnswerModel):
    """As list and retrieve show it."""

    id: int
    user_id: int
    amount: ExactNumber
    currency: str
    status: PayoutStatus
    created_at: datetime
    updated_at: datetime
    processed_at: datetime | None


class PayoutDetails(AnswerModel):
    """As create and update show it: long numbers are masked."""

    id: int
    user_id: int
    amount: ExactNumber
    currency: str
    recipient_details: dict[str, Any]
    comment: str
    status: PayoutStatus
    created_at: datetime
    updated_at: datetime
    processed_at: datetime | None


class PayoutPage(AnswerModel):
    count: int
    next: str | None
    previous: str | None
    results: list[PayoutRead]


FieldErrors = dict[str, list[str]]


class PayoutBatchRow(AnswerModel):
    """`row` counts from 1; `status` is what the request alone would have been answered with."""

    row: int
    status: int
    payout: PayoutDetails | None
    errors: FieldErrors | None


class PayoutBatchRead(AnswerModel):
    id: int
    total: int
    done: int
    failed: int
    created_at: datetime
    finished_at: datetime | None
    failure: str | None
    """Of the file as a whole, when it ended before its last row."""
    results: list[PayoutBatchRow]


class PayoutDryRun(AnswerModel):
    """`results` are the rows that are wrong."""

    total: int
    failed: int
    results: list[PayoutBatchRow]
