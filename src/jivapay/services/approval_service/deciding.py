"""Asking for a money decision, and the second person's word. The one writer of the statuses of approvals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, text

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.approvals import Approval
from jivapay.database.models.records import StatusHistory
from jivapay.database.session import AnySession, Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import ZERO
from jivapay.exceptions import Conflict, NotFound, PermissionDenied
from jivapay.schemas_enums.enums import ActorKind, ApprovalStatus, OwnerType
from jivapay.services import audit_service, steps
from jivapay.services.approval_service.persons import refuse_same_person

WINDOW = timedelta(hours=24)
LOCK_SUMS = text("select pg_advisory_xact_lock(hashtextextended('approvals', 0))")
"""Two at once would each see neither the other nor its sum."""
OVERTAKEN = "what it was about has changed since"
BATCH = 200


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What a person wants to do with money.

    `amount` is in the settlement currency `currency` and above zero. `payload` is what the second person is shown and
    what the use case needs to go on: public ids and texts, no secret. `involved` are the users with a part in the
    case besides the one who asks (`people_behind` finds them); none of them may be the second person.
    """

    action: str
    entity: str
    entity_id: int
    entity_version: int
    amount: Decimal
    currency: str
    beneficiary: tuple[OwnerType, int | None]
    payload: Mapping[str, Any]
    reason: str
    involved: tuple[int, ...] = ()


async def begin(
    session: WriteSession, actor: Actor, what: Sensitive, rules: BusinessSettings, *, always: bool = False
) -> Approval:
    """Record what a person decides. `executed`: go ahead in this transaction; `requested`: a second person must.

    He must when the sum of this and of what this actor decided, or of this and of what was decided for this
    beneficiary, within 24 hours is above FOUR_EYES_AMOUNT, or `always`. Raises PermissionDenied for anybody but a
    person, Conflict `approval.exists` when the same is waiting already.
    """
    if actor.kind is not ActorKind.USER or actor.id is None:
        raise PermissionDenied
    if what.amount <= ZERO:
        raise AssertionError("a money decision is about an amount")
    await session.execute(LOCK_SUMS)
    waiting = await find_open(session, what.action, what.entity, what.entity_id)
    if waiting is not None and waiting.entity_version < what.entity_version:
        await _decide(session, actor, await _lock(session, waiting.public_id), ApprovalStatus.LAPSED, OVERTAKEN)
    elif waiting is not None:
        raise Conflict(
            "The same is waiting for a second person already.",
            code="approval.exists",
            about={"approval_id": str(waiting.public_id)},
        )
    needs_second = always or await _highest_sum(session, actor.id, what) + what.amount > rules.four_eyes_amount
    owner_type, owner_id = what.beneficiary
    approval = Approval(
        public_id=new_id(),
        action=what.action,
        entity=what.entity,
        entity_id=what.entity_id,
        entity_version=what.entity_version,
        amount=what.amount,
        currency=what.currency,
        beneficiary_type=owner_type,
        beneficiary_id=owner_id,
        payload=dict(what.payload),
        reason=what.reason,
        needs_second_person=needs_second,
        requested_by=actor.id,
        involved=sorted(set(what.involved) - {actor.id}),
        status=ApprovalStatus.REQUESTED if needs_second else ApprovalStatus.EXECUTED,
    )
    await steps.announce(session, actor, what.reason)
    session.add(approval)
    await session.flush()
    await session.refresh(approval)
    await _record(session, actor, approval)
    return approval


async def take(session: WriteSession, actor: Actor, approval_id: UUID) -> Approval:
    """The second person says yes: the row, locked, becomes `executed`; the caller carries it out.

    Raises NotFound, PermissionDenied `approval.same_user`, Conflict `approval.state_conflict`, or `approval.stale`
    when its object has moved on since.
    """
    approval = await _lock(session, approval_id)
    await refuse_same_person(session, actor, [approval.requested_by, *approval.involved])
    now_at = await session.scalar(
        select(func.max(StatusHistory.version)).where(
            StatusHistory.entity == approval.entity, StatusHistory.entity_id == approval.entity_id
        )
    )
    if now_at is not None:
        refuse_stale(approval, now_at)
    await _decide(session, actor, approval, ApprovalStatus.EXECUTED, approval.reason)
    return approval


def refuse_stale(approval: Approval, version: int) -> None:
    """For the caller, once its object is locked. Raises Conflict `approval.stale`."""
    if version != approval.entity_version:
        raise Conflict("What it was about has changed since.", code="approval.stale")


async def reject(session: WriteSession, actor: Actor, approval_id: UUID, reason: str) -> Approval:
    """The second person says no. Raises as `take`, but for a stale one."""
    approval = await _lock(session, approval_id)
    await refuse_same_person(session, actor, [approval.requested_by, *approval.involved])
    await _decide(session, actor, approval, ApprovalStatus.REJECTED, reason)
    return approval


async def lapse(session: WriteSession, actor: Actor, approval_id: UUID, reason: str) -> Approval:
    """Its object ended in another way. Raises NotFound, Conflict `approval.state_conflict`."""
    approval = await _lock(session, approval_id)
    await _decide(session, actor, approval, ApprovalStatus.LAPSED, reason)
    return approval


async def lapse_overtaken(database: Database, actor: Actor) -> int:
    """End what waits about an object that has moved on without it: nobody can approve it any more. How many."""
    async with database.read() as session:
        found = (await session.scalars(select(Approval.public_id).where(_is_overtaken()).limit(BATCH))).all()
    lapsed = 0
    for approval_id in found:
        async with database.write() as session:
            still = await session.scalar(
                select(Approval)
                .where(Approval.public_id == approval_id, _is_overtaken())
                .with_for_update(key_share=True, skip_locked=True)
            )
            if still is not None:
                await _decide(session, actor, still, ApprovalStatus.LAPSED, OVERTAKEN)
                lapsed += 1
    return lapsed


def _is_overtaken() -> ColumnElement[bool]:
    newer = select(StatusHistory.id).where(
        StatusHistory.entity == Approval.entity,
        StatusHistory.entity_id == Approval.entity_id,
        StatusHistory.version > Approval.entity_version,
    )
    return and_(Approval.status == ApprovalStatus.REQUESTED, newer.exists())


async def find_open(session: AnySession, action: str, entity: str, entity_id: int) -> Approval | None:
    """What waits for a second person about one object."""
    return await session.scalar(
        select(Approval).where(
            Approval.action == action,
            Approval.entity == entity,
            Approval.entity_id == entity_id,
            Approval.status == ApprovalStatus.REQUESTED,
        )
    )


async def _lock(session: WriteSession, approval_id: UUID) -> Approval:
    approval = await session.scalar(
        select(Approval)
        .where(Approval.public_id == approval_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if approval is None:
        raise NotFound
    if approval.status != ApprovalStatus.REQUESTED:
        raise Conflict(
            f"The approval is {approval.status}.", code="approval.state_conflict", about={"current": approval.status}
        )
    return approval


async def _decide(session: WriteSession, actor: Actor, approval: Approval, status: ApprovalStatus, reason: str) -> None:
    await steps.announce(session, actor, reason)
    approval.status = status
    approval.version += 1
    approval.decided_by = actor.id
    approval.decision_reason = reason
    approval.decided_at = await session.scalar(select(func.app_now()))
    await session.flush()
    await _record(session, actor, approval)


async def _highest_sum(session: AnySession, actor_id: int, what: Sensitive) -> Decimal:
    recent = (
        Approval.created_at > func.app_now() - WINDOW,
        Approval.status.in_([ApprovalStatus.REQUESTED, ApprovalStatus.EXECUTED]),
        Approval.currency == what.currency,
    )
    owner_type, owner_id = what.beneficiary
    total = select(func.coalesce(func.sum(Approval.amount), ZERO))
    by_actor = await session.scalar(total.where(*recent, Approval.requested_by == actor_id))
    for_owner = await session.scalar(
        total.where(
            *recent, Approval.beneficiary_type == owner_type, Approval.beneficiary_id.is_not_distinct_from(owner_id)
        )
    )
    return max(by_actor or ZERO, for_owner or ZERO)


async def _record(session: WriteSession, actor: Actor, approval: Approval) -> None:
    await audit_service.log_event(
        session,
        actor,
        f"approval.{approval.status}",
        entity="approval",
        entity_id=approval.id,
        version=approval.version,
        details={
            "action": approval.action,
            "about": [approval.entity, approval.entity_id],
            "amount": str(approval.amount),
            "currency": approval.currency,
            "beneficiary": [approval.beneficiary_type, approval.beneficiary_id],
        },
    )
