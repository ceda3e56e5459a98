"""What staff see of requisites, masked, and let into traffic or take out of it, with a reason."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from jivapay.config.crypto import Cipher
from jivapay.database.locks import lock_requisite_for_update
from jivapay.database.models.people import Trader, User
from jivapay.database.models.requisites import Requisite
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict, NotFound
from jivapay.schemas_enums.enums import RequisiteStatus
from jivapay.services import audit_service
from jivapay.services.requisite_service.views import RequisiteView, count, get_view, list_views, select_requisites

STEPS: dict[RequisiteStatus, frozenset[RequisiteStatus]] = {
    RequisiteStatus.CHECK: frozenset({RequisiteStatus.APPROVE, RequisiteStatus.REJECT, RequisiteStatus.BLOCKED}),
    RequisiteStatus.APPROVE: frozenset({RequisiteStatus.BLOCKED, RequisiteStatus.REJECT}),
    RequisiteStatus.REJECT: frozenset({RequisiteStatus.APPROVE, RequisiteStatus.BLOCKED}),
    RequisiteStatus.BLOCKED: frozenset({RequisiteStatus.APPROVE, RequisiteStatus.REJECT}),
    RequisiteStatus.ARCHIVED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class ModerationView:
    """A requisite with its trader, and how many others have the same number."""

    view: RequisiteView
    trader_id: UUID
    trader_email: str
    duplicates: int


async def list_requisites_for_moderation(
    session: AnySession,
    *,
    cipher: Cipher,
    status: RequisiteStatus | None = None,
    trader_id: UUID | None = None,
    page: int = 1,
    page_size: int = 50,
) -> tuple[list[ModerationView], int]:
    """One page, oldest first, so that nobody waits for ever."""
    conditions: list[ColumnElement[bool]] = []
    if status is not None:
        conditions.append(Requisite.status == status)
    if trader_id is not None:
        of_trader = select(Trader.id).join(User, User.id == Trader.user_id).where(User.public_id == trader_id)
        conditions.append(Requisite.trader_id.in_(of_trader))
    statement = select_requisites(*conditions).order_by(Requisite.id).limit(page_size).offset((page - 1) * page_size)
    views = await list_views(session, cipher, statement)
    return await _with_traders(session, views), await count(session, *conditions)


async def get_requisite_details_for_moderation(
    session: AnySession, public_id: UUID, *, cipher: Cipher
) -> ModerationView:
    """Raises NotFound."""
    view = await get_view(session, cipher, Requisite.public_id == public_id)
    return (await _with_traders(session, [view]))[0]


async def set_requisite_status(
    session: WriteSession, actor: Actor, public_id: UUID, status: RequisiteStatus, *, reason: str, cipher: Cipher
) -> ModerationView:
    """The same status again changes nothing; open orders go on.

    Raises NotFound, Conflict `requisite.state_conflict`.
    """
    requisite_id = await session.scalar(select(Requisite.id).where(Requisite.public_id == public_id))
    if requisite_id is None:
        raise NotFound
    requisite = await lock_requisite_for_update(session, requisite_id)
    before = RequisiteStatus(requisite.status)
    if before is not status:
        if status not in STEPS[before]:
            raise Conflict(
                f"The requisite is {before}.", code="requisite.state_conflict", about={"current": before.value}
            )
        requisite.status, requisite.status_reason = status, reason
        requisite.updated_at = await session.scalar(select(func.app_now())) or requisite.updated_at
        await session.flush()
        await audit_service.log_event(
            session,
            actor,
            "requisite.status_set",
            entity="requisite",
            entity_id=requisite.id,
            details={"before": before, "after": status, "reason": reason},
        )
    return await get_requisite_details_for_moderation(session, public_id, cipher=cipher)


async def _with_traders(session: AnySession, views: list[RequisiteView]) -> list[ModerationView]:
    ids = [view.requisite.id for view in views]
    other = aliased(Requisite)
    rows = await session.execute(
        select(
            Requisite.id,
            User.public_id,
            User.email,
            select(func.count())
            .where(other.number_index == Requisite.number_index, other.trader_id != Requisite.trader_id)
            .correlate(Requisite)
            .scalar_subquery(),
        )
        .join(Trader, Trader.id == Requisite.trader_id)
        .join(User, User.id == Trader.user_id)
        .where(Requisite.id.in_(ids))
    )
    known = {row[0]: row for row in rows}
    return [ModerationView(view, *known[view.requisite.id][1:]) for view in views]
