"""Callbacks to stores: each delivery is the intention itself, each attempt a record (CBK-01 to CBK-06)."""

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import Base, CreatedAt, Json, Moment, PrimaryKey

DUE = text("state in ('pending', 'retrying') and store_seq is not null")


class CallbackDelivery(Base):
    """One event of one status version of an order, to be sent to the store until it answers 2xx."""

    __tablename__ = "callback_deliveries"
    __table_args__ = (
        UniqueConstraint("order_type", "order_id", "status_version"),
        UniqueConstraint("store_id", "store_seq"),
        # By store first: deliveries are leased store by store, so that one shop's backlog is not read through.
        Index("ix_callback_deliveries_due", "store_id", "next_attempt_at", "id", postgresql_where=DUE),
        Index("ix_callback_deliveries_unsequenced", "id", postgresql_where=text("store_seq is null")),
        Index("ix_callback_deliveries_leased", "store_id", postgresql_where=text("leased_until is not null")),
        Index("ix_callback_deliveries_public_order", "public_order_id"),
    )

    id: Mapped[PrimaryKey]
    event_id: Mapped[str] = mapped_column(unique=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("merchant_stores.id"))
    order_type: Mapped[str]
    """`incoming_order` while it has no order, `order` afterwards."""
    order_id: Mapped[int]
    public_order_id: Mapped[UUID] = mapped_column(Uuid)
    event_type: Mapped[str]
    order_status: Mapped[str]
    status_version: Mapped[int]
    url: Mapped[str | None]
    payload: Mapped[Json]
    """The body, but for `store_seq`, `timestamp` and `signature`."""
    test: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_attempt_at: Mapped[Moment | None]
    leased_until: Mapped[Moment | None]
    lease_owner: Mapped[UUID | None] = mapped_column(Uuid)
    store_seq: Mapped[int | None]
    """Position in the store's stream; a delivery is due only once it has one."""
    delivered_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]


class DisabledCallbackAddress(Base):
    """An address that answered 410: nothing is sent there until the merchant enables it again."""

    __tablename__ = "disabled_callback_addresses"

    store_id: Mapped[int] = mapped_column(ForeignKey("merchant_stores.id"), primary_key=True)
    url: Mapped[str] = mapped_column(primary_key=True)
    disabled_at: Mapped[CreatedAt]


class CallbackAttempt(Base):
    __tablename__ = "callback_attempts"

    id: Mapped[PrimaryKey]
    delivery_id: Mapped[int] = mapped_column(ForeignKey("callback_deliveries.id"), index=True)
    attempt: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[Moment]
    duration_ms: Mapped[int] = mapped_column(Integer)
    response_status: Mapped[int | None] = mapped_column(SmallInteger)
    failure: Mapped[str | None]
    """The class of failure: `timeout`, `blocked_address`, `tls`, `status`; never the remote's text."""
    request_headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    response_excerpt: Mapped[str | None]
