"""Approvals: what a person decided about money, and the second person's word where one is needed (hard case 14)."""

from sqlalchemy import ARRAY, BigInteger, Boolean, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import Amount, Base, CreatedAt, Json, Moment, PrimaryKey, PublicId

ZERO = text("0")


class Approval(Base):
    """One money decision of one person. Also those that needed no second one: the sums of a day count them."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint("amount > 0 and amount < 'Infinity'", name="amount"),
        CheckConstraint(
            "status <> 'executed' or not needs_second_person"
            " or (decided_by is not null and decided_by <> requested_by and decided_by <> all (involved))",
            name="two_persons",
        ),
        Index(
            "uq_approvals_waiting",
            "action",
            "entity",
            "entity_id",
            unique=True,
            postgresql_where=text("status = 'requested'"),
        ),
        Index("ix_approvals_actor", "requested_by", "created_at"),
        Index("ix_approvals_beneficiary", "beneficiary_type", "beneficiary_id", "created_at"),
        Index("ix_approvals_about", "entity", "entity_id"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    action: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[int]
    entity_version: Mapped[int]
    """At which step of its object it was asked for; a later one makes it stale."""
    amount: Mapped[Amount]
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    beneficiary_type: Mapped[str]
    beneficiary_id: Mapped[int | None]
    payload: Mapped[Json]
    reason: Mapped[str]
    needs_second_person: Mapped[bool] = mapped_column(Boolean)
    involved: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    """Users with a part in the case besides the one who asked."""
    status: Mapped[str]
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decision_reason: Mapped[str | None]
    decided_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
