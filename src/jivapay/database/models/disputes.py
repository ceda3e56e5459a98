"""Disputes: the case beside an order, what was said in it, and what was decided (hard cases 8, 9, 11)."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Base, CreatedAt, Moment, PrimaryKey, PublicId

ZERO = text("0")


class Dispute(Base):
    """Stands beside its order: a completed order stays `completed` while it is disputed. One open one at a time."""

    __tablename__ = "disputes"
    __table_args__ = (
        Index("uq_disputes_open", "order_id", unique=True, postgresql_where=text("status not like 'resolved%'")),
        Index("ix_disputes_due", "due_at", postgresql_where=text("status not like 'resolved%'")),
        CheckConstraint("opened_by in ('trader', 'merchant', 'staff', 'customer')", name="opened_by"),
        CheckConstraint("claimed_amount > 0 and claimed_amount < 'Infinity'", name="claimed_amount"),
        CheckConstraint("decided_amount > 0 and decided_amount < 'Infinity'", name="decided_amount"),
        CheckConstraint("hold_target >= 0 and hold_target < 'Infinity'", name="hold_target"),
        CheckConstraint("trader_seconds_left >= 0 and merchant_seconds_left >= 0", name="seconds_left"),
        CheckConstraint(
            "decision in ('completed', 'adjusted', 'cancelled', 'failed')"
            " and (decision = 'adjusted') = (decided_amount is not null)",
            name="decision",
        ),
        CheckConstraint(
            "(status like 'resolved%' or status = 'waiting_funds') = (decision is not null and decided_at is not null)",
            name="decided",
        ),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    incoming_order_id: Mapped[int] = mapped_column(ForeignKey("incoming_orders.id"))
    status: Mapped[str] = mapped_column(server_default=text("'open'"))
    order_status: Mapped[str]
    """The order's status when it was opened."""
    opened_by: Mapped[str]
    opened_by_id: Mapped[int | None]
    """The user's id; unset for a payer and for a store's key."""
    reason: Mapped[str]
    claimed_amount: Mapped[Decimal | None]
    """In fiat: what was paid, as the opener says."""
    hold_target: Mapped[Decimal] = mapped_column(server_default=ZERO)
    """What the other side would have to give back: held as far as available, topped up as credits come."""
    due_at: Mapped[Moment | None]
    """When the answer of the side whose turn it is, or the attention of staff, is due. Moves no money."""
    trader_seconds_left: Mapped[int] = mapped_column(Integer)
    """A clock for each side, which stands while the other one's turn lasts."""
    merchant_seconds_left: Mapped[int] = mapped_column(Integer)
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decision: Mapped[str | None]
    decided_amount: Mapped[Decimal | None]
    """In fiat: what the order is settled at instead of the agreed amount."""
    decision_reason: Mapped[str | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Moment | None]
    resolved_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class DisputeMessage(Base):
    """What somebody said in a dispute; append-only."""

    __tablename__ = "dispute_messages"
    __table_args__ = (CheckConstraint("side in ('trader', 'merchant', 'staff', 'customer')", name="side"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    dispute_id: Mapped[int] = mapped_column(ForeignKey("disputes.id"), index=True)
    side: Mapped[str]
    author_id: Mapped[int | None]
    text: Mapped[str]
    created_at: Mapped[CreatedAt]
