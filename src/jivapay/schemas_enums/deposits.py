"""Deposits as they travel: each names the transaction that brought it (hard case 14)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from jivapay.schemas_enums.base import AnswerModel, Code, ListQuery, Reason, RequestModel, Text
from jivapay.schemas_enums.enums import DepositNetwork, DepositStatus
from jivapay.schemas_enums.money import AmountText, CryptoAmount


class DepositCreate(RequestModel):
    """`owner_id` is the trader's user id or the store's id."""

    owner_type: Literal["trader", "store"]
    owner_id: UUID
    amount: CryptoAmount
    currency: Code
    network: DepositNetwork
    tx_hash: Annotated[str, Text(128)]
    tx_output: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,9})?$", strict=True)] = ""
    """Which output of the transaction, where one can pay several; empty stands for all of them."""
    reason: Reason


class DepositDecision(RequestModel):
    decision: Literal["approve", "reject"]
    reason: Reason


class DepositRead(AnswerModel):
    id: UUID
    owner_type: Literal["trader", "store"]
    owner_id: UUID
    amount: AmountText
    currency: str
    network: str
    tx_hash: str
    tx_output: str
    reason: str
    status: DepositStatus
    needs_second_person: bool
    approval_id: UUID | None
    """What waits for the second person, at `/approvals`."""
    requested_by: UUID
    decided_by: UUID | None
    decision_reason: str | None
    created_at: datetime
    decided_at: datetime | None
    version: int


class OwnDepositRead(AnswerModel):
    """As its owner sees it; `store_id` is a merchant's store."""

    id: UUID
    store_id: UUID | None
    amount: AmountText
    currency: str
    network: str
    tx_hash: str
    tx_output: str
    status: DepositStatus
    created_at: datetime
    decided_at: datetime | None


class DepositFilter(ListQuery):
    status: DepositStatus | None = None
