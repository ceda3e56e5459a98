"""Reference data, a row for every setting, and the first administrator. Repeatable: what is there stays as it is."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from jivapay.config.settings import Settings
from jivapay.database.models.reference import Bank, BankMethod, Currency, PaymentMethod
from jivapay.database.session import Database, WriteSession
from jivapay.schemas_enums.enums import CurrencyKind
from jivapay.services import settings_service, user_service

ADMIN_EMAIL = "admin@jivapay.example"
"""Of the first administrator, unless JIVAPAY_ADMIN_EMAIL says another."""
PASSWORD_BYTES = 15

CURRENCIES = {"RUB": (CurrencyKind.FIAT, 2), "USDT": (CurrencyKind.CRYPTO, 6)}
METHODS = {"sbp": "phone", "card": "card", "account": "account"}
EVERYTHING = ("sbp", "card", "account")
BANKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "sberbank": ("Сбербанк", EVERYTHING),
    "tbank": ("Т-Банк", EVERYTHING),
    "alfabank": ("Альфа-Банк", EVERYTHING),
    "vtb": ("ВТБ", EVERYTHING),
    "raiffeisen": ("Райффайзен Банк", EVERYTHING),
    "gazprombank": ("Газпромбанк", EVERYTHING),
    "ozon": ("Озон Банк", ("sbp", "card")),
    "yandex": ("Яндекс Банк", ("sbp",)),
}
BANK_CURRENCY = "RUB"


@dataclass(frozen=True, slots=True)
class Seeded:
    """Who may sign in first. `password` only when it was made here: it is shown once."""

    email: str
    password: str | None = field(repr=False)


async def seed(database: Database, settings: Settings) -> Seeded:
    """Everything a new platform needs. Raises ValidationFailed when the given initial password is too weak."""
    given = settings.jivapay_admin_password
    email = settings.jivapay_admin_email or ADMIN_EMAIL
    password = given.get_secret_value() if given else secrets.token_urlsafe(PASSWORD_BYTES)
    async with database.write() as session:
        await seed_reference_data(session)
        created = await user_service.create_first_administrator(session, email, password)
    return Seeded(email, password if created and given is None else None)


async def seed_reference_data(session: WriteSession) -> None:
    """Currencies, payment methods, banks, settings."""
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (
            Currency,
            [{"code": code, "kind": kind.value, "scale": scale} for code, (kind, scale) in CURRENCIES.items()],
        ),
        (
            PaymentMethod,
            [
                {"code": code, "number_kind": kind, "position": place}
                for place, (code, kind) in enumerate(METHODS.items())
            ],
        ),
        (
            Bank,
            [
                {"code": code, "public_name": name, "currency": BANK_CURRENCY, "position": place}
                for place, (code, (name, _)) in enumerate(BANKS.items())
            ],
        ),
        (
            BankMethod,
            [{"bank": code, "payment_method": method} for code, (_, methods) in BANKS.items() for method in methods],
        ),
    ]
    for table, values in rows:
        await session.execute(insert(table).values(values).on_conflict_do_nothing())
    await settings_service.add_missing_settings(session)
