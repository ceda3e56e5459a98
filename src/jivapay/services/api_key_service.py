"""Keys of stores: issued once, kept as a keyed hash, found by their id, rotated with an overlap (decision 18).

A key's mode is its store's: the row decides, never the text (hard case 16).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal
from typing import Self
from uuid import UUID

from sqlalchemy import func, or_, select, update

from jivapay.config.crypto import Cipher, new_api_key, new_token
from jivapay.config.crypto.api_keys import hash_api_key
from jivapay.database.models.people import Merchant, MerchantStore, StoreApiKey, User
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import NotFound

SCOPES = ("payin", "payout", "read", "payouts")
"""What a key may be used for; `read` covers statuses, balance and events, `payouts` the payouts service."""
OVERLAP_MAX = timedelta(days=30)
SIGNING_SECRET_BYTES = 32
USE_NOTED_EVERY = timedelta(minutes=5)

_UNEXPIRED = or_(StoreApiKey.expires_at.is_(None), StoreApiKey.expires_at > func.app_now())
_USE_IS_STALE = or_(StoreApiKey.last_used_at.is_(None), StoreApiKey.last_used_at < func.app_now() - USE_NOTED_EVERY)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with what is shown once."""

    row: StoreApiKey
    key: str = field(repr=False)
    signing_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoreContext:
    """The store that calls, as it was when it called: what the gateway decides by."""

    id: int
    public_id: UUID
    merchant_id: int
    name: str
    test: bool
    fiat_currency: str
    crypto_currency: str
    lower_limit: Decimal
    upper_limit: Decimal
    pay_in_enabled: bool
    pay_out_enabled: bool
    traffic_access: bool
    callback_url: str | None
    gateway_require_customer_id_param: bool
    gateway_require_amount_param: bool
    receipt_required: bool
    return_hosts: tuple[str, ...]
    processing_ttl_seconds: int | None
    rate_margin_percent: Decimal
    support_url: str | None
    key_id: str
    """Of the key it showed: rate limits count by it."""
    actor: Actor

    @classmethod
    def of(cls, store: MerchantStore, *, key_id: str, actor: Actor) -> Self:
        taken = {field.name: getattr(store, field.name) for field in fields(cls) if hasattr(store, field.name)}
        taken["return_hosts"] = tuple(store.return_hosts)
        return cls(**taken, key_id=key_id, actor=actor)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A live key as it is presented: the row, its store, and whether its use is to be noted."""

    key: StoreApiKey
    store: MerchantStore
    merchant_is_active: bool
    use_is_stale: bool


def signing_secret_context(public_id: UUID) -> str:
    return f"store_api_keys.signing_secret:{public_id}"


async def issue(
    session: WriteSession,
    store: MerchantStore,
    *,
    name: str,
    scopes: Sequence[str],
    networks: Sequence[str],
    pepper: str,
    cipher: Cipher,
) -> IssuedKey:
    """A new key of this store; of the store's mode."""
    parts = new_api_key(test=store.test)
    secret = new_token(SIGNING_SECRET_BYTES)
    public_id = new_id()
    row = StoreApiKey(
        public_id=public_id,
        store_id=store.id,
        test=store.test,
        key_id=parts.kid,
        key_hash=hash_api_key(parts.secret, pepper),
        last_four=parts.secret[-4:],
        name=name,
        signing_secret=cipher.encrypt(secret, signing_secret_context(public_id)),
        scopes=list(scopes),
        networks=list(networks),
    )
    session.add(row)
    await session.flush()
    return IssuedKey(row, parts.text, secret)


async def list_keys(session: AnySession, store_id: int) -> Sequence[StoreApiKey]:
    """All keys of a store, newest first, revoked and expired ones too."""
    statement = select(StoreApiKey).where(StoreApiKey.store_id == store_id).order_by(StoreApiKey.id.desc())
    return (await session.scalars(statement)).all()


async def count_live_keys(session: AnySession, store_id: int) -> int:
    statement = select(func.count()).select_from(StoreApiKey)
    live = statement.where(StoreApiKey.store_id == store_id, StoreApiKey.revoked_at.is_(None), _UNEXPIRED)
    return await session.scalar(live) or 0


async def get_live_key_for_update(session: WriteSession, store_id: int, public_id: UUID) -> StoreApiKey:
    """Locks the row. Raises NotFound, also for another store's key or one that has ended."""
    key = await session.scalar(
        select(StoreApiKey)
        .where(
            StoreApiKey.store_id == store_id,
            StoreApiKey.public_id == public_id,
            StoreApiKey.revoked_at.is_(None),
            _UNEXPIRED,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if key is None:
        raise NotFound
    return key


async def end_after(session: WriteSession, key: StoreApiKey, overlap: timedelta) -> None:
    """Let a key live on for `overlap`, or as long as it was to live if that is shorter."""
    ending = func.least(StoreApiKey.expires_at, func.app_now() + overlap)  # an unset one is ignored
    await session.execute(update(StoreApiKey).where(StoreApiKey.id == key.id).values(expires_at=ending))


async def revoke(session: WriteSession, key: StoreApiKey) -> None:
    await session.execute(update(StoreApiKey).where(StoreApiKey.id == key.id).values(revoked_at=func.app_now()))


async def find_key_use(session: AnySession, key_id: str) -> KeyUse | None:
    """A key that is neither revoked nor expired, with its store; None for all others."""
    statement = (
        select(
            StoreApiKey,
            MerchantStore,
            User.is_active,
            _USE_IS_STALE,
        )
        .join(MerchantStore, MerchantStore.id == StoreApiKey.store_id)
        .join(Merchant, Merchant.id == MerchantStore.merchant_id)
        .join(User, User.id == Merchant.user_id)
        .where(
            StoreApiKey.key_id == key_id,
            StoreApiKey.revoked_at.is_(None),
            _UNEXPIRED,
            MerchantStore.archived_at.is_(None),
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else KeyUse(row[0], row[1], row[2], bool(row[3]))


async def note_use(session: WriteSession, key_id: int) -> None:
    """Remember roughly when a key was last used: one write in five minutes."""
    await session.execute(
        update(StoreApiKey)
        .where(
            StoreApiKey.id == key_id,
            _USE_IS_STALE,
        )
        .values(last_used_at=func.app_now())
    )
