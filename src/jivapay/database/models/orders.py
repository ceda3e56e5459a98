"""Incoming orders, orders and payment sessions (ENT-10 to ENT-12), with the columns of domain.md."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Amount, Base, CreatedAt, Moment, PrimaryKey, PublicId

FALSE, ZERO = text("false"), text("0")


class IncomingOrder(Base):
    """A request as the store made it. Its `public_id` is the `order_id` everybody uses (decision 6)."""

    __tablename__ = "incoming_orders"
    __table_args__ = (
        UniqueConstraint("store_id", "direction", "external_id"),
        UniqueConstraint("id", "store_id", "direction", "test"),
        ForeignKeyConstraint(
            ["store_id", "test"], ["merchant_stores.id", "merchant_stores.test"], name="fk_incoming_orders_store_test"
        ),
        CheckConstraint("direction in ('pay_in', 'pay_out')", name="direction"),
        CheckConstraint("amount_fiat > 0 and amount_fiat < 'Infinity'", name="amount_fiat"),
        CheckConstraint("(direction = 'pay_out') = (recipient is not null)", name="recipient"),
        Index("ix_incoming_orders_due", "next_attempt_at", postgresql_where=text("status in ('new', 'retrying')")),
        Index(
            "ix_incoming_orders_waiting",
            "expires_at",
            postgresql_where=text("status in ('new', 'retrying', 'manual_review')"),
        ),
        Index("ix_incoming_orders_store_created", "store_id", "created_at"),
        Index(
            "ix_incoming_orders_customer",
            "store_id",
            "customer_id",
            postgresql_where=text("status in ('new', 'retrying', 'assigned')"),
        ),
        Index(
            "ix_incoming_orders_customer_ip",
            "customer_ip",
            postgresql_where=text("customer_ip is not null and status in ('new', 'retrying', 'assigned')"),
        ),
        Index("ix_incoming_orders_payout", "payout_id", postgresql_where=text("payout_id is not null")),
        Index(
            "uq_incoming_orders_payout_alive",
            "payout_id",
            unique=True,
            postgresql_where=text("payout_id is not null and status not in ('failed', 'cancelled', 'expired')"),
        ),
        CheckConstraint("payout_id is null or direction = 'pay_out'", name="payout_id"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    store_id: Mapped[int]
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    direction: Mapped[str]
    external_id: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the parsed request without `wait_seconds`: the same external id with another body is refused."""
    amount_fiat: Mapped[Decimal | None] = mapped_column()
    """Unset until the customer has chosen it on the page."""
    fiat_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    crypto_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    amount_crypto: Mapped[Decimal | None]
    """As quoted; the order's is what counts."""
    quoted_rate: Mapped[Decimal | None]
    """With the store's margin, as shown; `quoted_base_rate` is without it."""
    quoted_base_rate: Mapped[Decimal | None]
    quoted_source: Mapped[str | None]
    quoted_at: Mapped[Moment | None]
    """The rate's moment. The quote holds while it is at most RATE_MAX_AGE_SECONDS old."""
    payment_method: Mapped[str | None] = mapped_column(ForeignKey("payment_methods.code"))
    bank: Mapped[str | None] = mapped_column(ForeignKey("banks.code"))
    recipient: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of a pay-out: whom to pay, number and holder, encrypted."""
    recipient_last_four: Mapped[str | None]
    store_percent: Mapped[Decimal | None]
    """Of a pay-out: the store's commission, frozen with its hold; a pay-in's is frozen on the order."""
    margin_percent: Mapped[Decimal | None]
    """Likewise the store's margin."""
    customer_id: Mapped[str | None]
    customer_ip: Mapped[str | None]
    return_url: Mapped[str | None]
    callback_url: Mapped[str | None]
    order_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default=text("'{}'::jsonb"))
    hosted: Mapped[bool] = mapped_column(Boolean)
    """True when a payment page belongs to it; false when the store shows the requisite itself."""
    payout_id: Mapped[int | None] = mapped_column(ForeignKey("payouts.id"))
    """The payout request that it carries out. One that may still pay at a time (hard case 18)."""
    status: Mapped[str] = mapped_column(server_default=text("'new'"))
    retry_count: Mapped[int] = mapped_column(Integer, server_default=ZERO)
    next_attempt_at: Mapped[Moment | None]
    """Due when passed; unset while amount or method is still open."""
    last_attempt_at: Mapped[Moment | None]
    failure_code: Mapped[str | None]
    failure_reason: Mapped[str | None]
    failure_details: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """When no requisite was found: how many failed each rule."""
    assigned_order_id: Mapped[int | None] = mapped_column(
        ForeignKey("orders.id", use_alter=True, name="fk_incoming_orders_assigned_order_id")
    )
    review_approved_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    review_approved_at: Mapped[Moment | None]
    expires_at: Mapped[Moment]
    """Until a requisite is reserved: when it lapses. Afterwards the order's clock counts."""
    version: Mapped[int] = mapped_column(server_default=ZERO)
    earlier_steps: Mapped[int] = mapped_column(server_default=ZERO)
    """Steps of its declined orders, so that the version that is shown only grows."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)

    @hybrid_property
    def steps(self) -> int:
        """Status steps until now, also those of its declined orders; in a query, too."""
        return self.version + 1 + self.earlier_steps


class Order(Base):
    """The specification's OrderHistory: the deal with one trader, with everything frozen at assignment."""

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(
            ["incoming_order_id", "store_id", "direction", "test"],
            ["incoming_orders.id", "incoming_orders.store_id", "incoming_orders.direction", "incoming_orders.test"],
            name="fk_orders_incoming_order",
        ),
        ForeignKeyConstraint(
            ["requisite_id", "trader_id", "test"],
            ["requisites.id", "requisites.trader_id", "requisites.test"],
            name="fk_orders_requisite",
        ),
        Index(
            "uq_orders_incoming_order", "incoming_order_id", unique=True, postgresql_where=text("status <> 'declined'")
        ),
        Index(
            "uq_orders_amount_slot",
            "trader_id",
            "fiat_currency",
            "amount_slot",
            unique=True,
            postgresql_where=text("amount_slot is not null"),
        ),
        Index("ix_orders_declined", "incoming_order_id", postgresql_where=text("status = 'declined'")),
        Index("ix_orders_clearing", "clearing_until", postgresql_where=text("cleared_at is null")),
        Index("ix_orders_requisite_created", "requisite_id", "created_at"),
        Index("ix_orders_trader_created", "trader_id", "created_at"),
        Index("ix_orders_store_created", "store_id", "created_at"),
        Index(
            "ix_orders_expires",
            "expires_at",
            postgresql_where=text("status in ('pending', 'pending_trader_confirmation', 'in_progress')"),
        ),
        Index("ix_orders_revived", "store_id", "revived_at", postgresql_where=text("revived_at is not null")),
        Index(
            "ix_orders_left_unpaid",
            "trader_id",
            "left_unpaid_at",
            postgresql_where=text("left_unpaid_at is not null"),
        ),
        CheckConstraint("amount_fiat > 0 and amount_agreed > 0 and amount_fiat < 'Infinity'", name="amount_fiat"),
        CheckConstraint("rate > 0 and base_rate > 0 and rate < 'Infinity'", name="rate"),
        CheckConstraint(
            "store_commission >= 0 and trader_commission >= 0 and platform_profit >= 0 and amount_crypto > 0 "
            "and amount_crypto <> 'NaN' and amount_crypto < 'Infinity'",
            name="legs",
        ),
        CheckConstraint("amount_slot is null or direction = 'pay_in'", name="amount_slot"),
        CheckConstraint("least(amount_by_trader, amount_by_payer, amount_by_store) > 0", name="amounts_stated"),
        CheckConstraint("direction = 'pay_out' or (clearing_until is null and cleared_at is null)", name="clearing"),
    )

    id: Mapped[PrimaryKey]
    incoming_order_id: Mapped[int]
    store_id: Mapped[int]
    trader_id: Mapped[int]
    requisite_id: Mapped[int]
    direction: Mapped[str]
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    status: Mapped[str] = mapped_column(server_default=text("'pending'"))
    fiat_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    crypto_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    amount_agreed: Mapped[Amount]
    amount_fiat: Mapped[Amount]
    """What is settled; the agreed amount unless another one arrived and was settled on."""
    amount_by_trader: Mapped[Decimal | None]
    """What he said has arrived, when that is not what was agreed; so for payer and store (hard case 13)."""
    amount_by_payer: Mapped[Decimal | None]
    amount_by_store: Mapped[Decimal | None]
    from_third_party: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    """The trader said that somebody else than the payer has sent it (hard case 22): only people decide then."""
    payer_bank: Mapped[str | None]
    payer_name: Mapped[str | None]
    """As the payer said at confirmation: the last four digits of what he paid from, or his name."""
    amount_exceptions: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    amount_slot: Mapped[Decimal | None]
    """Holds this exact amount at this trader for this payer alone (hard case 17)."""
    slot_free_at: Mapped[Moment | None]
    """Set when left unpaid: from then on the selector may free the slot."""
    rate: Mapped[Amount]
    """With the store's margin, as shown to the store."""
    base_rate: Mapped[Amount]
    margin_percent: Mapped[Decimal | None]
    """What makes `rate` of `base_rate`; unset on orders from before it was kept whose store's margin has changed."""
    rate_source: Mapped[str]
    rate_at: Mapped[Moment]
    amount_crypto: Mapped[Amount]
    """The store's leg before commission."""
    trader_amount_crypto: Mapped[Amount]
    """The trader's leg before commission; differs from the store's by the margin."""
    store_percent: Mapped[Amount]
    trader_percent: Mapped[Amount]
    store_commission: Mapped[Amount]
    trader_commission: Mapped[Amount]
    platform_profit: Mapped[Amount]
    limit_lower: Mapped[Amount]
    limit_upper: Mapped[Amount]
    limit_window_minutes: Mapped[int | None] = mapped_column(Integer)
    limit_window_sum: Mapped[Decimal | None]
    limit_open_max: Mapped[int] = mapped_column(Integer)
    counted_day: Mapped[date | None] = mapped_column(Date)
    """The day this order is counted on; unset when it is not counted (hard case 21)."""
    counted_amount: Mapped[Amount] = mapped_column(server_default=ZERO)
    expires_at: Mapped[Moment | None]
    """When the present status must have been left; by whom depends on the status."""
    left_unpaid_at: Mapped[Moment | None]
    """When it left `pending` for `expired` or `cancelled`: the late window counts from here."""
    rate_until: Mapped[Moment | None]
    """Until when the frozen rate covers a late payment; unset again once a later one has taken its own rate."""
    revived_at: Mapped[Moment | None]
    confirmation_source: Mapped[str | None]
    client_confirmed_at: Mapped[Moment | None]
    accepted_at: Mapped[Moment | None]
    """When the trader took a pay-out on: from then on he alone may pay it."""
    completed_at: Mapped[Moment | None]
    clearing_until: Mapped[Moment | None]
    """Of a completed pay-out: when its trader may use what he was credited; unset while a case keeps it."""
    cleared_at: Mapped[Moment | None]
    """When he was given the use of it."""
    receipt_confirmed_at: Mapped[Moment | None]
    """When the store said that the recipient has the money."""
    cancellation_reason: Mapped[str | None]
    """Why it was cancelled or declined."""
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)

    @hybrid_property
    def steps(self) -> int:
        """Status steps until now; in a query, too."""
        return self.version + 1


class PaymentSession(Base):
    """The life of one hosted page. The token is looked up by its hash and given again from its encrypted copy.

    It has no clock of its own: until a requisite is reserved the incoming order's counts, afterwards the order's.
    """

    __tablename__ = "payment_sessions"

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    incoming_order_id: Mapped[int] = mapped_column(ForeignKey("incoming_orders.id"), unique=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    token: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(server_default=text("'active'"))
    language: Mapped[str | None]
    first_opened_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
