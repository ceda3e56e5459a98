"""Money that leaves and money that is set right: withdrawals with their address book, and manual adjustments."""

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Amount, Base, CreatedAt, Moment, PrimaryKey, PublicId

FALSE, ZERO = text("false"), text("0")


class WithdrawalAddress(Base):
    """Where somebody may have money sent: written down once, usable after a cooling-off time."""

    __tablename__ = "withdrawal_addresses"
    __table_args__ = (
        Index(
            "uq_withdrawal_addresses_address",
            "user_id",
            "network",
            "address",
            unique=True,
            postgresql_where=text("removed_at is null"),
        ),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    """A trader, or a merchant for all his stores."""
    network: Mapped[str]
    address: Mapped[str]
    label: Mapped[str]
    usable_at: Mapped[Moment]
    removed_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]


class Withdrawal(Base):
    """Money on its way out. Held from the request on, with the network's fee, which is frozen then (hard case 14)."""

    __tablename__ = "withdrawals"
    __table_args__ = (
        CheckConstraint("owner_type in ('store', 'trader', 'platform')", name="owner_type"),
        CheckConstraint("(owner_type = 'platform') = (owner_id is null)", name="owner"),
        CheckConstraint("amount > 0 and amount < 'Infinity'", name="amount"),
        CheckConstraint("network_fee >= 0 and network_fee < 'Infinity'", name="network_fee"),
        CheckConstraint("(status = 'sent') = (tx_hash is not null)", name="sent"),
        CheckConstraint("(status in ('sending', 'sent')) = (claimed_by is not null)", name="claimed"),
        Index(
            "uq_withdrawals_transaction",
            "network",
            text("lower(tx_hash)"),
            unique=True,
            postgresql_where=text("tx_hash is not null"),
        ),
        Index("ix_withdrawals_owner", "owner_type", "owner_id", "id"),
        Index("ix_withdrawals_open", "id", postgresql_where=text("status in ('requested', 'approved', 'sending')")),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    owner_type: Mapped[str]
    owner_id: Mapped[int | None]
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    amount: Mapped[Amount]
    """What arrives; the owner pays the fee besides."""
    network_fee: Mapped[Amount]
    network: Mapped[str]
    address: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=text("'requested'"))
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """The one person who sends it."""
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decision_reason: Mapped[str | None]
    tx_hash: Mapped[str | None]
    sent_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class BalanceAdjustment(Base):
    """A balance set right by two persons: by an amount, or by undoing one transfer that it names."""

    __tablename__ = "balance_adjustments"
    __table_args__ = (
        CheckConstraint("owner_type in ('store', 'trader', 'platform')", name="owner_type"),
        CheckConstraint("(owner_type = 'platform') = (owner_id is null)", name="owner"),
        CheckConstraint("amount <> 0 and abs(amount) < 'Infinity'", name="amount"),
        CheckConstraint("(corrects_type is null) = (corrects_id is null)", name="corrects"),
        CheckConstraint(
            "status <> 'posted' or (decided_by is not null and decided_by <> requested_by)", name="two_persons"
        ),
        Index(
            "uq_balance_adjustments_corrects",
            "corrects_type",
            "corrects_id",
            unique=True,
            postgresql_where=text("corrects_id is not null and status <> 'rejected'"),
        ),
        Index("ix_balance_adjustments_owner", "owner_type", "owner_id", "id"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    owner_type: Mapped[str]
    owner_id: Mapped[int | None]
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    amount: Mapped[Amount]
    """What the owner gets; below zero what he gives."""
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    reason: Mapped[str]
    corrects_type: Mapped[str | None]
    """`deposit`, `withdrawal` or `balance_adjustment`, whose transfer is undone."""
    corrects_id: Mapped[int | None]
    status: Mapped[str] = mapped_column(server_default=text("'requested'"))
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decision_reason: Mapped[str | None]
    decided_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
