"""Deposits: what staff recorded as brought in from outside. No part of the ledger until one is posted."""

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Amount, Base, CreatedAt, Moment, PrimaryKey, PublicId

FALSE, ZERO = text("false"), text("0")


class Deposit(Base):
    """Money brought in from outside, as recorded by staff; it names its transaction (hard case 14)."""

    __tablename__ = "deposits"
    __table_args__ = (
        Index(
            "uq_deposits_transaction",
            "network",
            text("lower(tx_hash)"),
            "tx_output",
            unique=True,
            postgresql_where=text("status <> 'rejected'"),
        ),
        CheckConstraint("network = lower(network)", name="network"),
        CheckConstraint("tx_output ~ '^(0|[1-9][0-9]{0,9})?$'", name="tx_output"),
        CheckConstraint("amount > 0 and amount < 'Infinity'", name="amount"),
        CheckConstraint(
            "decided_by is null or status <> 'posted' or not needs_second_person or decided_by <> requested_by",
            name="two_persons",
        ),
        Index("ix_deposits_created", "created_at"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    owner_type: Mapped[str]
    owner_id: Mapped[int]
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    amount: Mapped[Amount]
    network: Mapped[str]
    tx_hash: Mapped[str]
    tx_output: Mapped[str] = mapped_column(Text, server_default=text("''"))
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=text("'requested'"))
    needs_second_person: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decision_reason: Mapped[str | None]
    decided_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
