"""Reference data: currencies, payment methods, banks, exchange rates (ENT-18), and the business settings."""

from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, SmallInteger, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import APP_NOW, Amount, Base, CreatedAt, Moment, PrimaryKey


class Currency(Base):
    __tablename__ = "currencies"
    __table_args__ = (
        CheckConstraint("kind in ('fiat', 'crypto')", name="kind"),
        CheckConstraint("scale between 0 and 8", name="scale"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    scale: Mapped[int] = mapped_column(SmallInteger)
    """Decimals of an amount in this currency."""
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))


class PaymentMethod(Base):
    __tablename__ = "payment_methods"

    code: Mapped[str] = mapped_column(primary_key=True)
    """`sbp`, `card`, `account`."""
    number_kind: Mapped[str]
    """What a requisite's number is: `phone`, `card`, `account`."""
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    position: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class Bank(Base):
    __tablename__ = "banks"

    code: Mapped[str] = mapped_column(primary_key=True)
    public_name: Mapped[str]
    """As customers know it; not translated."""
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    position: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class BankMethod(Base):
    """Which methods a bank offers."""

    __tablename__ = "bank_methods"

    bank: Mapped[str] = mapped_column(ForeignKey("banks.code"), primary_key=True)
    payment_method: Mapped[str] = mapped_column(ForeignKey("payment_methods.code"), primary_key=True)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))


class ExchangeRate(Base):
    """One rate as set by a person or a source; the newest of a pair is in force."""

    __tablename__ = "exchange_rates"
    __table_args__ = (
        Index("ix_exchange_rates_pair", "fiat", "crypto", "id"),
        CheckConstraint(
            "buy_rate > 0 and sell_rate > 0 and buy_rate < 'Infinity' and sell_rate < 'Infinity'", name="positive"
        ),
    )

    id: Mapped[PrimaryKey]
    fiat: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    crypto: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    buy_rate: Mapped[Amount]
    """Fiat per crypto, used for pay-outs."""
    sell_rate: Mapped[Amount]
    """Fiat per crypto, used for pay-ins."""
    source: Mapped[str]
    set_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
    """The rate's age counts from here."""
    stamped_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
    """The source's last heartbeat."""
    set_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class ConfigurationSetting(Base):
    """One business setting, as text; its type, bounds and default stand in `config/business_settings.py`."""

    __tablename__ = "configuration_settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"))
    updated_at: Mapped[Moment] = mapped_column(server_default=APP_NOW)
    updated_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class ConfigurationSettingHistory(Base):
    __tablename__ = "configuration_setting_history"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(index=True)
    old_value: Mapped[str | None]
    new_value: Mapped[str]
    changed_at: Mapped[CreatedAt]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class FraudListEntry(Base):
    """A block or allow list entry; `value` is the address, the store's customer id, or a blind index in hex."""

    __tablename__ = "fraud_list_entries"
    __table_args__ = (Index("uq_fraud_list_entries", "list_type", "kind", "value", unique=True),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True, server_default=text("gen_random_uuid()"))
    list_type: Mapped[str]
    kind: Mapped[str]
    value: Mapped[str]
    reason: Mapped[str]
    expires_at: Mapped[Moment | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]


class FailedTask(Base):
    """A task that ended for good: the dead-letter queue a Valkey broker does not have (K58)."""

    __tablename__ = "failed_tasks"

    id: Mapped[PrimaryKey]
    task_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    args: Mapped[list[object]] = mapped_column(JSONB)
    error: Mapped[str]
    traceback: Mapped[str]
    failed_at: Mapped[CreatedAt]
    resolved_at: Mapped[Moment | None]


class Heartbeat(Base):
    """When a background part was last seen; a gap moves the deadlines that passed in it (hard case 24)."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[Moment]
