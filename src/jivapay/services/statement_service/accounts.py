"""Whose account a statement is of: found by who asks, so that somebody else's is not found."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from jivapay.database.models.people import MerchantStore, Trader, User
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound, ValidationFailed
from jivapay.schemas_enums.enums import AccountKind, CurrencyKind, OwnerType
from jivapay.services import reference_data
from jivapay.services.balance_manager import AccountKey


@dataclass(frozen=True, slots=True)
class StatedAccount:
    """An account as a statement names it; amounts are written with `scale` decimals."""

    key: AccountKey
    owner_id: UUID | None
    name: str
    scale: int


async def own_store(session: AnySession, actor: Actor, store_id: UUID) -> StatedAccount:
    """A store of the acting merchant. Raises NotFound."""
    return await _store(session, store_id, MerchantStore.merchant_id == (actor.owner_id or 0))


async def any_store(session: AnySession, store_id: UUID) -> StatedAccount:
    """For staff. Raises NotFound."""
    return await _store(session, store_id, MerchantStore.public_id == store_id)


async def own_trader(session: AnySession, actor: Actor, kind: AccountKind) -> StatedAccount:
    """An account of the acting trader. Raises NotFound."""
    return await _trader(session, Trader.id == (actor.owner_id or 0), kind)


async def any_trader(session: AnySession, trader_id: UUID, kind: AccountKind) -> StatedAccount:
    """For staff; `trader_id` is the user's. Raises NotFound."""
    return await _trader(session, User.public_id == trader_id, kind)


async def platform(session: AnySession, currency: str, *, test: bool) -> StatedAccount:
    """Raises ValidationFailed `currency.unknown`."""
    try:
        known = await reference_data.get_currency(session, currency, CurrencyKind.CRYPTO)
    except ValidationFailed:
        raise ValidationFailed.at("query", "currency", code="currency.unknown") from None
    return StatedAccount(AccountKey.platform(known.code, test=test), None, "JivaPay", known.scale)


async def _store(session: AnySession, store_id: UUID, condition: ColumnElement[bool]) -> StatedAccount:
    store = await session.scalar(select(MerchantStore).where(MerchantStore.public_id == store_id, condition))
    if store is None:
        raise NotFound
    key = AccountKey.store_crypto(store.id, store.crypto_currency, test=store.test)
    return await _stated(session, key, store.public_id, store.name)


async def _trader(session: AnySession, condition: ColumnElement[bool], kind: AccountKind) -> StatedAccount:
    row = (
        await session.execute(select(Trader, User).join(User, User.id == Trader.user_id).where(condition))
    ).one_or_none()
    if row is None:
        raise NotFound
    trader, user = row
    currency = trader.crypto_currency if kind is AccountKind.CRYPTO else trader.fiat_currency
    key = AccountKey(OwnerType.TRADER, trader.id, kind, currency, trader.test)
    return await _stated(session, key, user.public_id, user.name or user.email)


async def _stated(session: AnySession, key: AccountKey, owner_id: UUID, name: str) -> StatedAccount:
    scales = await reference_data.get_scales(session)
    return StatedAccount(key, owner_id, name, scales[key.currency])
