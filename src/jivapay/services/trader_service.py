"""Traders: beginning and ending work, and what they own (STA-02; the lists of all traders come with statistics)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from jivapay.database.models.people import Trader, User
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.money import ZERO
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import AccountKind, OwnerType
from jivapay.services import audit_service, balance_manager, commission_service, reference_data
from jivapay.services.balance_manager import AccountKey, Balance
from jivapay.services.commission_service import AT_ONCE, Commission, When


async def set_work(session: WriteSession, actor: Actor, *, in_work: bool) -> Trader:
    """Begin or end taking new orders; those that exist go on. The same again changes nothing."""
    trader = await session.scalar(
        select(Trader)
        .where(Trader.id == (actor.owner_id or 0))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if trader is None:
        raise NotFound
    if trader.in_work == in_work:
        return trader
    trader.in_work = in_work
    trader.updated_at = await session.scalar(select(func.app_now())) or trader.updated_at
    await session.flush()
    action = "trader.work_begun" if in_work else "trader.work_ended"
    await audit_service.log_event(session, actor, action, entity="trader", entity_id=trader.id)
    return trader


async def set_commission(
    session: WriteSession, actor: Actor, trader_id: UUID, commission: Commission, when: When = AT_ONCE
) -> None:
    """For administrators; `trader_id` is the user's.

    Raises NotFound, Conflict `commission.store_below_trader` or `commission.default_missing`, ValidationFailed.
    """
    trader = await _lock_any_trader(session, trader_id)
    await commission_service.set_trader_commission(session, actor, trader, commission, when)


async def end_commission_method(session: WriteSession, actor: Actor, trader_id: UUID, method: str, reason: str) -> None:
    """For administrators: the method follows the trader's default again. Raises NotFound, Conflict."""
    trader = await _lock_any_trader(session, trader_id)
    await commission_service.end_trader_method(session, actor, trader, method, reason)


async def _lock_any_trader(session: WriteSession, trader_id: UUID) -> Trader:
    trader = await session.scalar(
        select(Trader)
        .join(User, User.id == Trader.user_id)
        .where(User.public_id == trader_id)
        .with_for_update(of=Trader)
    )
    if trader is None:
        raise NotFound
    return trader


async def get_any_trader(session: AnySession, trader_id: UUID) -> Trader:
    """For staff; `trader_id` is the user's. Raises NotFound."""
    trader = await session.scalar(
        select(Trader).join(User, User.id == Trader.user_id).where(User.public_id == trader_id)
    )
    if trader is None:
        raise NotFound
    return trader


async def get_trader(session: AnySession, actor: Actor) -> Trader:
    """The acting trader. Raises NotFound."""
    trader = await session.get(Trader, actor.owner_id or 0)
    if trader is None:
        raise NotFound
    return trader


async def list_balances(session: AnySession, actor: Actor, at: datetime | None = None) -> list[tuple[Balance, int]]:
    """His accounts, now or as they were then, with each currency's scale, crypto first; unopened ones are zero."""
    trader = await get_trader(session, actor)
    found = await balance_manager.list_balances(session, OwnerType.TRADER, trader.id)
    if at is not None:
        keys = [AccountKey(OwnerType.TRADER, trader.id, one.kind, one.currency, trader.test) for one in found]
        found = [await balance_manager.get_balance_at(session, key, at) for key in keys]
    known = {(balance.kind, balance.currency) for balance in found}
    own = ((AccountKind.CRYPTO, trader.crypto_currency), (AccountKind.FIAT, trader.fiat_currency))
    found += [Balance(kind, currency, ZERO, ZERO) for kind, currency in own if (kind, currency) not in known]
    scales = await reference_data.get_scales(session)
    return [
        (balance, scales[balance.currency])
        for balance in sorted(found, key=lambda balance: (balance.kind, balance.currency))
    ]
