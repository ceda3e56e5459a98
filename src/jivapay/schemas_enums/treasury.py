"""Withdrawals, their address book, and manual adjustments, as they travel."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from jivapay.schemas_enums.base import AnswerModel, Code, ListQuery, Name, Reason, RequestModel, Text
from jivapay.schemas_enums.enums import AdjustmentStatus, DepositNetwork, WithdrawalStatus
from jivapay.schemas_enums.money import AmountText, CryptoAmount, CryptoChange

ChainText = Annotated[str, Text(128)]


class AddressCreate(RequestModel):
    network: DepositNetwork
    address: ChainText
    label: Name


class AddressRead(AnswerModel):
    id: UUID
    network: str
    address: str
    label: str
    usable_at: datetime
    created_at: datetime


class AddressList(AnswerModel):
    items: list[AddressRead]


class TraderWithdrawalCreate(RequestModel):
    amount: CryptoAmount
    currency: Code
    address_id: UUID


class MerchantWithdrawalCreate(TraderWithdrawalCreate):
    store_id: UUID


class PlatformWithdrawalCreate(RequestModel):
    amount: CryptoAmount
    currency: Code
    network: DepositNetwork
    address: ChainText
    reason: Reason


class WithdrawalSent(RequestModel):
    tx_hash: ChainText


class WithdrawalFilter(ListQuery):
    status: WithdrawalStatus | None = None


class WithdrawalRead(AnswerModel):
    """As its owner sees it."""

    id: UUID
    store_id: UUID | None
    amount: AmountText
    network_fee: AmountText
    currency: str
    network: str
    address: str
    status: WithdrawalStatus
    tx_hash: str | None
    reason: str | None
    """Why it was rejected."""
    created_at: datetime
    updated_at: datetime
    version: int


class WithdrawalStaffRead(WithdrawalRead):
    """With whose it is and who has had it in hand."""

    owner_type: Literal["store", "trader", "platform"]
    owner_id: UUID | None
    requested_by: UUID
    claimed_by: UUID | None
    approval_id: UUID | None
    """What waits for the second person, at `/approvals`."""


class AdjustmentCreate(RequestModel):
    """`owner_id` is the trader's user id or the store's id; null for the platform."""

    owner_type: Literal["store", "trader", "platform"]
    owner_id: UUID | None = None
    amount: CryptoChange
    currency: Code
    reason: Reason


class CorrectionCreate(RequestModel):
    """Undo the transfer of one of these, whole."""

    corrects_type: Literal["deposit", "withdrawal", "balance_adjustment"]
    corrects_id: UUID
    reason: Reason


class AdjustmentFilter(ListQuery):
    status: AdjustmentStatus | None = None


class AdjustmentRead(AnswerModel):
    id: UUID
    owner_type: Literal["store", "trader", "platform"]
    owner_id: UUID | None
    amount: AmountText
    currency: str
    reason: str
    corrects_type: str | None
    corrects_id: UUID | None
    status: AdjustmentStatus
    approval_id: UUID | None
    requested_by: UUID
    decided_by: UUID | None
    decision_reason: str | None
    created_at: datetime
    decided_at: datetime | None
    version: int
