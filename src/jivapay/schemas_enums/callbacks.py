"""Callbacks as merchants see them: what was owed to a store, and how the last attempt went."""

from datetime import datetime
from typing import Any
from uuid import UUID

from jivapay.schemas_enums.base import AnswerModel, ListQuery
from jivapay.schemas_enums.enums import CallbackState


class CallbackFilter(ListQuery):
    store_id: UUID | None = None
    order_id: UUID | None = None
    state: CallbackState | None = None


class CallbackAttemptRead(AnswerModel):
    attempt: int
    at: datetime
    duration_ms: int
    response_status: int | None
    failure: str | None
    """The class of failure: `timeout`, `blocked_address`, `tls`, `status`."""


class CallbackRead(AnswerModel):
    """One event owed to a store. `id` is the `event_id` of its body."""

    id: str
    store_id: UUID
    store_seq: int | None
    order_id: UUID
    type: str
    state: CallbackState
    url: str | None
    attempts: int
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    last_attempt: CallbackAttemptRead | None
    payload: dict[str, Any]
    """The body, but for its number, time and signature."""
    created_at: datetime
    test: bool


class DisabledAddressRead(AnswerModel):
    url: str
    disabled_at: datetime


class DisabledAddressList(AnswerModel):
    """Addresses that answered 410; nothing is sent there until they are enabled."""

    items: list[DisabledAddressRead]
