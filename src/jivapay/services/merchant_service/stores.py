"""Stores: a merchant makes and changes his own, an administrator sets what the platform takes (STA-07).

Somebody else's store does not exist here. A store is never deleted: it is archived, with its keys revoked. Late money
may still reach it (a lapsed order that is paid after all, a pay-out that is reversed): its merchant sees it and takes
it out as ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update

from jivapay.config.crypto import Cipher, new_callback_secret
from jivapay.config.settings import Settings
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.people import Merchant, MerchantStore, StoreApiKey
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import ZERO, fits_scale
from jivapay.domain.urls import find_return_url_problem
from jivapay.exceptions import Conflict, NotFound, ValidationFailed
from jivapay.schemas_enums.enums import CurrencyKind, IncomingOrderStatus, OrderStatus, OwnerType
from jivapay.services import audit_service, balance_manager, commission_service, idempotency, reference_data
from jivapay.services.balance_manager import AccountKey, Balance
from jivapay.services.callback_service import callback_rules, find_url_problem
from jivapay.services.commission_service import AT_ONCE, Commission, When
from jivapay.services.idempotency import IdempotencyClaim, Made

STORES_MAX = 200
"""Of one merchant."""


@dataclass(frozen=True, slots=True)
class NewStore:
    """What a merchant says about a new store."""

    name: str
    fiat_currency: str
    crypto_currency: str
    lower_limit: Decimal
    upper_limit: Decimal
    test: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """Other columns a merchant may set, by name."""


@dataclass(frozen=True, slots=True)
class StoreView:
    """A store with what is needed to show it."""

    store: MerchantStore
    commission: Commission | None
    fiat_scale: int
    crypto_scale: int


@dataclass(frozen=True, slots=True)
class CreatedStore:
    view: StoreView
    callback_secret: str = field(repr=False)
    """Shown once."""


async def create_merchant_store(
    session: WriteSession,
    actor: Actor,
    new: NewStore,
    *,
    settings: Settings,
    cipher: Cipher,
    claim: IdempotencyClaim | None = None,
) -> Made[CreatedStore]:
    """A store of the acting merchant. It takes orders once an administrator has set its commission.

    Raises ValidationFailed (currency, limits, addresses), Conflict `store.too_many`.
    """

    async def make() -> tuple[int, CreatedStore]:
        created = await _create(session, actor, new, settings, cipher)
        return created.view.store.id, created

    return await idempotency.make_once(session, claim, resource_type="store", make=make, load=None)


async def get_merchant_stores(session: AnySession, actor: Actor) -> list[StoreView]:
    """The acting merchant's stores, newest first, without archived ones."""
    return await _views(session, _own(actor).where(MerchantStore.archived_at.is_(None)))


async def get_merchant_store(
    session: AnySession, actor: Actor, public_id: UUID, *, archived_too: bool = False
) -> StoreView:
    """`archived_too` where it is about the store's money. Raises NotFound, also for somebody else's."""
    return await _one(session, _own(actor).where(MerchantStore.public_id == public_id), archived_too=archived_too)


async def list_any_stores(session: AnySession, *, page: int = 1, page_size: int = 50) -> tuple[list[StoreView], int]:
    """For staff: one page of all stores, newest first, and how many there are."""
    total = await session.scalar(select(func.count()).select_from(MerchantStore))
    return await _views(session, select(MerchantStore).limit(page_size).offset((page - 1) * page_size)), total or 0


async def get_any_store(session: AnySession, public_id: UUID) -> StoreView:
    """For staff. Raises NotFound."""
    return await _one(session, select(MerchantStore).where(MerchantStore.public_id == public_id))


async def update_merchant_store(
    session: WriteSession, actor: Actor, public_id: UUID, changes: Mapping[str, Any], *, settings: Settings
) -> StoreView:
    """Change the given columns. Raises NotFound, ValidationFailed."""
    store = await lock_own_store(session, actor, public_id)
    await _check_values(session, settings, {**_checked_columns(store), **changes})
    for name, value in changes.items():
        setattr(store, name, list(value) if isinstance(value, tuple) else value)
    store.updated_at = await session.scalar(select(func.app_now())) or store.updated_at
    await session.flush()
    await audit_service.log_event(
        session, actor, "store.changed", entity="store", entity_id=store.id, details={"fields": sorted(changes)}
    )
    return await _view(session, store)


async def delete_merchant_store(session: WriteSession, actor: Actor, public_id: UUID) -> None:
    """Archive it and revoke its keys.

    Raises NotFound, Conflict `store.in_use` while orders are open, `store.has_balance` while money is in it.
    """
    store = await lock_own_store(session, actor, public_id)
    open_orders = select(IncomingOrder.id).where(
        IncomingOrder.store_id == store.id,
        IncomingOrder.status.not_in([status for status in IncomingOrderStatus if status.is_terminal]),
    )
    if await session.scalar(select(open_orders.exists())):
        raise Conflict("The store has open orders.", code="store.in_use")
    unsettled = select(Order.id).where(
        Order.store_id == store.id, Order.status.in_([status for status in OrderStatus if status.is_open])
    )
    if await session.scalar(select(unsettled.exists())):
        raise Conflict("The store has open orders.", code="store.in_use")
    key = AccountKey.store_crypto(store.id, store.crypto_currency, test=store.test)
    if (await balance_manager.get_balance(session, key)).total != ZERO and not store.test:
        raise Conflict("There is money in the store.", code="store.has_balance")
    await session.execute(
        update(MerchantStore).where(MerchantStore.id == store.id).values(archived_at=func.app_now(), access=False)
    )
    await session.execute(
        update(StoreApiKey)
        .where(StoreApiKey.store_id == store.id, StoreApiKey.revoked_at.is_(None))
        .values(revoked_at=func.app_now())
    )
    await audit_service.log_event(session, actor, "store.archived", entity="store", entity_id=store.id)


async def rotate_callback_secret(
    session: WriteSession, actor: Actor, public_id: UUID, *, cipher: Cipher, keep_previous: bool
) -> str:
    """A new secret, shown once; with `keep_previous` callbacks are signed with both until the next rotation."""
    store = await lock_own_store(session, actor, public_id)
    secret = new_callback_secret()
    store.callback_secret_previous = store.callback_secret if keep_previous else None
    store.callback_secret = cipher.encrypt(secret, callback_secret_context(store.public_id))
    await session.flush()
    await audit_service.log_event(session, actor, "store.callback_secret_rotated", entity="store", entity_id=store.id)
    return secret


async def get_store_balance(
    session: AnySession, actor: Actor, public_id: UUID, at: datetime | None = None
) -> tuple[Balance, int]:
    """What the platform owes the store, now or owed it then, and the currency's scale. Raises NotFound."""
    view = await get_merchant_store(session, actor, public_id, archived_too=True)
    store = view.store
    key = AccountKey.store_crypto(store.id, store.crypto_currency, test=store.test)
    return await balance_manager.get_balance_at(session, key, at), view.crypto_scale


async def set_store_access(
    session: WriteSession, actor: Actor, public_id: UUID, *, access: bool, traffic_access: bool, reason: str
) -> StoreView:
    """For administrators: whether its keys work, and whether it takes new orders. Raises NotFound."""
    store = await _lock_any_store(session, public_id)
    before = {"access": store.access, "traffic_access": store.traffic_access}
    store.access, store.traffic_access = access, traffic_access
    store.updated_at = await session.scalar(select(func.app_now())) or store.updated_at
    await session.flush()
    await audit_service.log_event(
        session,
        actor,
        "store.access_changed",
        entity="store",
        entity_id=store.id,
        details={"from": before, "to": {"access": access, "traffic_access": traffic_access}, "reason": reason},
    )
    return await _view(session, store)


async def set_store_terms(
    session: WriteSession,
    actor: Actor,
    public_id: UUID,
    *,
    commission: Commission,
    margin_percent: Decimal | None,
    when: When = AT_ONCE,
) -> StoreView:
    """For administrators; the margin is the whole store's and changes at once.

    Raises NotFound, Conflict `commission.store_below_trader` or `commission.default_missing`, ValidationFailed.
    """
    if margin_percent is not None and (when.payment_method is not None or when.effective_from is not None):
        raise ValidationFailed.at("body", "rate_margin_percent", code="validation.inconsistent")
    store = await _lock_any_store(session, public_id)
    await commission_service.set_store_commission(session, actor, store, commission, when)
    if margin_percent is not None:
        store.rate_margin_percent = margin_percent
        await session.flush()
        await audit_service.log_event(
            session,
            actor,
            "store.margin_set",
            entity="store",
            entity_id=store.id,
            details={"percent": str(margin_percent)},
        )
    return await _view(session, store)


async def end_store_method(session: WriteSession, actor: Actor, public_id: UUID, method: str, reason: str) -> None:
    """For administrators: the method follows the store's default again. Raises NotFound, Conflict."""
    store = await _lock_any_store(session, public_id)
    await commission_service.end_store_method(session, actor, store, method, reason)


async def _lock_any_store(session: WriteSession, public_id: UUID) -> MerchantStore:
    store = await session.scalar(
        select(MerchantStore).where(MerchantStore.public_id == public_id).with_for_update(key_share=True)
    )
    if store is None or store.archived_at is not None:
        raise NotFound
    return store


async def lock_own_store(session: WriteSession, actor: Actor, public_id: UUID) -> MerchantStore:
    """Locks the row. Raises NotFound, also for somebody else's or an archived one."""
    store = await session.scalar(
        _own(actor)
        .where(MerchantStore.public_id == public_id, MerchantStore.archived_at.is_(None))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if store is None:
        raise NotFound
    return store


def callback_secret_context(public_id: UUID) -> str:
    return f"merchant_stores.callback_secret:{public_id}"


async def _create(
    session: WriteSession, actor: Actor, new: NewStore, settings: Settings, cipher: Cipher
) -> CreatedStore:
    if actor.owner_id is None:
        raise NotFound
    await session.scalar(select(Merchant.id).where(Merchant.id == actor.owner_id).with_for_update())
    count = await session.scalar(
        select(func.count()).select_from(MerchantStore).where(MerchantStore.merchant_id == actor.owner_id)
    )
    if (count or 0) >= STORES_MAX:
        raise Conflict("There are too many stores.", code="store.too_many")
    columns = {name: list(value) if isinstance(value, tuple) else value for name, value in new.options.items()}
    secret, public_id = new_callback_secret(), new_id()
    store = MerchantStore(
        public_id=public_id,
        merchant_id=actor.owner_id,
        name=new.name,
        fiat_currency=new.fiat_currency,
        crypto_currency=new.crypto_currency,
        lower_limit=new.lower_limit,
        upper_limit=new.upper_limit,
        test=new.test,
        callback_secret=cipher.encrypt(secret, callback_secret_context(public_id)),
        **columns,
    )
    await reference_data.get_currency(session, new.crypto_currency, CurrencyKind.CRYPTO, loc="crypto_currency")
    await _check_values(session, settings, _checked_columns(store))
    session.add(store)
    await session.flush()
    await audit_service.log_event(
        session, actor, "store.created", entity="store", entity_id=store.id, details={"test": store.test}
    )
    return CreatedStore(await _view(session, store), secret)


CHECKED = ("fiat_currency", "lower_limit", "upper_limit", "callback_url", "support_url")


def _checked_columns(store: MerchantStore) -> dict[str, Any]:
    return {name: getattr(store, name) for name in CHECKED}


async def _check_values(session: AnySession, settings: Settings, values: Mapping[str, Any]) -> None:
    """Whatever was left out of a change is checked as it stands: limits only make sense together."""
    fiat = await reference_data.get_currency(session, values["fiat_currency"], CurrencyKind.FIAT, loc="fiat_currency")
    for name in ("lower_limit", "upper_limit"):
        if not fits_scale(values[name], fiat.scale):
            raise ValidationFailed.at("body", name, code="money.too_many_decimals")
    if values["upper_limit"] <= 0 or values["lower_limit"] > values["upper_limit"]:
        raise ValidationFailed.at("body", "upper_limit", code="validation.inconsistent")
    callback_url, support_url = values["callback_url"], values["support_url"]
    if callback_url is not None:
        problem = find_url_problem(callback_url, callback_rules(settings))
        if problem is not None:
            raise ValidationFailed.at("body", "callback_url", code=problem)
    if support_url is not None:
        allow = not settings.is_production
        if find_return_url_problem(support_url, return_hosts=(), allow_loopback_http=allow) is not None:
            raise ValidationFailed.at("body", "support_url", code="support_url.invalid")


def _own(actor: Actor) -> Select[MerchantStore]:
    return select(MerchantStore).where(MerchantStore.merchant_id == (actor.owner_id or 0))


async def _one(session: AnySession, statement: Select[MerchantStore], *, archived_too: bool = False) -> StoreView:
    found = await _views(session, statement if archived_too else statement.where(MerchantStore.archived_at.is_(None)))
    if not found:
        raise NotFound
    return found[0]


async def _view(session: AnySession, store: MerchantStore) -> StoreView:
    await session.refresh(store)
    commission = await commission_service.find_store_commission(session, store.id)
    scales = await reference_data.get_scales(session)
    return StoreView(store, commission, scales[store.fiat_currency], scales[store.crypto_currency])


async def _views(session: AnySession, statement: Select[MerchantStore]) -> list[StoreView]:
    stores: Sequence[MerchantStore] = (await session.scalars(statement.order_by(MerchantStore.id.desc()))).all()
    ids = [store.id for store in stores]
    terms = await commission_service.find_commissions(session, OwnerType.STORE, ids)
    scales = await reference_data.get_scales(session)
    return [
        StoreView(store, terms.get(store.id), scales[store.fiat_currency], scales[store.crypto_currency])
        for store in stores
    ]
