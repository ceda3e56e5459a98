"""Deciding a dispute: `resolve_dispute`, a second person where it is due, and money that must be waited for.

The outcomes: `completed` (paid, or it stands), `adjusted` (paid, but another amount), `cancelled` and `failed` (not
paid; a completed order is reversed, one that has ended unpaid stays as it is). What the store of a completed order has
not got yet is waited for, with the decision made (hard case 11), or lent by the platform, which always takes two
persons (hard case 1).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_deal_for_update, lock_dispute_for_update, lock_requisite_for_update
from jivapay.database.models.approvals import Approval
from jivapay.database.models.disputes import Dispute
from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.commissions import Quote
from jivapay.domain.money import FIAT_SCALE, ZERO, fits_scale
from jivapay.exceptions import Conflict, ValidationFailed
from jivapay.schemas_enums.enums import (
    ApprovalStatus,
    Direction,
    DisputeOutcome,
    DisputeSide,
    DisputeStatus,
    OrderStatus,
    OwnerType,
)
from jivapay.services import approval_service, balance_manager, freeze_service, idempotency, order_status_manager
from jivapay.services.approval_service import ApprovalView, Sensitive
from jivapay.services.dispute_service import turns
from jivapay.services.dispute_service.looking import DisputeView, find_dispute_id, get_dispute
from jivapay.services.idempotency import IdempotencyClaim, Made

RESOLVE = "dispute.resolve"
"""The action of a decision's approval."""
DISPUTE, APPROVAL = "dispute", "approval"
"""What a decision came to, for whoever sends it again."""
RESOLVED = {
    DisputeOutcome.COMPLETED: DisputeStatus.RESOLVED_COMPLETED,
    DisputeOutcome.ADJUSTED: DisputeStatus.RESOLVED_ADJUSTED,
    DisputeOutcome.CANCELLED: DisputeStatus.RESOLVED_CANCELLED,
    DisputeOutcome.FAILED: DisputeStatus.RESOLVED_CANCELLED,
}
PAID = {DisputeOutcome.COMPLETED, DisputeOutcome.ADJUSTED}


@dataclass(frozen=True, slots=True)
class Decision:
    """`amount`, in fiat, belongs to `adjusted`. `lends`: the platform lends what is lacking."""

    outcome: DisputeOutcome
    reason: str
    amount: Decimal | None = None
    lends: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    """A locked dispute with a decision that may be carried out; `quote` are the legs of the decided amount."""

    dispute: Dispute
    deal: Deal
    decision: Decision
    quote: Quote | None

    @property
    def order(self) -> Order:
        return order_status_manager.require_order(self.deal)


async def resolve_dispute(
    session: WriteSession,
    actor: Actor,
    dispute_id: UUID,
    decision: Decision,
    rules: BusinessSettings,
    claim: IdempotencyClaim | None = None,
) -> Made[DisputeView | ApprovalView]:
    """Staff's decision; an approval when a second person must decide, too.

    Raises NotFound, Conflict `dispute.state_conflict`, `dispute.outcome_unavailable` or `approval.exists`,
    ValidationFailed, InsufficientBalance when the trader lacks what he must pay, PlatformFrozen.
    """

    async def decide() -> DisputeView | ApprovalView:
        dispute, deal = await _lock(session, await find_dispute_id(session, actor, dispute_id))
        if not DisputeStatus(dispute.status).is_undecided:
            raise turns.state_conflict(dispute)
        case = await _check(session, dispute, deal, decision)
        if dispute.status != DisputeStatus.UNDER_REVIEW:
            now = await order_status_manager.database_now(session)
            await turns.give_turn(session, actor, dispute, DisputeSide.STAFF, now, rules)
        return await _decide(session, actor, case, rules)

    return await _once(session, actor, claim, decide)


async def lend_for_dispute(
    session: WriteSession,
    actor: Actor,
    dispute_id: UUID,
    reason: str,
    rules: BusinessSettings,
    claim: IdempotencyClaim | None = None,
) -> Made[DisputeView | ApprovalView]:
    """A decided return need not wait for the store's money any more: the platform lends it, by two persons.

    Raises NotFound, Conflict `dispute.state_conflict` unless it waits for funds.
    """

    async def decide() -> DisputeView | ApprovalView:
        dispute, deal = await _lock(session, await find_dispute_id(session, actor, dispute_id))
        if dispute.status != DisputeStatus.WAITING_FUNDS:
            raise turns.state_conflict(dispute)
        decision = _decision_of(dispute, reason, lends=True)
        return await _decide(session, actor, await _check(session, dispute, deal, decision), rules)

    return await _once(session, actor, claim, decide)


async def _once(
    session: WriteSession,
    actor: Actor,
    claim: IdempotencyClaim | None,
    decide: Callable[[], Awaitable[DisputeView | ApprovalView]],
) -> Made[DisputeView | ApprovalView]:
    async def decide_named() -> tuple[str, int, DisputeView | ApprovalView]:
        made = await decide()
        if isinstance(made, ApprovalView):
            return APPROVAL, made.approval.id, made
        return DISPUTE, made.dispute.id, made

    async def load(resource_type: str, row_id: int) -> DisputeView | ApprovalView:
        if resource_type == APPROVAL:
            return await approval_service.view(session, await session.get_one(Approval, row_id))
        dispute = await session.get_one(Dispute, row_id)
        return await get_dispute(session, actor, dispute.public_id)

    return await idempotency.decide_once(session, claim, decide=decide_named, load=load)


async def execute_resolution(session: WriteSession, actor: Actor, approval: Approval, rules: BusinessSettings) -> None:
    """Carry out the decision that a second person has approved. Raises as `resolve_dispute`."""
    dispute, deal = await _lock(session, approval.entity_id)
    approval_service.refuse_stale(approval, dispute.version)
    payload = approval.payload
    if order_status_manager.require_order(deal).version != payload["order_version"]:
        raise Conflict("The order has changed since.", code="approval.stale")
    amount = payload["decided_amount"]
    decision = Decision(
        DisputeOutcome(payload["outcome"]),
        approval.reason,
        amount=None if amount is None else Decimal(amount),
        lends=payload["lends"],
    )
    await _carry_out(session, actor, await _check(session, dispute, deal, decision), rules)


async def settle_waiting(session: WriteSession, actor: Actor, dispute_id: int, rules: BusinessSettings) -> bool:
    """Top up what a dispute holds; carry out what was decided once it is whole. True when anything moved."""
    dispute, deal = await _lock(session, dispute_id)
    order = order_status_manager.require_order(deal)
    if not DisputeStatus(dispute.status).is_open or order.status != OrderStatus.COMPLETED:
        return False
    if dispute.status == DisputeStatus.WAITING_FUNDS:
        decision = _decision_of(dispute, dispute.decision_reason or "", lends=False)
        case = await _check(session, dispute, deal, decision)
        before = dispute.version
        await _carry_out(session, actor, case, rules)
        return dispute.version != before
    await balance_manager.hold_for_dispute(session, order, dispute.id, dispute.hold_target)
    return True


async def _lock(session: WriteSession, dispute_id: int) -> tuple[Dispute, Deal]:
    dispute = await lock_dispute_for_update(session, dispute_id)
    return dispute, await lock_deal_for_update(session, dispute.incoming_order_id)


def _decision_of(dispute: Dispute, reason: str, *, lends: bool) -> Decision:
    return Decision(DisputeOutcome(dispute.decision or ""), reason, amount=dispute.decided_amount, lends=lends)


async def _check(session: WriteSession, dispute: Dispute, deal: Deal, decision: Decision) -> _Case:
    """Raises ValidationFailed, Conflict `dispute.outcome_unavailable`, PlatformFrozen."""
    await freeze_service.refuse_when_frozen(session)
    order = order_status_manager.require_order(deal)
    if decision.outcome not in _available(OrderStatus(order.status)):
        raise _unavailable(order)
    if (decision.outcome is DisputeOutcome.ADJUSTED) != (decision.amount is not None):
        raise ValidationFailed.at("body", "amount", code="validation.inconsistent")
    if decision.amount is None:
        return _Case(dispute, deal, decision, None)
    if not fits_scale(decision.amount, FIAT_SCALE):
        raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")
    if order.direction == Direction.PAY_OUT and decision.amount > order.amount_agreed:
        # What a trader has sent beyond that is between him and the recipient: the store has asked for no more.
        raise ValidationFailed.at("body", "amount", code="dispute.amount_above_agreed")
    if decision.amount == order.amount_fiat:
        raise ValidationFailed.at("body", "amount", code="dispute.amount_unchanged")
    quote = await balance_manager.quote_another_amount(session, order, decision.amount)
    return _Case(dispute, deal, decision, quote)


def _available(status: OrderStatus) -> set[DisputeOutcome]:
    """How a dispute can end beside an order that is so; it always can, whatever was decided about a revived one."""
    if status.waits_for_person:
        return set(DisputeOutcome)
    if status.is_open or status is OrderStatus.COMPLETED or status in order_status_manager.LAPSED:
        return set(DisputeOutcome) - {DisputeOutcome.FAILED}
    return {DisputeOutcome.CANCELLED}


def _unavailable(order: Order) -> Conflict:
    return Conflict(
        f"An order that is {order.status} cannot end like this.",
        code="dispute.outcome_unavailable",
        about={"current": order.status},
    )


async def _ask_second(session: WriteSession, actor: Actor, case: _Case, rules: BusinessSettings) -> ApprovalView | None:
    """None when it may go ahead. The test world moves nobody's money and needs one person."""
    order, dispute, decision, quote = case.order, case.dispute, case.decision, case.quote
    if order.test:
        return None
    is_paid = decision.outcome in PAID and (quote is None or quote.amount_fiat >= order.amount_fiat)
    to_store = is_paid == (order.direction == Direction.PAY_IN)
    about = [("dispute", dispute.id), ("order", order.id), ("incoming_order", case.deal.incoming.id)]
    what = Sensitive(
        action=RESOLVE,
        entity="dispute",
        entity_id=dispute.id,
        entity_version=dispute.version,
        amount=max(order.amount_crypto, order.trader_amount_crypto, quote.amount_crypto if quote else ZERO),
        currency=order.crypto_currency,
        beneficiary=(OwnerType.STORE, order.store_id) if to_store else (OwnerType.TRADER, order.trader_id),
        payload={
            "dispute_id": str(dispute.public_id),
            "order_id": str(case.deal.incoming.public_id),
            "order_version": order.version,
            "outcome": decision.outcome.value,
            "decided_amount": None if decision.amount is None else str(decision.amount),
            "lends": decision.lends,
        },
        reason=decision.reason,
        involved=tuple(await approval_service.people_behind(session, about)),
    )
    approval = await approval_service.begin(session, actor, what, rules, always=decision.lends)
    if approval.status == ApprovalStatus.REQUESTED:
        return await approval_service.view(session, approval)
    return None


async def _decide(
    session: WriteSession, actor: Actor, case: _Case, rules: BusinessSettings
) -> DisputeView | ApprovalView:
    """Carried out, or what waits for a second person."""
    waits = await _ask_second(session, actor, case, rules)
    if waits is not None:
        return waits
    await _carry_out(session, actor, case, rules)
    return await get_dispute(session, actor, case.dispute.public_id)


async def _carry_out(session: WriteSession, actor: Actor, case: _Case, rules: BusinessSettings) -> None:
    order, dispute, deal, decision, quote = case.order, case.dispute, case.deal, case.decision, case.quote
    given: dict[str, Any] = {"dispute_id": dispute.id, "lends": decision.lends}
    status = OrderStatus(order.status)
    if status is OrderStatus.COMPLETED:
        # Its turnover may change; the hold below locks an account already.
        await lock_requisite_for_update(session, order.requisite_id)
        if not await _return_is_covered(session, case):
            await _wait_for_funds(session, actor, dispute, decision)
            return
    # First, so that what the store is told says whether anything about the order is still open.
    await _note(session, actor, dispute, decision, RESOLVED[decision.outcome])
    if status is OrderStatus.COMPLETED:
        if decision.outcome is DisputeOutcome.CANCELLED:
            await order_status_manager.reverse_order(session, actor, deal, decision.reason, rules, **given)
        elif quote is not None:
            await order_status_manager.adjust_order(session, actor, deal, quote, decision.reason, rules, **given)
        else:
            await balance_manager.void_hold(session, ref_type="dispute", ref_id=dispute.id)
    elif decision.outcome in PAID:
        await order_status_manager.complete_disputed(session, actor, deal, decision.reason, rules, quote=quote, **given)
    elif decision.outcome is DisputeOutcome.FAILED:
        await order_status_manager.fail_order(session, actor, deal, decision.reason, rules)
    elif status.is_open:
        await order_status_manager.end_disputed(session, actor, deal, OrderStatus.CANCELLED, decision.reason, rules)


async def _return_is_covered(session: WriteSession, case: _Case) -> bool:
    """Hold what the decision takes back from who must return it; False when it is not all there and not lent."""
    order, dispute, decision, quote = case.order, case.dispute, case.decision, case.quote
    _, full = balance_manager.returning_leg(order)
    if decision.outcome is DisputeOutcome.COMPLETED:
        return True
    needed = full if quote is None else full - balance_manager.returned_part(order, quote)
    if needed <= ZERO or decision.lends:
        return True
    dispute.hold_target = max(ZERO, needed - await balance_manager.cleared_amount(session, order))
    held = await balance_manager.hold_for_dispute(session, order, dispute.id, dispute.hold_target)
    return held >= dispute.hold_target


async def _wait_for_funds(session: WriteSession, actor: Actor, dispute: Dispute, decision: Decision) -> None:
    if dispute.status != DisputeStatus.WAITING_FUNDS:
        await _note(session, actor, dispute, decision, DisputeStatus.WAITING_FUNDS)


async def _note(
    session: WriteSession, actor: Actor, dispute: Dispute, decision: Decision, status: DisputeStatus
) -> None:
    """What was decided, by whom; a decision that had to wait keeps its first author."""
    now = await order_status_manager.database_now(session)
    fields: dict[str, Any] = {"due_at": None}
    if dispute.decision is None:
        fields |= {
            "decision": decision.outcome.value,
            "decided_amount": decision.amount,
            "decision_reason": decision.reason,
            "decided_by": actor.id,
            "decided_at": now,
        }
    if status is not DisputeStatus.WAITING_FUNDS:
        fields["resolved_at"] = now
    details = {"outcome": decision.outcome.value, "lends": decision.lends}
    await turns.step(session, actor, dispute, status, decision.reason, fields, **details)
