"""Rows of people and their things, inserted as administration would leave them: users, stores, traders, requisites."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert

from jivapay.config.crypto import Cipher, new_callback_secret
from jivapay.database.models.people import (
    Admin,
    Merchant,
    MerchantStore,
    StoreCommission,
    Trader,
    TraderCommission,
    User,
)
from jivapay.database.models.reference import Bank, BankMethod, Currency, PaymentMethod
from jivapay.database.models.requisites import OwnerOfRequisites, Requisite, RequisiteSettings
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.permissions import FULL
from jivapay.schemas_enums.enums import ActorKind, RequisiteStatus, Role
from jivapay.services.api_key_service import StoreContext

FIAT, CRYPTO = "RUB", "USDT"
METHODS = {"sbp": "phone", "card": "card"}
BANKS = {"sber": "Сбербанк", "tbank": "Т-Банк", "alfa": "Альфа-Банк"}


@dataclass(frozen=True, slots=True)
class TraderHere:
    """A trader with the user he signs in as."""

    id: int
    user_id: int
    user_public_id: UUID
    actor: Actor
    test: bool


async def add_reference_data(session: WriteSession) -> None:
    """Roubles and USDT, three banks with cards and SBP; what is there already stays."""
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (Currency, [{"code": FIAT, "kind": "fiat", "scale": 2}, {"code": CRYPTO, "kind": "crypto", "scale": 6}]),
        (PaymentMethod, [{"code": code, "number_kind": kind} for code, kind in METHODS.items()]),
        (Bank, [{"code": code, "public_name": name, "currency": FIAT} for code, name in BANKS.items()]),
        (BankMethod, [{"bank": bank, "payment_method": method} for bank in BANKS for method in METHODS]),
    ]
    for table, values in rows:
        await session.execute(upsert(table).values(values).on_conflict_do_nothing())


async def add_user(session: WriteSession, role: Role) -> tuple[int, UUID]:
    public_id = new_id()
    user_id = await session.scalar(
        insert(User)
        .values(public_id=public_id, email=f"{role.value}-{public_id.hex}@example.com", role=role, password_hash="x")
        .returning(User.id)
    )
    assert user_id is not None
    return user_id, public_id


async def add_admin(session: WriteSession) -> Actor:
    user_id, _ = await add_user(session, Role.ADMIN)
    await session.execute(insert(Admin).values(user_id=user_id, granted_permissions=[FULL]))
    return Actor(ActorKind.USER, user_id, Role.ADMIN, permissions=(FULL,))


async def add_store(
    session: WriteSession,
    cipher: Cipher,
    *,
    test: bool = False,
    percent: Decimal = Decimal(3),
    values: Mapping[str, Any] | None = None,
) -> StoreContext:
    """A merchant's only store. `values` are columns that differ from what is usual."""
    user_id, _ = await add_user(session, Role.MERCHANT)
    merchant_id = await session.scalar(insert(Merchant).values(user_id=user_id).returning(Merchant.id))
    public_id = new_id()
    secret = cipher.encrypt(new_callback_secret(), f"merchant_stores.callback_secret:{public_id}")
    usual = {
        "public_id": public_id,
        "merchant_id": merchant_id,
        "name": "Shop",
        "fiat_currency": FIAT,
        "crypto_currency": CRYPTO,
        "upper_limit": Decimal(1_000_000),
        "callback_secret": secret,
        "test": test,
    }
    store = await session.scalar(insert(MerchantStore).values({**usual, **(values or {})}).returning(MerchantStore))
    assert store is not None
    await session.execute(
        insert(StoreCommission).values(store_id=store.id, commission_payin=percent, commission_payout=percent)
    )
    return StoreContext.of(store, key_id="k", actor=Actor.store(store.id))


async def add_trader(
    session: WriteSession, *, test: bool = False, percent: Decimal = Decimal(1), values: Mapping[str, Any] | None = None
) -> TraderHere:
    """A trader in work. He has neither deposit nor requisite yet."""
    user_id, public_id = await add_user(session, Role.TRADER)
    usual = {"user_id": user_id, "in_work": True, "fiat_currency": FIAT, "crypto_currency": CRYPTO, "test": test}
    trader_id = await session.scalar(insert(Trader).values({**usual, **(values or {})}).returning(Trader.id))
    assert trader_id is not None
    await session.execute(
        insert(TraderCommission).values(trader_id=trader_id, commission_payin=percent, commission_payout=percent)
    )
    actor = Actor(ActorKind.USER, user_id, Role.TRADER, owner_id=trader_id)
    return TraderHere(trader_id, user_id, public_id, actor, test)


async def add_requisite(
    session: WriteSession,
    cipher: Cipher,
    trader: TraderHere,
    *,
    method: str = "card",
    bank: str = "sber",
    number: str = "4276380012345675",
    limits: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
) -> int:
    """An approved requisite. `limits` are columns of its settings, `values` of the requisite."""
    owner_public_id, public_id = new_id(), new_id()
    holder = cipher.encrypt("Иванов Иван Петрович", f"owners_of_requisites.full_name:{owner_public_id}")
    owner_id = await session.scalar(
        insert(OwnerOfRequisites)
        .values(public_id=owner_public_id, trader_id=trader.id, full_name=holder)
        .returning(OwnerOfRequisites.id)
    )
    usual = {
        "public_id": public_id,
        "trader_id": trader.id,
        "owner_id": owner_id,
        "fiat_currency": FIAT,
        "payment_method": method,
        "bank": bank,
        "number": cipher.encrypt(number, f"requisites.number:{public_id}"),
        "number_index": cipher.blind_index(number, "requisites.number"),
        "last_four": number[-4:],
        "status": RequisiteStatus.APPROVE.value,
        "test": trader.test,
    }
    requisite_id = await session.scalar(insert(Requisite).values({**usual, **(values or {})}).returning(Requisite.id))
    assert requisite_id is not None
    settings = {"requisite_id": requisite_id, "upper_limit": Decimal(1_000_000), "max_open_orders": 1000}
    await session.execute(insert(RequisiteSettings).values({**settings, **(limits or {})}))
    return requisite_id
