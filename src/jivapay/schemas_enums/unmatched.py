"""The inbox of unmatched money as it travels."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from jivapay.schemas_enums.base import AnswerModel, PageQuery, Reason, RequestModel, Text, Timestamp
from jivapay.schemas_enums.enums import UnmatchedSource, UnmatchedStatus
from jivapay.schemas_enums.gateway import PayerBank, PayerName
from jivapay.schemas_enums.money import AmountText, FiatAmount, RateText


class UnmatchedDeclare(RequestModel):
    """Money on one's own requisite that no order explains."""

    requisite_id: UUID
    amount: FiatAmount
    received_at: Timestamp | None = None
    """When the bank showed it; now when unset."""
    payer_bank: PayerBank | None = None
    payer_name: PayerName | None = None
    note: Annotated[str, Text(500, length_min=0, lines=True)] = ""


class UnmatchedRead(AnswerModel):
    id: UUID
    requisite_id: UUID
    source: UnmatchedSource
    status: UnmatchedStatus
    amount: AmountText
    currency: str
    amount_crypto: AmountText
    """What is held for it."""
    crypto_currency: str
    rate: RateText
    received_at: datetime
    payer_bank: str | None
    payer_name: str | None
    note: str
    from_order_id: UUID | None
    """The order it was more than enough for."""
    order_id: UUID | None
    """The order it was attached to."""
    decision_reason: str | None
    created_at: datetime
    decided_at: datetime | None
    age_seconds: int
    version: int
    test: bool


class UnmatchedFilter(PageQuery):
    status: UnmatchedStatus | None = None


class CandidateRead(AnswerModel):
    """An order the money may have been for."""

    order_id: UUID
    external_order_id: str
    store_name: str
    customer_id: str | None
    status: str
    amount: AmountText
    currency: str
    same_requisite: bool
    payer_bank: str | None
    payer_name: str | None
    score: int
    """How much speaks for it: amount, requisite, time, payer."""
    created_at: datetime
    left_unpaid_at: datetime | None


class CandidateList(AnswerModel):
    items: list[CandidateRead]


class UnmatchedAttach(RequestModel):
    order_id: UUID
    reason: Reason


class UnmatchedReturn(RequestModel):
    reason: Reason
