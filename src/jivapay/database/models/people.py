"""People and their profiles: users, sessions, staff, merchants with stores, traders (ENT-01 to ENT-05, ENT-16)."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
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
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Amount, Base, CreatedAt, Moment, PrimaryKey, PublicId

NO_PERMISSIONS = text("'[]'::jsonb")
TRUE, FALSE, ZERO = text("true"), text("false"), text("0")


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", text("lower(email)"), unique=True),
        CheckConstraint("role in ('admin', 'support', 'teamlead', 'trader', 'merchant')", name="role"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    email: Mapped[str]
    name: Mapped[str] = mapped_column(server_default=text("''"))
    role: Mapped[str]
    password_hash: Mapped[str]
    must_change_password: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    """An initial password only allows changing it (in production)."""
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=TRUE)
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Encrypted; a second factor is on when `totp_enabled_at` is set."""
    totp_enabled_at: Mapped[Moment | None]
    totp_last_step: Mapped[int | None]
    """The last time step whose code was used: a code works once."""
    language: Mapped[str] = mapped_column(server_default=text("'ru'"))
    time_zone: Mapped[str] = mapped_column(server_default=text("'Europe/Moscow'"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class UserSession(Base):
    """One sign-in. Access tokens name it, so that ending it ends them at once."""

    __tablename__ = "user_sessions"

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    refresh_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    previous_refresh_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    """The one before the last rotation: seen again, it was stolen, and the session ends."""
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
    stepped_up_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
    """When the person last proved himself; money operations ask for it to be recent."""
    expires_at: Mapped[Moment]
    revoked_at: Mapped[Moment | None]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]


class SignInFailure(Base):
    """Failed sign-ins by account, counted in the database so that an outage of the broker opens no window."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index("ix_sign_in_failures_account", "account", "at"),)

    id: Mapped[PrimaryKey]
    account: Mapped[str]
    """The e-mail as typed, lower case, whether or not such a user exists."""
    ip: Mapped[str | None]
    at: Mapped[CreatedAt]


class Admin(Base):
    __tablename__ = "admins"

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    granted_permissions: Mapped[list[str]] = mapped_column(JSONB, server_default=NO_PERMISSIONS)


class Support(Base):
    __tablename__ = "supports"

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    granted_permissions: Mapped[list[str]] = mapped_column(JSONB, server_default=NO_PERMISSIONS)
    role_description: Mapped[str] = mapped_column(server_default=text("''"))


class TeamLead(Base):
    __tablename__ = "team_leads"

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    granted_permissions: Mapped[list[str]] = mapped_column(JSONB, server_default=NO_PERMISSIONS)


class Merchant(Base):
    __tablename__ = "merchants"

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)


class MerchantStore(Base):
    """A merchant's shop: its keys, currencies, limits, callback. `test` never changes and crosses no link."""

    __tablename__ = "merchant_stores"
    __table_args__ = (
        CheckConstraint("lower_limit >= 0 and upper_limit >= lower_limit and upper_limit < 'Infinity'", name="limits"),
        CheckConstraint("processing_ttl_seconds between 5 and 3600", name="processing_ttl"),
        CheckConstraint("rate_margin_percent >= 0 and rate_margin_percent < 100", name="rate_margin"),
        CheckConstraint("amount_policy in ('always_ask', 'accept_within_percent')", name="amount_policy"),
        CheckConstraint("amount_percent >= 0 and amount_percent <= 5", name="amount_percent"),
        UniqueConstraint("id", "test"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str]
    fiat_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    crypto_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    lower_limit: Mapped[Amount] = mapped_column(server_default=ZERO)
    upper_limit: Mapped[Amount]
    pay_in_enabled: Mapped[bool] = mapped_column(Boolean, server_default=TRUE)
    pay_out_enabled: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    access: Mapped[bool] = mapped_column(Boolean, server_default=TRUE)
    """False: the store's keys are refused."""
    traffic_access: Mapped[bool] = mapped_column(Boolean, server_default=TRUE)
    """False: no new orders; those that exist go on."""
    callback_url: Mapped[str | None]
    callback_secret: Mapped[bytes] = mapped_column(LargeBinary)
    callback_secret_previous: Mapped[bytes | None] = mapped_column(LargeBinary)
    gateway_require_customer_id_param: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    gateway_require_amount_param: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    require_signed_requests: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    receipt_required: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    return_hosts: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    processing_ttl_seconds: Mapped[int | None] = mapped_column(Integer)
    """How long the customer has to pay; `CLIENT_PAY_SECONDS` when unset."""
    rate_margin_percent: Mapped[Amount] = mapped_column(server_default=ZERO)
    support_url: Mapped[str | None]
    amount_policy: Mapped[str] = mapped_column(server_default=text("'always_ask'"))
    """What happens when another amount than agreed arrives and both sides state it."""
    amount_percent: Mapped[Amount] = mapped_column(server_default=ZERO)
    """How far it may be off under `accept_within_percent`."""
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    archived_at: Mapped[Moment | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class StoreCommission(Base):
    """The default as it was last set to hold at once. `CommissionChange` decides what is in force."""

    __tablename__ = "store_commissions"
    __table_args__ = (
        CheckConstraint(
            "commission_payin >= 0 and commission_payin < 100 and commission_payout >= 0 and commission_payout < 100",
            name="percent",
        ),
    )

    store_id: Mapped[int] = mapped_column(ForeignKey("merchant_stores.id"), primary_key=True)
    commission_payin: Mapped[Amount]
    commission_payout: Mapped[Amount]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class StoreApiKey(Base):
    """A store's key: shown once, kept as a keyed hash; its mode is its store's."""

    __tablename__ = "store_api_keys"
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "test"], ["merchant_stores.id", "merchant_stores.test"], name="fk_store_api_keys_store_test"
        ),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    store_id: Mapped[int] = mapped_column(index=True)
    test: Mapped[bool] = mapped_column(Boolean)
    key_id: Mapped[str] = mapped_column(unique=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    last_four: Mapped[str]
    name: Mapped[str] = mapped_column(server_default=text("''"))
    signing_secret: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    networks: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """CIDRs the key may be used from; empty: anywhere."""
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[Moment | None]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]


class StoreSequence(Base):
    """The last number of a store's stream of events; given by the relay alone."""

    __tablename__ = "store_sequences"

    store_id: Mapped[int] = mapped_column(ForeignKey("merchant_stores.id"), primary_key=True)
    last_seq: Mapped[int] = mapped_column(server_default=ZERO)


class Trader(Base):
    __tablename__ = "traders"
    __table_args__ = (UniqueConstraint("id", "test"),)

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), unique=True)
    team_lead_id: Mapped[int | None] = mapped_column(ForeignKey("team_leads.id"), index=True)
    in_work: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    is_traffic_enabled_by_teamlead: Mapped[bool] = mapped_column(Boolean, server_default=TRUE)
    traffic_priority: Mapped[int] = mapped_column(Integer, server_default=text("100"))
    """Lower is served first; copied to the trader's requisites."""
    fiat_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    crypto_currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    test: Mapped[bool] = mapped_column(Boolean, server_default=FALSE)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)


class TraderCommission(Base):
    """As of stores."""

    __tablename__ = "trader_commissions"
    __table_args__ = (
        CheckConstraint(
            "commission_payin >= 0 and commission_payin < 100 and commission_payout >= 0 and commission_payout < 100",
            name="percent",
        ),
    )

    trader_id: Mapped[int] = mapped_column(ForeignKey("traders.id"), primary_key=True)
    commission_payin: Mapped[Amount]
    commission_payout: Mapped[Amount]
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
