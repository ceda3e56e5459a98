"""Payout requests: the entries of the payouts service (fifth document), their attempts, and the sandbox's own book."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Amount, Base, CreatedAt, Moment, PrimaryKey, PublicId

ZERO = text("0")


class Payout(Base):
    """What a store asks to be paid out to one of its users. No part of the ledger: an executor may make it one."""

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount > 0 and amount < 'Infinity'", name="amount"),
        CheckConstraint("(status = 'processed') = (processed_at is not null)", name="processed_at"),
        CheckConstraint("deleted_at is null or status in ('pending', 'cancelled', 'failed')", name="deleted"),
        Index("ix_payouts_user", "store_id", "user_id", "id", postgresql_where=text("deleted_at is null")),
        Index("ix_payouts_due", "due_at", postgresql_where=text("due_at is not null")),
    )

    id: Mapped[PrimaryKey]
    """The one internal key that the outside knows: the document numbers its entries."""
    public_id: Mapped[PublicId]
    """Binds what is encrypted to its row; never shown."""
    store_id: Mapped[int] = mapped_column(ForeignKey("merchant_stores.id"))
    user_id: Mapped[int]
    """The caller's own number for its user; no user of ours."""
    amount: Mapped[Amount]
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    recipient_shown: Mapped[str]
    """`recipient_details` as JSON text, the digits of long numbers masked."""
    comment_shown: Mapped[str]
    """Masked alike."""
    recipient_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """Both as they were given, encrypted."""
    status: Mapped[str] = mapped_column(server_default=text("'pending'"))
    executor: Mapped[str]
    attempt: Mapped[int] = mapped_column(server_default=ZERO)
    """How often an executor has taken it."""
    due_at: Mapped[Moment | None]
    """When an executor is to take it, or somebody to look after one that has; unset: nobody is waited for."""
    execute_at: Mapped[Moment | None]
    """Not before."""
    failure_reason: Mapped[str | None]
    processed_at: Mapped[Moment | None]
    deleted_at: Mapped[Moment | None]
    request_id: Mapped[str | None]
    """Of the request that asked for it: tasks log it as `trace_id`."""
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class PayoutAttempt(Base):
    """One time an executor had it. At most one is alive, so that nobody is paid twice (hard case 18)."""

    __tablename__ = "payout_attempts"
    __table_args__ = (
        Index("uq_payout_attempts_alive", "payout_id", unique=True, postgresql_where=text("ended_at is null")),
        Index("uq_payout_attempts_number", "payout_id", "number", unique=True),
    )

    id: Mapped[PrimaryKey]
    payout_id: Mapped[int] = mapped_column(ForeignKey("payouts.id"))
    number: Mapped[int]
    reference: Mapped[str] = mapped_column(unique=True)
    """What the executor knows it by: said again, it means the same payment."""
    started_at: Mapped[CreatedAt]
    ended_at: Mapped[Moment | None]
    outcome: Mapped[str | None]


class SandboxPayment(Base):
    """The sandbox's own book, as an outside system would keep one: a reference is paid once."""

    __tablename__ = "sandbox_payments"

    reference: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[Amount]
    currency: Mapped[str]
    paid_at: Mapped[CreatedAt]


class PayoutBatch(Base):
    """Many payout requests at once: a list answered at once, or a file worked off row by row."""

    __tablename__ = "payout_batches"
    __table_args__ = (
        CheckConstraint("rows_done >= rows_failed and rows_done <= rows_total", name="progress"),
        CheckConstraint(
            "finished_at is null or failure is not null or (rows_done = rows_total and content_sealed is null)",
            name="finished",
        ),
        CheckConstraint("failure is null or finished_at is not null", name="failure"),
        Index("ix_payout_batches_unfinished", "id", postgresql_where=text("finished_at is null")),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    """Binds the encrypted file to its row; never shown."""
    store_id: Mapped[int] = mapped_column(ForeignKey("merchant_stores.id"))
    executor: Mapped[str]
    rows_total: Mapped[int]
    rows_done: Mapped[int] = mapped_column(server_default=ZERO)
    rows_failed: Mapped[int] = mapped_column(server_default=ZERO)
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The file, encrypted, until its last row is done."""
    request_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[Moment | None]
    failure: Mapped[str | None]
    """Why it ended before its last row: the code of what is wrong with the file itself."""


class PayoutBatchRow(Base):
    """What became of one row: a payout request, or what was wrong with which field."""

    __tablename__ = "payout_batch_rows"
    __table_args__ = (CheckConstraint("(payout_id is null) <> (errors is null)", name="result"),)

    batch_id: Mapped[int] = mapped_column(ForeignKey("payout_batches.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 1, without the file's header."""
    payout_id: Mapped[int | None] = mapped_column(ForeignKey("payouts.id"))
    errors: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Field → codes."""
