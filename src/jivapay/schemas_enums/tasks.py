"""Failed tasks as they travel. Never their arguments' objects and never the traceback's values: names and ids only."""

from datetime import datetime

from jivapay.schemas_enums.base import AnswerModel, PageQuery


class FailedTaskFilter(PageQuery):
    """Those nobody has dealt with, newest first."""


class FailedTaskRead(AnswerModel):
    task_id: str
    name: str
    error: str
    failed_at: datetime
    resolved_at: datetime | None
