"""Approvals as they travel: what somebody decided about money, and who was the second person (hard case 14)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from jivapay.schemas_enums.base import AnswerModel, PageQuery, Reason, RequestModel
from jivapay.schemas_enums.enums import ApprovalStatus
from jivapay.schemas_enums.money import AmountText


class ApprovalFilter(PageQuery):
    status: ApprovalStatus | None = None


class ApprovalComment(RequestModel):
    reason: Reason


class ApprovalRead(AnswerModel):
    id: UUID
    action: str
    amount: AmountText
    currency: str
    about: dict[str, Any]
    """What the decision is about, with public ids."""
    reason: str
    status: ApprovalStatus
    needs_second_person: bool
    requested_by: UUID
    decided_by: UUID | None
    decision_reason: str | None
    created_at: datetime
    decided_at: datetime | None
    version: int
