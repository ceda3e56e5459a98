"""Reconciliations: asked for by a person or by the night, and what each check of one examined and found."""

from datetime import date
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import Base, CreatedAt, Moment, PrimaryKey, PublicId


class Reconciliation(Base):
    """One comparison of the books. Waits until `finished_at` is set; the scheduler does it within seconds."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        Index("ix_reconciliations_waiting", "id", postgresql_where=text("finished_at is null")),
        Index("ix_reconciliations_day", "day"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    day: Mapped[date | None] = mapped_column(Date)
    """What has changed since this day began (UTC); everything when unset."""
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """Unset for the night and the command line."""
    requested_at: Mapped[CreatedAt]
    finished_at: Mapped[Moment | None]
    differences: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    """Of all checks together; one that could not be finished counts as one."""


class ReconciliationCheck(Base):
    """What one check of a reconciliation came to."""

    __tablename__ = "reconciliation_checks"

    reconciliation_id: Mapped[int] = mapped_column(ForeignKey("reconciliations.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str]
    examined: Mapped[int]
    differences: Mapped[int]
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """The first ones."""
