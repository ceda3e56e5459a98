"""What everybody may know: currencies, payment methods, banks and the rates in force (ENT-18, E51)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from jivapay.database.models.reference import Bank, BankMethod, Currency, ExchangeRate, PaymentMethod
from jivapay.database.session import AnySession
from jivapay.exceptions import ValidationFailed
from jivapay.schemas_enums.enums import CurrencyKind


@dataclass(frozen=True, slots=True)
class BankInfo:
    """A bank with the methods it offers."""

    code: str
    name: str
    currency: str
    payment_methods: tuple[str, ...]


async def list_currencies(session: AnySession) -> Sequence[Currency]:
    return (await session.scalars(select(Currency).where(Currency.is_active).order_by(Currency.code))).all()


async def list_payment_methods(session: AnySession) -> Sequence[PaymentMethod]:
    statement = select(PaymentMethod).where(PaymentMethod.is_active)
    return (await session.scalars(statement.order_by(PaymentMethod.position, PaymentMethod.code))).all()


async def list_banks(session: AnySession) -> list[BankInfo]:
    """Active banks with at least one active method."""
    statement = (
        select(Bank.code, Bank.public_name, Bank.currency, BankMethod.payment_method)
        .join(BankMethod, BankMethod.bank == Bank.code)
        .join(PaymentMethod, PaymentMethod.code == BankMethod.payment_method)
        .where(Bank.is_active, BankMethod.is_active, PaymentMethod.is_active)
        .order_by(Bank.position, Bank.code, PaymentMethod.position, PaymentMethod.code)
    )
    banks: dict[str, BankInfo] = {}
    for code, name, currency, method in await session.execute(statement):
        known = banks.get(code)
        methods = (*known.payment_methods, method) if known else (method,)
        banks[code] = BankInfo(code, name, currency, methods)
    return list(banks.values())


async def list_exchange_rates(session: AnySession) -> Sequence[ExchangeRate]:
    """The newest rate of every pair."""
    statement = (
        select(ExchangeRate)
        .ext(distinct_on(ExchangeRate.fiat, ExchangeRate.crypto))
        .order_by(ExchangeRate.fiat, ExchangeRate.crypto, ExchangeRate.id.desc())
    )
    return (await session.scalars(statement)).all()


async def get_currency(session: AnySession, code: str, kind: CurrencyKind, *, loc: str = "currency") -> Currency:
    """An active currency of that kind. Raises ValidationFailed `currency.unknown`."""
    currency = await session.get(Currency, code)
    if currency is None or not currency.is_active or currency.kind != kind:
        raise ValidationFailed.at("body", loc, code="currency.unknown")
    return currency


async def get_scales(session: AnySession) -> Mapping[str, int]:
    """Decimals of an amount, by currency."""
    return dict((await session.execute(select(Currency.code, Currency.scale))).all())


async def get_bank_method(session: AnySession, bank: str, payment_method: str) -> tuple[Bank, PaymentMethod]:
    """An active method that this active bank offers.

    Raises ValidationFailed `payment_method.unavailable` or `bank.unavailable`.
    """
    method = await session.get(PaymentMethod, payment_method)
    if method is None or not method.is_active:
        raise ValidationFailed.at("body", "payment_method", code="payment_method.unavailable")
    found = await session.get(Bank, bank)
    offered = await session.get(BankMethod, (bank, payment_method))
    if found is None or not found.is_active or offered is None or not offered.is_active:
        raise ValidationFailed.at("body", "bank", code="bank.unavailable")
    return found, method


async def check_method_and_bank(session: AnySession, currency: str, method: str | None, bank: str | None) -> None:
    """A method on offer, and a bank of this currency that offers it. What is None is not checked.

    Raises ValidationFailed `payment_method.unavailable` or `bank.unavailable`.
    """
    banks = {info.code: info for info in await list_banks(session) if info.currency == currency}
    if method is not None and not any(method in info.payment_methods for info in banks.values()):
        raise ValidationFailed.at("body", "payment_method", code="payment_method.unavailable")
    if bank is not None and (bank not in banks or (method or "") not in {"", *banks[bank].payment_methods}):
        raise ValidationFailed.at("body", "bank", code="bank.unavailable")
