"""What staff does with a withdrawal, and its owner's cancelling.

A freeze refuses everything but saying what has happened already: that it was sent.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.approvals import Approval
from jivapay.database.models.treasury import Withdrawal
from jivapay.database.session import AnySession, WriteSession, atomic_transaction
from jivapay.domain.actors import Actor
from jivapay.domain.transactions import canonical_hash
from jivapay.exceptions import Conflict, NotFound, PermissionDenied
from jivapay.schemas_enums.enums import ApprovalStatus, DepositNetwork, OwnerType, WithdrawalStatus
from jivapay.services import approval_service, balance_manager, freeze_service
from jivapay.services.approval_service import ApprovalView, Sensitive
from jivapay.services.withdrawal_service.looking import WithdrawalView, get_view, is_own
from jivapay.services.withdrawal_service.record import check_step, step

APPROVE = "withdrawal.approve"
RETURN = "withdrawal.return"


async def approve_withdrawal(
    session: WriteSession, actor: Actor, public_id: UUID, reason: str, rules: BusinessSettings
) -> WithdrawalView | ApprovalView:
    """One person's yes, above the four-eyes amount the first of two.

    Raises NotFound, Conflict, PlatformFrozen, and PermissionDenied `approval.same_user` for whoever had his hands on
    the account it was requested from.
    """
    row = await _lock(session, Withdrawal.public_id == public_id)
    await freeze_service.refuse_when_frozen(session)
    check_step(row, WithdrawalStatus.APPROVED)
    if row.status != WithdrawalStatus.REQUESTED:
        raise _nothing_to_approve(row)
    await approval_service.refuse_same_person(session, actor, [row.requested_by])
    what = await sensitive(session, row, APPROVE, reason)
    always = row.owner_type == OwnerType.PLATFORM
    approval = await approval_service.begin(session, actor, what, rules, always=always)
    if approval.status == ApprovalStatus.REQUESTED:
        return await approval_service.view(session, approval)
    await _approve(session, actor, row, reason)
    return await get_view(session, row.id)


async def execute_approval(session: WriteSession, actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """A second person agrees. Raises Conflict, PlatformFrozen."""
    row = await _lock(session, Withdrawal.id == approval.entity_id)
    approval_service.refuse_stale(approval, row.version)
    await freeze_service.refuse_when_frozen(session)
    await _approve(session, actor, row, approval.reason)


async def reject_withdrawal(session: WriteSession, actor: Actor, public_id: UUID, reason: str) -> WithdrawalView:
    """The hold goes back to its owner. Raises NotFound, Conflict."""
    row = await _lock(session, Withdrawal.public_id == public_id)
    await step(session, actor, row, WithdrawalStatus.REJECTED, reason, decided_by=actor.id, decision_reason=reason)
    await balance_manager.void_hold(session, ref_type="withdrawal", ref_id=row.id)
    return await get_view(session, row.id)


async def reject_requested(session: WriteSession, actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """A withdrawal whose approval is rejected is rejected with it, unless it has gone another way since."""
    row = await _lock(session, Withdrawal.id == approval.entity_id)
    if row.version != approval.entity_version:
        return
    reason = approval.decision_reason or approval.reason
    await step(session, actor, row, WithdrawalStatus.REJECTED, reason, decided_by=actor.id, decision_reason=reason)
    await balance_manager.void_hold(session, ref_type="withdrawal", ref_id=row.id)


async def cancel_withdrawal(session: WriteSession, actor: Actor, public_id: UUID) -> WithdrawalView:
    """By whoever owns it, until somebody has approved it. Raises NotFound, also for somebody else's, Conflict."""
    row = await _lock(session, Withdrawal.public_id == public_id, is_own(actor))
    await step(session, actor, row, WithdrawalStatus.CANCELLED, "cancelled by its owner")
    await balance_manager.void_hold(session, ref_type="withdrawal", ref_id=row.id)
    return await get_view(session, row.id)


async def claim_withdrawal(session: WriteSession, actor: Actor, public_id: UUID) -> WithdrawalView:
    """Take it in hand: nobody else sends it from now on. Raises NotFound, Conflict, PlatformFrozen."""
    row = await _lock(session, Withdrawal.public_id == public_id)
    await freeze_service.refuse_when_frozen(session)
    await step(session, actor, row, WithdrawalStatus.SENDING, "claimed", claimed_by=actor.id)
    return await get_view(session, row.id)


async def send_withdrawal(session: WriteSession, actor: Actor, public_id: UUID, tx_hash: str) -> WithdrawalView:
    """It has left in this transaction, says the person who claimed it; posted against the outside.

    Raises NotFound, PermissionDenied `withdrawal.not_yours`, Conflict, also `withdrawal.duplicate` for a transaction
    that has paid another one.
    """
    row = await _lock(session, Withdrawal.public_id == public_id)
    check_step(row, WithdrawalStatus.SENT)
    if row.claimed_by != actor.id:
        raise PermissionDenied("Somebody else has it in hand.", code="withdrawal.not_yours")
    canonical = canonical_hash(DepositNetwork(row.network), tx_hash)
    known = select(Withdrawal.id).where(
        Withdrawal.network == row.network, func.lower(Withdrawal.tx_hash) == canonical.lower()
    )
    if await session.scalar(known):
        raise _duplicate()
    try:
        async with atomic_transaction(session):
            sent_at = await session.scalar(select(func.app_now()))
            await step(session, actor, row, WithdrawalStatus.SENT, "sent", tx_hash=canonical, sent_at=sent_at)
    except IntegrityError as error:
        if "uq_withdrawals_transaction" not in str(error.orig):
            raise
        raise _duplicate() from error
    await balance_manager.post_withdrawal(session, row)
    return await get_view(session, row.id)


async def return_withdrawal(
    session: WriteSession, actor: Actor, public_id: UUID, reason: str, rules: BusinessSettings
) -> ApprovalView:
    """Nothing has left: back to `approved`, once a second person, not the one who claimed it, has looked, too.

    Raises NotFound, Conflict.
    """
    row = await _lock(session, Withdrawal.public_id == public_id)
    check_step(row, WithdrawalStatus.APPROVED)
    if row.status != WithdrawalStatus.SENDING:
        raise _nothing_to_approve(row)
    what = await sensitive(session, row, RETURN, reason, involved=(row.claimed_by or 0,))
    approval = await approval_service.begin(session, actor, what, rules, always=True)
    return await approval_service.view(session, approval)


async def execute_return(session: WriteSession, actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """A second person agrees that nothing has left. Raises Conflict."""
    row = await _lock(session, Withdrawal.id == approval.entity_id)
    approval_service.refuse_stale(approval, row.version)
    await step(session, actor, row, WithdrawalStatus.APPROVED, approval.reason, claimed_by=None)


async def sensitive(
    session: AnySession, row: Withdrawal, action: str, reason: str, involved: tuple[int, ...] = ()
) -> Sensitive:
    """What is decided about a withdrawal: all that leaves its owner, and where it goes."""
    shown = await get_view(session, row.id)
    return Sensitive(
        action=action,
        entity="withdrawal",
        entity_id=row.id,
        entity_version=row.version,
        amount=row.amount + row.network_fee,
        currency=row.currency,
        beneficiary=(OwnerType(row.owner_type), row.owner_id),
        payload={
            "withdrawal_id": str(row.public_id),
            "owner_type": row.owner_type,
            "owner_id": str(shown.owner_id) if shown.owner_id else None,
            "network": row.network,
            "address": row.address,
        },
        reason=reason,
        involved=(row.requested_by, *involved),
    )


async def _approve(session: WriteSession, actor: Actor, row: Withdrawal, reason: str) -> None:
    await step(session, actor, row, WithdrawalStatus.APPROVED, reason, decided_by=actor.id, decision_reason=reason)


async def _lock(session: WriteSession, *conditions: ColumnElement[bool]) -> Withdrawal:
    row = await session.scalar(
        select(Withdrawal).where(*conditions).with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return row


def _nothing_to_approve(row: Withdrawal) -> Conflict:
    return Conflict(f"The withdrawal is {row.status}.", code="withdrawal.state_conflict", about={"current": row.status})


def _duplicate() -> Conflict:
    return Conflict("This transaction has paid another withdrawal.", code="withdrawal.duplicate")
