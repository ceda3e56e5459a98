"""The demo world, made and kept by the same services real people use; refused in production (decision 21).

Safe to repeat on the same home: people, stores and requisites are found again by their names. What is shown only
once (passwords, keys, callback secrets) comes from what the caller remembers, and is made anew when it does not.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import parse_api_key, verify_password
from jivapay.database.models.people import MerchantStore, User
from jivapay.database.models.reference import Bank, PaymentMethod
from jivapay.database.session import Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import ConfigurationError
from jivapay.schemas_enums.enums import AccountKind, ActorKind, DepositNetwork, OwnerType, RequisiteStatus, Role
from jivapay.services import (
    api_key_service,
    deposit_service,
    merchant_service,
    permission_service,
    rate_service,
    reference_data,
    requisite_service,
    settings_service,
    trader_service,
    user_service,
)
from jivapay.services.deposit_service import NewDeposit
from jivapay.services.merchant_service import NewStore
from jivapay.services.merchant_service.keys import KeyMaker
from jivapay.services.requisite_service import Limits, NewRequisite, RequisiteView
from jivapay.services.seed_service import demo_cast as cast
from jivapay.services.seed_service.demo_cast import CastMerchant, CastStore, CastTrader, Staff
from jivapay.services.seed_service.reference import BANK_CURRENCY, seed_reference_data
from jivapay.services.user_service import NewTrader, NewUser
from jivapay.utils.resources import Resources

CRYPTO = "USDT"
SYSTEM = Actor.system("demo")
KEY_NAME = "demo"
REASON = "demo world"
PASSWORD_BYTES = 12
REQUISITES_MAX = 200


class Pace(StrEnum):
    """How long the world's people are waited for: as in life, or short, so that every outcome is soon seen."""

    LIFE = "life"
    SHORT = "short"


PACES: dict[Pace, dict[str, object]] = {
    Pace.LIFE: {
        **{
            name: BusinessSettings.model_fields[name.lower()].get_default()
            for name in (
                "SESSION_TTL_SECONDS",
                "CLIENT_PAY_SECONDS",
                "TRADER_CONFIRM_SECONDS",
                "PAYOUT_ACCEPT_SECONDS",
                "PAYOUT_PAY_SECONDS",
                "PAYOUT_CLEARING_SECONDS",
                "LATE_PAYMENT_WINDOW_SECONDS",
            )
        },
        # Somebody who tries things out asks for the same amount again and again.
        "AMOUNT_COOLDOWN_SECONDS": 5,
    },
    Pace.SHORT: {
        "SESSION_TTL_SECONDS": 45,
        "CLIENT_PAY_SECONDS": 30,
        "TRADER_CONFIRM_SECONDS": 30,
        "PAYOUT_ACCEPT_SECONDS": 20,
        "PAYOUT_PAY_SECONDS": 40,
        "PAYOUT_CLEARING_SECONDS": 30,
        "LATE_PAYMENT_WINDOW_SECONDS": 25,
        "AMOUNT_COOLDOWN_SECONDS": 20,
    },
}
ALWAYS: dict[str, object] = {
    "TOTP_REQUIRED_ROLES": (),
    "RATE_MANUAL_TTL_SECONDS": 3650 * 86_400,
    "OPEN_UNPAID_MAX_PER_CUSTOMER": 100_000,
    "OPEN_UNPAID_MAX_PER_ADDRESS": 100_000,
    "OPEN_UNPAID_MAX_PER_STORE": 1_000_000,
    "LATE_CLAIMS_MAX_PER_ADDRESS": 1000,
    # All of them call from this machine.
    "RATE_LIMIT_LOGIN": "6000/minute",
    "RATE_LIMIT_REFRESH": "6000/minute",
    "RATE_LIMIT_PAGE": "60000/minute",
    "RATE_LIMIT_GATEWAY": "60000/minute",
    "RATE_LIMIT_USER": "6000/minute",
}


@dataclass(frozen=True, slots=True)
class DemoPerson:
    role: str
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DemoStore:
    id: str
    name: str
    api_key: str = field(repr=False)
    callback_secret: str = field(repr=False)
    test: bool


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """Everybody and every store, with what is needed to act for them."""

    users: tuple[DemoPerson, ...]
    stores: tuple[DemoStore, ...]


NOTHING_KNOWN = DemoWorld((), ())


async def seed_demo_world(resources: Resources, pace: Pace, known: DemoWorld = NOTHING_KNOWN) -> DemoWorld:
    """Make the world, or mend what is missing of it; `known` is what an earlier call gave.

    Raises ConfigurationError in production.
    """
    if resources.settings.is_production:
        raise ConfigurationError("Demo data is refused in production.")
    builder = _Builder(resources, {person.email: person.password for person in known.users})
    async with resources.database.write() as session:
        await seed_reference_data(session)
        await _offer_only(session, banks=cast.BANKS, methods=cast.METHODS)
        staff = {one.email: await builder.staff(session, one) for one in cast.STAFF}
        admin, second = staff[cast.ADMIN.email], staff[cast.SECOND_PERSON.email]
        await _grant(session, admin.actor, staff)
        await settings_service.set_settings(session, admin.actor, {**ALWAYS, **PACES[pace]})
        await _keep_rate(session, admin.actor)
        stores: list[_Opened] = []
        for merchant in cast.MERCHANTS:
            stores += await builder.merchant(session, admin.actor, merchant, known.stores)
        traders = [
            await builder.trader(session, admin.actor, one, staff[cast.TEAM_LEAD.email].public_id)
            for one in cast.TRADERS
        ]
    treasury = _Treasury(resources.database, admin.actor, second.actor)
    for one, trader in zip(cast.TRADERS, traders, strict=True):
        if not one.test:
            await treasury.fill_trader(trader)
    for opened in stores:
        if not opened.store.test:
            await treasury.fill_store(opened)
    return DemoWorld(tuple(builder.people), tuple(opened.store for opened in stores))


async def _offer_only(session: WriteSession, *, banks: Collection[str], methods: Collection[str]) -> None:
    """What no trader of this world has is not on offer, so that whatever is offered is served."""
    await session.execute(update(Bank).values(is_active=Bank.code.in_(banks)))
    await session.execute(update(PaymentMethod).values(is_active=PaymentMethod.code.in_(methods)))


@dataclass(frozen=True, slots=True)
class _Inhabitant:
    public_id: UUID
    actor: Actor


@dataclass(frozen=True, slots=True)
class _Opened:
    """A store, and its merchant, who may look into it."""

    store: DemoStore
    merchant: Actor


async def _grant(session: WriteSession, admin: Actor, staff: Mapping[str, _Inhabitant]) -> None:
    """What staff of an earlier world may not do yet."""
    for one in cast.STAFF:
        if set(one.permissions) - set(staff[one.email].actor.permissions):
            user = await user_service.get_user(session, staff[one.email].public_id)
            await permission_service.update_user_permissions(session, admin, user, one.permissions)


@dataclass(slots=True)
class _Builder:
    resources: Resources
    passwords: Mapping[str, str]
    people: list[DemoPerson] = field(default_factory=list)

    async def staff(self, session: WriteSession, one: Staff) -> _Inhabitant:
        return await self._person(session, NewUser(one.email, one.role, one.name, permissions=one.permissions))

    async def trader(self, session: WriteSession, admin: Actor, one: CastTrader, team_lead: UUID) -> _Inhabitant:
        """A trader in work with an approved card and phone at each bank."""
        profile = NewTrader(BANK_CURRENCY, CRYPTO, cast.TRADER_COMMISSION, team_lead=team_lead, test=one.test)
        trader = await self._person(session, NewUser(one.email, Role.TRADER, one.name, trader=profile))
        await self._requisites(session, admin, trader.actor, one)
        await trader_service.set_work(session, trader.actor, in_work=True)
        return trader

    async def merchant(
        self, session: WriteSession, admin: Actor, one: CastMerchant, known: Sequence[DemoStore]
    ) -> list[_Opened]:
        merchant = await self._person(session, NewUser(one.email, Role.MERCHANT, one.name))
        remembered = {store.id: store for store in known}
        stores = [await self._store(session, admin, merchant.actor, store, remembered) for store in one.stores]
        return [_Opened(store, merchant.actor) for store in stores]

    async def _person(self, session: WriteSession, new: NewUser) -> _Inhabitant:
        password = self.passwords.get(new.email)
        user = await session.scalar(select(User).where(func.lower(User.email) == new.email))
        if user is None:
            password = password or secrets.token_urlsafe(PASSWORD_BYTES)
            wanted = NewUser(new.email, new.role, new.name, password, permissions=new.permissions, trader=new.trader)
            user = (await user_service.create_user(session, SYSTEM, wanted, must_change_password=False)).user
        elif password is None or not (await verify_password(password, user.password_hash))[0]:
            password = (await user_service.reset_password(session, SYSTEM, user.public_id)).initial_password or ""
        self.people.append(DemoPerson(new.role.value, new.email, password))
        profile = await permission_service.find_profile(session, user.id, new.role)
        if profile is None:
            raise ConfigurationError(f"{new.email} exists already and is no {new.role}.")
        actor = Actor(ActorKind.USER, id=user.id, role=new.role, owner_id=profile.id, permissions=profile.permissions)
        return _Inhabitant(user.public_id, actor)

    async def _requisites(self, session: WriteSession, admin: Actor, trader: Actor, one: CastTrader) -> None:
        cipher = self.resources.cipher
        views, _ = await requisite_service.list_requisites(session, trader, cipher=cipher, page_size=REQUISITES_MAX)
        there = {(view.requisite.bank, view.requisite.payment_method): view for view in views}
        limits = Limits(cast.LOWER_LIMIT, cast.UPPER_LIMIT, pay_out=True, max_open_orders=1000)
        for bank in cast.BANKS:
            for method, number in zip(cast.METHODS, (one.phone, one.card(bank)), strict=True):
                if (bank, method) in there:
                    await self._open_for_payouts(session, trader, there[bank, method])
                    continue
                new = NewRequisite(method, bank, number, one.name, limits)
                made = await requisite_service.create_requisite(session, trader, new, cipher=cipher)
                await requisite_service.set_requisite_status(
                    session,
                    admin,
                    made.thing.requisite.public_id,
                    RequisiteStatus.APPROVE,
                    reason=REASON,
                    cipher=cipher,
                )

    async def _open_for_payouts(self, session: WriteSession, trader: Actor, view: RequisiteView) -> None:
        if not view.settings.pay_out:
            await requisite_service.update_requisite(
                session,
                trader,
                view.requisite.public_id,
                details={},
                limits={"pay_out": True},
                excluded=None,
                cipher=self.resources.cipher,
            )

    async def _open_store_for_payouts(
        self, session: WriteSession, merchant: Actor, store: MerchantStore, one: CastStore
    ) -> None:
        if not store.pay_out_enabled:
            await merchant_service.update_merchant_store(
                session, merchant, store.public_id, one.options, settings=self.resources.settings
            )

    async def _store(
        self,
        session: WriteSession,
        admin: Actor,
        merchant: Actor,
        one: CastStore,
        known: Mapping[str, DemoStore],
    ) -> DemoStore:
        """The merchant's store of that name; key and callback secret as remembered while they are good."""
        views = await merchant_service.get_merchant_stores(session, merchant)
        view = next((view for view in views if view.store.name == one.name), None)
        secret = None
        if view is None:
            store_id, secret = await self._open_store(session, admin, merchant, one)
        else:
            store_id = view.store.public_id
            await self._open_store_for_payouts(session, merchant, view.store, one)
        remembered = known.get(str(store_id))
        key = remembered.api_key if remembered else None
        if key is None or not await self._is_live(session, key):
            key = await self._issue_key(session, merchant, store_id)
        if secret is None:
            secret = remembered.callback_secret if remembered else None
        if secret is None:
            secret = await merchant_service.rotate_callback_secret(
                session, merchant, store_id, cipher=self.resources.cipher, keep_previous=False
            )
        return DemoStore(str(store_id), one.name, key, secret, one.test)

    async def _open_store(
        self, session: WriteSession, admin: Actor, merchant: Actor, one: CastStore
    ) -> tuple[UUID, str]:
        limits = (cast.LOWER_LIMIT, cast.STORE_UPPER_LIMIT)
        new = NewStore(one.name, BANK_CURRENCY, CRYPTO, *limits, test=one.test, options=one.options)
        made = await merchant_service.create_merchant_store(
            session, merchant, new, settings=self.resources.settings, cipher=self.resources.cipher
        )
        store_id = made.thing.view.store.public_id
        await merchant_service.set_store_terms(
            session, admin, store_id, commission=cast.STORE_COMMISSION, margin_percent=None
        )
        return store_id, made.thing.callback_secret

    async def _is_live(self, session: WriteSession, key: str) -> bool:
        parts = parse_api_key(key)
        return parts is not None and await api_key_service.find_key_use(session, parts.kid) is not None

    async def _issue_key(self, session: WriteSession, merchant: Actor, store_id: UUID) -> str:
        """A new key; those of earlier worlds, which nobody remembers, end."""
        for row in await merchant_service.list_api_keys(session, merchant, store_id):
            if row.name == KEY_NAME and row.revoked_at is None and row.expires_at is None:
                await merchant_service.revoke_api_key(session, merchant, store_id, row.public_id)
        pepper = self.resources.settings.api_key_pepper
        if pepper is None:
            raise ConfigurationError("API_KEY_PEPPER must be set.")
        maker = KeyMaker(pepper.get_secret_value(), self.resources.cipher)
        issued = await merchant_service.issue_api_key(
            session,
            merchant,
            store_id,
            name=KEY_NAME,
            scopes=api_key_service.SCOPES,
            networks=(),
            maker=maker,
        )
        return issued.thing.key


async def _keep_rate(session: WriteSession, admin: Actor) -> None:
    """The fixed rate, alive again however long nothing ran."""
    rates: Any = await reference_data.list_exchange_rates(session)
    if not any(rate.sell_rate == cast.RATE and (rate.fiat, rate.crypto) == (BANK_CURRENCY, CRYPTO) for rate in rates):
        await rate_service.set_rate(session, admin, fiat=BANK_CURRENCY, crypto=CRYPTO, rate=cast.RATE)
    ttl = ALWAYS["RATE_MANUAL_TTL_SECONDS"]
    await rate_service.stamp_manual_rates(
        session, BusinessSettings().model_copy(update={"rate_manual_ttl_seconds": ttl})
    )


@dataclass(frozen=True, slots=True)
class _Treasury:
    """Fills up balances of which less than half is left: one person records the deposit, another decides it."""

    database: Database
    admin: Actor
    second: Actor

    async def fill_trader(self, trader: _Inhabitant) -> None:
        async with self.database.read() as session:
            balances = await trader_service.list_balances(session, trader.actor)
        available = next(balance.available for balance, _ in balances if balance.kind is AccountKind.CRYPTO)
        await self._fill(OwnerType.TRADER, trader.public_id, available, cast.DEPOSIT)

    async def fill_store(self, opened: _Opened) -> None:
        store_id = UUID(opened.store.id)
        async with self.database.read() as session:
            balance, _ = await merchant_service.get_store_balance(session, opened.merchant, store_id)
        await self._fill(OwnerType.STORE, store_id, balance.available, cast.STORE_DEPOSIT)

    async def _fill(self, owner_type: OwnerType, owner_id: UUID, available: Decimal, full: Decimal) -> None:
        if available >= full / 2:
            return
        tx_hash = secrets.token_hex(32)
        new = NewDeposit(owner_type, owner_id, full, CRYPTO, DepositNetwork.TRON, tx_hash, "", REASON)
        async with self.database.write() as session:
            made = await deposit_service.request_deposit(session, self.admin, new, BusinessSettings())
        async with self.database.write() as session:
            await deposit_service.decide_deposit(
                session, self.second, made.thing.deposit.public_id, approve=True, reason=REASON
            )
