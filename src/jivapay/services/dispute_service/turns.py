"""Whose turn it is in a dispute, and the clocks: one for each side, standing while the other one's turn lasts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.disputes import Dispute
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.order_states import is_allowed
from jivapay.exceptions import Conflict
from jivapay.schemas_enums.enums import ActorKind, DisputeSide, DisputeStatus, Role
from jivapay.services import audit_service, steps

WAITING = {
    DisputeSide.TRADER: DisputeStatus.WAITING_TRADER,
    DisputeSide.MERCHANT: DisputeStatus.WAITING_MERCHANT,
}
OTHER_SIDE = {DisputeSide.TRADER: DisputeSide.MERCHANT, DisputeSide.MERCHANT: DisputeSide.TRADER}


def side_of(actor: Actor) -> DisputeSide:
    """A store's key speaks for its merchant."""
    if actor.kind is ActorKind.CUSTOMER:
        return DisputeSide.CUSTOMER
    if actor.kind is ActorKind.STORE or actor.role is Role.MERCHANT:
        return DisputeSide.MERCHANT
    return DisputeSide.TRADER if actor.role is Role.TRADER else DisputeSide.STAFF


def state_conflict(dispute: Dispute) -> Conflict:
    return Conflict(
        f"The dispute is {dispute.status}.", code="dispute.state_conflict", about={"current": dispute.status}
    )


async def step(
    session: WriteSession,
    actor: Actor,
    dispute: Dispute,
    status: DisputeStatus,
    reason: str,
    fields: Mapping[str, Any] | None = None,
    **details: Any,  # noqa: ANN401 - audit details
) -> None:
    """Move a locked dispute along its table, with its audit row and the `fields` that belong to the new status.

    Raises Conflict `dispute.state_conflict`.
    """
    if not is_allowed("dispute", dispute.status, status):
        raise state_conflict(dispute)
    await steps.announce(session, actor, reason)
    before = dispute.status
    for name, value in (fields or {}).items():
        setattr(dispute, name, value)
    dispute.status = status.value
    dispute.version += 1
    await session.flush()
    await audit_service.log_event(
        session,
        actor,
        f"dispute.{status.value}",
        entity="dispute",
        entity_id=dispute.id,
        version=dispute.version,
        details={"from": before, "reason": reason, **details},
    )


async def give_turn(
    session: WriteSession, actor: Actor, dispute: Dispute, side: DisputeSide, now: datetime, rules: BusinessSettings
) -> None:
    """The turn of a side whose clock still runs; otherwise, and for `staff`, a person looks at it."""
    stop_clock(dispute, now)
    left = {
        DisputeSide.TRADER: dispute.trader_seconds_left,
        DisputeSide.MERCHANT: dispute.merchant_seconds_left,
    }.get(side, 0)
    status = WAITING[side] if left > 0 else DisputeStatus.UNDER_REVIEW
    dispute.due_at = now + timedelta(seconds=left or rules.dispute_review_seconds)
    if dispute.status != status:
        await step(session, actor, dispute, status, f"turn of {side.value}")


async def ask(
    session: WriteSession, actor: Actor, dispute: Dispute, side: DisputeSide, now: datetime, rules: BusinessSettings
) -> None:
    """A question of staff: the side is given its time anew."""
    stop_clock(dispute, now)
    if side is DisputeSide.TRADER:
        dispute.trader_seconds_left = rules.dispute_answer_seconds
    else:
        dispute.merchant_seconds_left = rules.dispute_answer_seconds
    await give_turn(session, actor, dispute, side, now, rules)


def stop_clock(dispute: Dispute, now: datetime) -> None:
    """What is left of the time of the side whose turn ends."""
    if dispute.due_at is None:
        return
    left = max(0, int((dispute.due_at - now).total_seconds()))
    if dispute.status == DisputeStatus.WAITING_TRADER:
        dispute.trader_seconds_left = left
    elif dispute.status == DisputeStatus.WAITING_MERCHANT:
        dispute.merchant_seconds_left = left
