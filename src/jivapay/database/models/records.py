"""What is written about everything else: status history, audit, outbox, idempotency, the money freeze."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import CURRENT_XID, Base, CreatedAt, Moment, PrimaryKey, Xid8


class StatusTransition(Base):
    """The allowed steps, as printed in `domain/order_states.py`; the triggers read them."""

    __tablename__ = "status_transitions"

    entity: Mapped[str] = mapped_column(primary_key=True)
    from_status: Mapped[str] = mapped_column(primary_key=True)
    """Empty for the first status."""
    to_status: Mapped[str] = mapped_column(primary_key=True)


class StatusHistory(Base):
    """Every step, written by a trigger from the transaction's actor and reason."""

    __tablename__ = "status_history"
    __table_args__ = (
        UniqueConstraint("entity", "entity_id", "version"),
        Index("ix_status_history_at", "at", postgresql_using="brin"),
    )

    id: Mapped[PrimaryKey]
    entity: Mapped[str]
    entity_id: Mapped[int]
    version: Mapped[int]
    from_status: Mapped[str | None]
    to_status: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[int | None]
    reason: Mapped[str]
    at: Mapped[CreatedAt]


class AuditLog(Base):
    """Who did what to which thing. Append-only; chained after commit in `audit_chain` (hard case 23)."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(
            "uq_audit_log_step",
            "entity",
            "entity_id",
            "version",
            unique=True,
            postgresql_where=text("version is not null"),
        ),
        Index("ix_audit_log_entity", "entity", "entity_id"),
        Index("ix_audit_log_xid", "xid"),
        Index("ix_audit_log_at", "at", postgresql_using="brin"),
        Index("ix_audit_log_level", "level", "id", postgresql_where=text("level in ('ERROR', 'CRITICAL')")),
        Index("ix_audit_log_actor", "actor_kind", "actor_id", "id"),
    )

    id: Mapped[PrimaryKey]
    at: Mapped[CreatedAt]
    level: Mapped[str] = mapped_column(server_default=text("'INFO'"))
    action: Mapped[str]
    entity: Mapped[str | None]
    entity_id: Mapped[int | None]
    version: Mapped[int | None]
    """The status step this row belongs to, when it is about one."""
    actor_kind: Mapped[str]
    actor_id: Mapped[int | None]
    actor_role: Mapped[str | None]
    ip: Mapped[str | None]
    request_id: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    """Ids, states and field names; never values a person must not see."""
    xid: Mapped[str] = mapped_column(Xid8, server_default=CURRENT_XID)


class AuditChain(Base):
    """The hash chain over committed audit rows; one leader appends, nobody changes."""

    __tablename__ = "audit_chain"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    audit_id: Mapped[int] = mapped_column(ForeignKey("audit_log.id"), unique=True)
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Horizon(Base):
    """How far a background reader has come, as a transaction id: never a watermark of row ids (hard case 5)."""

    __tablename__ = "horizons"

    name: Mapped[str] = mapped_column(primary_key=True)
    xid: Mapped[str] = mapped_column(Xid8)


class Outbox(Base):
    """An intention that leaves the database; published by the relay after commit."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_undispatched", "id", postgresql_where=text("dispatched_at is null")),)

    id: Mapped[PrimaryKey]
    topic: Mapped[str]
    ref_type: Mapped[str]
    ref_id: Mapped[int]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    request_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    dispatched_at: Mapped[Moment | None]


class IdempotencyKey(Base):
    """One key, one resource: written in the transaction that makes the resource (hard case 25)."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created", "created_at"),)

    scope: Mapped[str] = mapped_column(primary_key=True)
    """Whose key it is: `store:12`, `user:5`."""
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    resource_type: Mapped[str]
    resource_id: Mapped[int]
    replayable: Mapped[bool] = mapped_column(server_default=text("true"))
    """False when the first answer showed a secret once."""
    created_at: Mapped[CreatedAt]


class MoneyFreeze(Base):
    """While a row is not lifted, money operations are refused (decision 21)."""

    __tablename__ = "money_freezes"
    __table_args__ = (
        Index(
            "uq_money_freezes_open",
            text("(lifted_at is null)"),
            unique=True,
            postgresql_where=text("lifted_at is null"),
        ),
        CheckConstraint("(lifted_at is null) = (lift_reason is null)", name="lifted"),
    )

    id: Mapped[PrimaryKey]
    reason: Mapped[str]
    invariant: Mapped[str | None]
    frozen_at: Mapped[CreatedAt]
    lifted_at: Mapped[Moment | None]
    lift_reason: Mapped[str | None]
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class AcknowledgedViolation(Base):
    """A row that contradicts an invariant and that a person has looked at: it freezes money no more.

    It stands for this row only, as it was: another one, or the same one with other values, freezes again.
    """

    __tablename__ = "acknowledged_violations"

    invariant: Mapped[str] = mapped_column(primary_key=True)
    row_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    row: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """Unset for the command line."""
    acknowledged_at: Mapped[CreatedAt]


class InvariantRun(Base):
    """One run of the invariants: what it covered and what it found."""

    __tablename__ = "invariant_runs"

    id: Mapped[PrimaryKey]
    started_at: Mapped[CreatedAt]
    duration_ms: Mapped[int]
    complete: Mapped[bool]
    """False for a run over what changed since the last one."""
    violations: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
