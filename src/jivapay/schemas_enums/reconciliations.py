"""Reconciliations as they travel: asked for, listed, read with their checks."""

from datetime import date, datetime
from uuid import UUID

from jivapay.schemas_enums.base import AnswerModel, Day, PageQuery, RequestModel


class ReconciliationCreate(RequestModel):
    date: Day | None = None
    """What has changed since this day began (UTC); everything when it is not given."""


class ReconciliationFilter(PageQuery):
    """Newest first."""


class ReconciliationRead(AnswerModel):
    id: UUID
    date: date | None
    requested_at: datetime
    finished_at: datetime | None
    """Unset while it waits or is being made."""
    differences: int


class ReconciliationCheckRead(AnswerModel):
    check: str
    sentence: str
    examined: int
    differences: int
    rows: list[dict[str, str | None]]
    """The first ones."""


class ReconciliationReport(ReconciliationRead):
    checks: list[ReconciliationCheckRead]
