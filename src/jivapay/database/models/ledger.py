"""The double-entry ledger (decision 10). Only `balance_manager` imports these; triggers keep them append-only.

Signs: plus means the owner's claim grows. A transfer sums to zero per currency, proved by a deferred trigger.
"""

from decimal import Decimal

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import CURRENT_XID, Amount, Base, CreatedAt, Moment, PrimaryKey, PublicId, Xid8

FALSE, ZERO = text("false"), text("0")


class Account(Base):
    """One account per owner, kind, currency and world. `rolled_up` ones are insert-only: a job adds their postings."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("owner_type", "owner_id", "kind", "currency", "test", postgresql_nulls_not_distinct=True),
        CheckConstraint("owner_type in ('store', 'trader', 'platform', 'world')", name="owner_type"),
        CheckConstraint("kind in ('crypto', 'fiat')", name="kind"),
        CheckConstraint(
            "balance <> 'NaN' and abs(balance) < 'Infinity' and held <> 'NaN' and held >= 0 and held < 'Infinity'",
            name="finite",
        ),
        CheckConstraint("may_go_negative or balance - held >= 0", name="available"),
    )

    id: Mapped[PrimaryKey]
    owner_type: Mapped[str]
    owner_id: Mapped[int | None]
    kind: Mapped[str]
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    balance: Mapped[Amount] = mapped_column(server_default=ZERO)
    held: Mapped[Amount] = mapped_column(server_default=ZERO)
    may_go_negative: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    rolled_up: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    rolled_xid: Mapped[str | None] = mapped_column(Xid8)
    """Postings of transactions before this one are in `balance` (hard case 5)."""
    created_at: Mapped[CreatedAt]


class Transfer(Base):
    """One movement of money for one reason; the same reason cannot move money twice."""

    __tablename__ = "transfers"
    __table_args__ = (
        UniqueConstraint("kind", "ref_type", "ref_id"),
        CheckConstraint("(kind like '%\\_reversal') = (reverses_id is not null)", name="reversal_names"),
        Index("ix_transfers_created", "created_at", postgresql_using="brin"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    kind: Mapped[str]
    ref_type: Mapped[str]
    ref_id: Mapped[int]
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("transfers.id"), unique=True)
    xid: Mapped[str] = mapped_column(Xid8, server_default=CURRENT_XID)
    created_at: Mapped[CreatedAt]


class Posting(Base):
    """One signed leg. `balance_after` continues the account's running balance; unset on rolled-up accounts."""

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint("amount <> 0 and amount <> 'NaN' and abs(amount) < 'Infinity'", name="amount"),
        Index("ix_postings_account", "account_id", "id"),
        Index("ix_postings_account_xid", "account_id", "xid"),
        # Statements: what an account had at a moment, without a look at the rows.
        Index("ix_postings_account_created", "account_id", "created_at", "id", postgresql_include=["amount"]),
        Index("ix_postings_xid", "xid"),
        Index("ix_postings_created", "created_at", postgresql_using="brin"),
    )

    id: Mapped[PrimaryKey]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfers.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    amount: Mapped[Amount]
    balance_after: Mapped[Decimal | None]
    xid: Mapped[str] = mapped_column(Xid8, server_default=CURRENT_XID)
    created_at: Mapped[CreatedAt]


class Hold(Base):
    """A part of a balance set aside for an open deal; ends once: posted, voided or replaced (hard case 2)."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("amount > 0 and amount <> 'NaN' and amount < 'Infinity'", name="amount"),
        CheckConstraint("status in ('active', 'posted', 'voided', 'replaced')", name="status"),
        CheckConstraint("(status = 'active') = (resolved_at is null)", name="resolved"),
        Index(
            "uq_holds_active",
            "ref_type",
            "ref_id",
            "account_id",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
        Index("ix_holds_ref", "ref_type", "ref_id"),
        Index("ix_holds_created", "created_at", postgresql_using="brin"),
        Index("ix_holds_account_active", "account_id", postgresql_where=text("status = 'active'")),
    )

    id: Mapped[PrimaryKey]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    amount: Mapped[Amount]
    ref_type: Mapped[str]
    ref_id: Mapped[int]
    status: Mapped[str] = mapped_column(server_default=text("'active'"))
    created_at: Mapped[CreatedAt]
    resolved_at: Mapped[Moment | None]


class Cover(Base):
    """What the platform has lent an owner by two persons' decision, until his credits have repaid it (hard case 1)."""

    __tablename__ = "covers"
    __table_args__ = (
        CheckConstraint("amount > 0 and amount < 'Infinity'", name="amount"),
        CheckConstraint("outstanding >= 0 and outstanding <= amount", name="outstanding"),
        CheckConstraint("(outstanding = 0) = (repaid_at is not null)", name="repaid"),
        Index("ix_covers_open", "account_id", postgresql_where=text("outstanding > 0")),
    )

    id: Mapped[PrimaryKey]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    amount: Mapped[Amount]
    outstanding: Mapped[Amount]
    ref_type: Mapped[str]
    """What the decision was about: `dispute` or `order`."""
    ref_id: Mapped[int]
    created_at: Mapped[CreatedAt]
    repaid_at: Mapped[Moment | None]


class CoverRepayment(Base):
    """A part of a cover that came back."""

    __tablename__ = "cover_repayments"
    __table_args__ = (CheckConstraint("amount > 0 and amount < 'Infinity'", name="amount"),)

    id: Mapped[PrimaryKey]
    cover_id: Mapped[int] = mapped_column(ForeignKey("covers.id"), index=True)
    amount: Mapped[Amount]
    created_at: Mapped[CreatedAt]
