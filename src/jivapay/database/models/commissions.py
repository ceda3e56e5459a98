"""Every change of what stores pay and traders take: who, when, from what to what, from which moment on."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import Base, CreatedAt, Moment, PrimaryKey, PublicId

OF_STORE, OF_TRADER = text("store_id is not null"), text("trader_id is not null")


class CommissionChange(Base):
    """One percentage of one direction from one moment on; the latest that has begun is in force. Append-only.

    Without a payment method it is the default; with one it goes before the default for that method alone. A row that
    says no percentage ends what a method had of its own.
    """

    __tablename__ = "commission_changes"
    __table_args__ = (
        CheckConstraint("num_nonnulls(store_id, trader_id) = 1", name="owner"),
        CheckConstraint("direction in ('pay_in', 'pay_out')", name="direction"),
        CheckConstraint("percent is null or (percent >= 0 and percent < 100)", name="percent"),
        CheckConstraint("percent is not null or payment_method is not null", name="default_has_percent"),
        Index(
            "ix_commission_changes_store",
            "store_id",
            "direction",
            "payment_method",
            "effective_from",
            "id",
            postgresql_where=OF_STORE,
        ),
        Index(
            "ix_commission_changes_trader",
            "trader_id",
            "direction",
            "payment_method",
            "effective_from",
            "id",
            postgresql_where=OF_TRADER,
        ),
        Index("ix_commission_changes_effective", "effective_from"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    store_id: Mapped[int | None] = mapped_column(ForeignKey("merchant_stores.id"))
    trader_id: Mapped[int | None] = mapped_column(ForeignKey("traders.id"))
    direction: Mapped[str]
    payment_method: Mapped[str | None] = mapped_column(ForeignKey("payment_methods.code"))
    percent: Mapped[Decimal | None]
    percent_before: Mapped[Decimal | None]
    """What this same thing would have been at that moment when the change was made; unset when it was nothing."""
    effective_from: Mapped[Moment]
    set_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[str]
    created_at: Mapped[CreatedAt]
