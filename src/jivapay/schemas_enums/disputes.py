"""Disputes as they travel: opened, answered, decided; and an order's timeline."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from jivapay.schemas_enums.base import AnswerModel, Flag, ListQuery, Reason, RequestModel, Text
from jivapay.schemas_enums.enums import DisputeOutcome, DisputeSide, DisputeStatus
from jivapay.schemas_enums.money import AmountText, FiatAmount

Message = Annotated[str, Text(4000, lines=True)]


class DisputeCreate(RequestModel):
    """`amount`, in fiat, is what was paid, if it is another amount than agreed."""

    reason: Reason
    amount: FiatAmount | None = None


class DisputeMessageCreate(RequestModel):
    text: Message
    escalate: Flag = False
    """Ask for staff at once."""


class StaffMessageCreate(RequestModel):
    text: Message
    to: Literal["trader", "merchant"] | None = None
    """Whose answer is asked for; he is given his time anew."""


class DisputeDecision(RequestModel):
    """`amount`, in fiat, belongs to `adjusted`. `lend`: the platform lends what is lacking, by two persons."""

    outcome: DisputeOutcome
    reason: Reason
    amount: FiatAmount | None = None
    lend: Flag = False


class DisputeLoan(RequestModel):
    reason: Reason


class DisputeMessageRead(AnswerModel):
    id: UUID
    side: DisputeSide
    text: str
    created_at: datetime


class EvidenceRead(AnswerModel):
    id: UUID
    side: DisputeSide
    content_type: str
    size: int
    downloadable: bool
    created_at: datetime


class DisputeListed(AnswerModel):
    """A dispute in a list. `due_at` is when the answer of whose turn it is, or of staff, is due."""

    id: UUID
    order_id: UUID
    external_order_id: str
    store_name: str
    direction: str
    status: DisputeStatus
    order_status: str
    """The order's, now."""
    opened_by: DisputeSide
    reason: str
    amount: AmountText
    """What the order is settled at, or would be."""
    amount_agreed: AmountText
    claimed_amount: AmountText | None
    currency: str
    due_at: datetime | None
    overdue: bool
    decision: DisputeOutcome | None
    decided_amount: AmountText | None
    decision_reason: str | None
    created_at: datetime
    decided_at: datetime | None
    resolved_at: datetime | None
    version: int
    test: bool


class DisputeRead(DisputeListed):
    """With all that was said and shown."""

    messages: list[DisputeMessageRead]
    evidence: list[EvidenceRead]


class StaffDisputeRead(DisputeRead):
    """For staff also: what is held for it, and whose case it is."""

    hold_target: AmountText
    held: AmountText
    crypto_currency: str
    assigned_to: UUID | None


class DisputeFilter(ListQuery):
    status: DisputeStatus | None = None


class StaffDisputeFilter(DisputeFilter):
    mine: bool = False
    """Only cases that are assigned to the one who asks."""


class TimelineEntryRead(AnswerModel):
    """`kind` is `step` (of a status), `deed` (audited), `message` or `document`."""

    at: datetime
    kind: str
    entity: str
    name: str
    actor_kind: str
    actor: UUID | None
    details: dict[str, Any]


class TimelineRead(AnswerModel):
    items: list[TimelineEntryRead]
