"""A second person for payout requests above `PAYOUTS_APPROVAL_AMOUNT` (hard case 14).

The store's merchant answers for its keys, so he stands as the one who asked; a member of staff with the permission is
the second. Until then nobody takes the request, and its store may only cancel or delete it. The approval is locked
before the payout, by both sides.
"""

from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import lock_payout_for_update
from jivapay.database.models.approvals import Approval
from jivapay.database.models.payout_requests import Payout
from jivapay.database.models.people import Merchant
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict, NotFound
from jivapay.schemas_enums.enums import ActorKind, OwnerType, PayoutExecutor, PayoutStatus, Role
from jivapay.services import approval_service
from jivapay.services.api_key_service import StoreContext
from jivapay.services.approval_service import Sensitive
from jivapay.services.payout_service.dispatch import first_due, offer
from jivapay.services.payout_service.states import database_now, move, state_conflict

EXECUTE = "payout.execute"
"""The action of its approval."""
ABOVE = "above the amount one may pay out alone"
WITHDRAWN = "the payout was taken back"


async def ask_second_person(
    session: WriteSession, store: StoreContext, payout: Payout, rules: BusinessSettings
) -> None:
    """Nothing happens with a new payout until somebody else has agreed."""
    user_id = await session.scalar(select(Merchant.user_id).where(Merchant.id == store.merchant_id))
    merchant = Actor(
        ActorKind.USER,
        id=user_id,
        role=Role.MERCHANT,
        owner_id=store.merchant_id,
        ip=store.actor.ip,
        request_id=store.actor.request_id,
    )
    what = Sensitive(
        action=EXECUTE,
        entity="payout",
        entity_id=payout.id,
        entity_version=payout.version,
        amount=payout.amount,
        currency=payout.currency,
        beneficiary=(OwnerType.STORE, store.id),
        payload={"payout_id": payout.id, "store_id": str(store.public_id), "user_id": payout.user_id},
        reason=ABOVE,
    )
    await approval_service.begin(session, merchant, what, rules, always=True)


async def end_waiting(session: WriteSession, store: StoreContext, payout_id: int, *, is_ending: bool) -> None:
    """Before the store changes a payout: what waits for a second person lapses if it is ending, else refuses.

    Raises Conflict `payout.awaits_approval`.
    """
    owned = select(Payout.id).where(Payout.id == payout_id, Payout.store_id == store.id)
    if await session.scalar(owned) is None:
        return  # whoever locks it says so
    waiting = await approval_service.find_open(session, EXECUTE, "payout", payout_id)
    if waiting is None:
        return
    if not is_ending:
        raise Conflict("A second person has not agreed yet.", code="payout.awaits_approval")
    await approval_service.lapse(session, store.actor, waiting.public_id, WITHDRAWN)


async def execute_approved(session: WriteSession, _actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """The second person has agreed: its executor may have it. Raises NotFound, Conflict."""
    payout = await _lock(session, approval)
    now = await database_now(session)
    payout.due_at = first_due(PayoutExecutor(payout.executor), payout.execute_at, now)
    await session.flush()
    await offer(session, payout, now)


async def cancel_rejected(session: WriteSession, actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """The second person has not. Raises NotFound, Conflict."""
    payout = await _lock(session, approval)
    await move(session, actor, payout, PayoutStatus.CANCELLED, approval.decision_reason or approval.reason)


async def _lock(session: WriteSession, approval: Approval) -> Payout:
    payout = await lock_payout_for_update(session, approval.entity_id)
    if payout is None or payout.deleted_at is not None:
        raise NotFound
    if payout.status != PayoutStatus.PENDING:
        raise state_conflict(payout)
    return payout
