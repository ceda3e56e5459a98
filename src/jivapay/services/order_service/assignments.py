"""Who has taken a case upon himself, so that two people do not work on one (manual review, `requires_attention`).

It counts while the deal stays where it was: any step of it makes it a case to be taken anew.
"""

from uuid import UUID

from sqlalchemy import and_, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.models.orders import IncomingOrder
from jivapay.database.models.unmatched import CaseAssignment
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.permissions import allows
from jivapay.exceptions import Conflict, NotFound, OrderStateConflict, PermissionDenied
from jivapay.schemas_enums.enums import IncomingOrderStatus, OrderStatus
from jivapay.services import audit_service

RELEASES_OTHERS = "orders:decide:any"
"""Whoever may decide cases may also take one from a colleague who is gone."""


async def take_case(session: WriteSession, actor: Actor, order_id: UUID) -> None:
    """The case is this person's until it moves on. Raises NotFound, OrderStateConflict, Conflict `case.taken`."""
    deal = await _lock_case(session, order_id)
    await refuse_taken_by_another(session, actor, deal)
    values = {"user_id": actor.id, "deal_version": deal.version, "taken_at": func.app_now()}
    await session.execute(
        insert(CaseAssignment)
        .values(incoming_order_id=deal.incoming.id, **values)
        .on_conflict_do_update(index_elements=["incoming_order_id"], set_=values)
    )
    await _note(session, actor, deal, "case.taken")


async def release_case(session: WriteSession, actor: Actor, order_id: UUID) -> None:
    """Somebody else may take it. Raises NotFound, OrderStateConflict, PermissionDenied for another's case."""
    deal = await _lock_case(session, order_id)
    holder = await find_holder(session, deal)
    if holder is None:
        return
    if holder != actor.id and not allows(actor.permissions, RELEASES_OTHERS):
        raise PermissionDenied
    await session.execute(delete(CaseAssignment).where(CaseAssignment.incoming_order_id == deal.incoming.id))
    await _note(session, actor, deal, "case.released")


async def refuse_taken_by_another(session: AnySession, actor: Actor, deal: Deal) -> None:
    """Raises Conflict `case.taken`."""
    if await find_holder(session, deal) not in {None, actor.id}:
        raise Conflict("Somebody else has taken this case.", code="case.taken")


async def find_holder(session: AnySession, deal: Deal) -> int | None:
    """The user who has taken the case as it stands."""
    return await session.scalar(
        select(CaseAssignment.user_id).where(
            and_(CaseAssignment.incoming_order_id == deal.incoming.id, CaseAssignment.deal_version == deal.version)
        )
    )


async def _lock_case(session: WriteSession, order_id: UUID) -> Deal:
    incoming_id = await session.scalar(select(IncomingOrder.id).where(IncomingOrder.public_id == order_id))
    if incoming_id is None:
        raise NotFound
    deal = await lock_deal_for_update(session, incoming_id)
    if deal.order is not None and deal.order.status != OrderStatus.REQUIRES_ATTENTION:
        raise OrderStateConflict(deal.order.status)
    if deal.order is None and deal.incoming.status != IncomingOrderStatus.MANUAL_REVIEW:
        raise OrderStateConflict(deal.incoming.status)
    return deal


async def _note(session: WriteSession, actor: Actor, deal: Deal, action: str) -> None:
    await audit_service.log_event(session, actor, action, entity="incoming_order", entity_id=deal.incoming.id)
