"""Requisites: the cards, accounts and phones on which traders receive and pay, with limits and running usage."""

from datetime import date

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Amount, Base, CreatedAt, Moment, PrimaryKey, PublicId

FALSE, ZERO = text("false"), text("0")


class OwnerOfRequisites(Base):
    """Who a requisite belongs to by name; personal data, encrypted."""

    __tablename__ = "owners_of_requisites"

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    trader_id: Mapped[int] = mapped_column(ForeignKey("traders.id"), index=True)
    full_name: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]


class Requisite(Base):
    """The specification's ReqTrader. Usage counters are kept under this row's lock (hard cases 17, 21)."""

    __tablename__ = "requisites"
    __table_args__ = (
        ForeignKeyConstraint(["trader_id", "test"], ["traders.id", "traders.test"], name="fk_requisites_trader_test"),
        UniqueConstraint("id", "trader_id", "test"),
        CheckConstraint("status in ('check', 'approve', 'reject', 'blocked', 'archived')", name="status"),
        Index("ix_requisites_number", "number_index"),
        Index(
            "ix_requisites_round_robin",
            "fiat_currency",
            "test",
            "payment_method",
            "traffic_priority",
            text("last_used_at nulls first"),
            "id",
            postgresql_where=text("status = 'approve' and not is_excluded_from_distribution"),
        ),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    trader_id: Mapped[int] = mapped_column(index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners_of_requisites.id"))
    fiat_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    payment_method: Mapped[str] = mapped_column(ForeignKey("payment_methods.code"))
    bank: Mapped[str] = mapped_column(ForeignKey("banks.code"))
    number: Mapped[bytes] = mapped_column(LargeBinary)
    number_index: Mapped[bytes] = mapped_column(LargeBinary)
    """Blind index: equal for equal numbers, says nothing else."""
    last_four: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=text("'check'"))
    status_reason: Mapped[str | None]
    traffic_priority: Mapped[int] = mapped_column(Integer, server_default=text("100"))
    is_excluded_from_distribution: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    last_used_at: Mapped[Moment | None]
    day: Mapped[date | None] = mapped_column(Date)
    """The UTC day that `day_used` counts."""
    day_used: Mapped[Amount] = mapped_column(server_default=ZERO)
    total_used: Mapped[Amount] = mapped_column(server_default=ZERO)
    open_count: Mapped[int] = mapped_column(Integer, server_default=ZERO)
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class RequisiteSettings(Base):
    """The specification's FullRequisitesSettings. An unset limit is no limit; amounts are fiat."""

    __tablename__ = "requisite_settings"
    __table_args__ = (
        CheckConstraint("lower_limit >= 0 and upper_limit >= lower_limit and upper_limit < 'Infinity'", name="limits"),
        CheckConstraint("(turnover_limit_minutes is null) = (turnover_limit_sum is null)", name="window"),
        CheckConstraint("max_open_orders > 0", name="max_open_orders"),
    )

    requisite_id: Mapped[int] = mapped_column(ForeignKey("requisites.id"), primary_key=True)
    pay_in: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    pay_out: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    lower_limit: Mapped[Amount] = mapped_column(server_default=ZERO)
    upper_limit: Mapped[Amount]
    total_limit: Mapped[Amount | None]
    """Lifetime turnover."""
    turnover_day_max: Mapped[Amount | None]
    """A UTC day."""
    turnover_limit_minutes: Mapped[int | None] = mapped_column(Integer)
    turnover_limit_sum: Mapped[Amount | None]
    """Within any window of `turnover_limit_minutes`."""
    max_open_orders: Mapped[int] = mapped_column(Integer, server_default=text("10"))
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
