"""Commissions of stores and traders, and the one rule between them: no active store of a world pays less than any
active trader of that world takes, in either direction; equal is allowed (decision 13, domain.md "Money").
"""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from jivapay.database.models.people import MerchantStore, StoreCommission, Trader, TraderCommission, User
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict
from jivapay.services import audit_service

BELOW_TRADER = "commission.store_below_trader"


@dataclass(frozen=True, slots=True)
class Commission:
    """Percentages of the crypto amount, by direction."""

    payin: Decimal
    payout: Decimal


async def find_store_commission(session: AnySession, store_id: int) -> Commission | None:
    row = await session.get(StoreCommission, store_id)
    return None if row is None else Commission(row.commission_payin, row.commission_payout)


async def find_trader_commission(session: AnySession, trader_id: int) -> Commission | None:
    row = await session.get(TraderCommission, trader_id)
    return None if row is None else Commission(row.commission_payin, row.commission_payout)


async def set_trader_commission(session: WriteSession, actor: Actor, trader: Trader, commission: Commission) -> None:
    """Raises Conflict `commission.store_below_trader`."""
    await check_trader(session, trader.test, commission)
    values = {"commission_payin": commission.payin, "commission_payout": commission.payout}
    statement = insert(TraderCommission).values(trader_id=trader.id, **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[TraderCommission.trader_id], set_={**values, "updated_at": func.app_now()}
        ),
        execution_options={"populate_existing": True},
    )
    await _record(session, actor, "trader", trader.id, commission)


async def set_store_commission(
    session: WriteSession, actor: Actor, store: MerchantStore, commission: Commission
) -> None:
    """Raises Conflict `commission.store_below_trader`."""
    await check_store(session, store.test, commission)
    values = {"commission_payin": commission.payin, "commission_payout": commission.payout}
    statement = insert(StoreCommission).values(store_id=store.id, **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[StoreCommission.store_id], set_={**values, "updated_at": func.app_now()}
        ),
        execution_options={"populate_existing": True},
    )
    await _record(session, actor, "store", store.id, commission)


async def check_trader(session: WriteSession, test: bool, commission: Commission) -> None:
    """May an active trader of this world take that much? Serialises with other changes of commissions."""
    await _take_turn(session)
    lowest = await session.execute(
        select(func.min(StoreCommission.commission_payin), func.min(StoreCommission.commission_payout))
        .join(MerchantStore, MerchantStore.id == StoreCommission.store_id)
        .where(MerchantStore.archived_at.is_(None), MerchantStore.test == test)
    )
    payin, payout = lowest.one()
    if _exceeds(commission.payin, payin) or _exceeds(commission.payout, payout):
        raise Conflict("A store would pay less than this trader takes.", code=BELOW_TRADER)


async def check_store(session: WriteSession, test: bool, commission: Commission) -> None:
    """May an active store of this world pay so little? Serialises with other changes of commissions."""
    await _take_turn(session)
    highest = await session.execute(
        select(func.max(TraderCommission.commission_payin), func.max(TraderCommission.commission_payout))
        .join(Trader, Trader.id == TraderCommission.trader_id)
        .join(User, User.id == Trader.user_id)
        .where(User.is_active, Trader.test == test)
    )
    payin, payout = highest.one()
    if _exceeds(payin, commission.payin) or _exceeds(payout, commission.payout):
        raise Conflict("A trader takes more than this store would pay.", code=BELOW_TRADER)


def _exceeds(takes: Decimal | None, pays: Decimal | None) -> bool:
    """False when there is nobody on the other side."""
    return takes is not None and pays is not None and takes > pays


async def _take_turn(session: WriteSession) -> None:
    """Two changes that are right by themselves may be wrong together."""
    await session.execute(text("select pg_advisory_xact_lock(hashtextextended('commissions', 0))"))


async def _record(session: WriteSession, actor: Actor, entity: str, entity_id: int, commission: Commission) -> None:
    await audit_service.log_event(
        session,
        actor,
        f"{entity}.commission_set",
        entity=entity,
        entity_id=entity_id,
        details={"payin": str(commission.payin), "payout": str(commission.payout)},
    )
