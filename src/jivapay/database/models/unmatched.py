"""What waits for people: money that belongs to no order yet, and who has taken which case upon himself."""

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Amount, Base, CreatedAt, Moment, PrimaryKey, PublicId

FALSE, ZERO = text("false"), text("0")


class UnmatchedPayment(Base):
    """Fiat that a trader has received and no order explains; he holds its worth in crypto until it is settled.

    A payment is one row, or two when it was larger than the order it was made for: the rest is a row of its own.
    """

    __tablename__ = "unmatched_payments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["requisite_id", "trader_id", "test"],
            ["requisites.id", "requisites.trader_id", "requisites.test"],
            name="fk_unmatched_payments_requisite",
        ),
        CheckConstraint("amount_fiat > 0 and amount_fiat < 'Infinity'", name="amount_fiat"),
        CheckConstraint("amount_crypto > 0 and amount_crypto < 'Infinity'", name="amount_crypto"),
        CheckConstraint("rate > 0 and rate < 'Infinity'", name="rate"),
        CheckConstraint("(status = 'attached') = (attached_order_id is not null)", name="attached"),
        CheckConstraint("(status = 'open') = (decided_at is null)", name="decided"),
        CheckConstraint("source <> 'overpayment' or from_order_id is not null", name="overpayment"),
        Index("ix_unmatched_payments_trader", "trader_id", "id"),
        Index("ix_unmatched_payments_open", "id", postgresql_where=text("status = 'open'")),
        Index(
            "ix_unmatched_payments_attached",
            "attached_order_id",
            postgresql_where=text("attached_order_id is not null"),
        ),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    trader_id: Mapped[int] = mapped_column(ForeignKey("traders.id"))
    requisite_id: Mapped[int]
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    source: Mapped[str]
    from_order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    """The order it was more than enough for."""
    fiat_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    amount_fiat: Mapped[Amount]
    crypto_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    amount_crypto: Mapped[Amount]
    """Its worth at `rate`: what the trader's crypto is held for."""
    rate: Mapped[Amount]
    """Without any margin, as it was when the money became known."""
    rate_source: Mapped[str]
    rate_at: Mapped[Moment]
    received_at: Mapped[Moment]
    """When the trader's bank showed it."""
    payer_bank: Mapped[str | None]
    payer_name: Mapped[str | None]
    note: Mapped[str] = mapped_column(Text, server_default=text("''"))
    status: Mapped[str] = mapped_column(server_default=text("'open'"))
    attached_order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Moment | None]
    decision_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class CaseAssignment(Base):
    """Who has taken an order that waits for a person. It counts while the deal is at `deal_version`."""

    __tablename__ = "case_assignments"

    incoming_order_id: Mapped[int] = mapped_column(ForeignKey("incoming_orders.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    deal_version: Mapped[int]
    taken_at: Mapped[CreatedAt]
