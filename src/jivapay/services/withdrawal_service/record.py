"""One step of a withdrawal: checked against the printed table, versioned, audited."""

from sqlalchemy import func, select

from jivapay.database.models.treasury import Withdrawal
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.order_states import is_allowed
from jivapay.exceptions import Conflict
from jivapay.schemas_enums.enums import WithdrawalStatus
from jivapay.services import audit_service, steps


def check_step(withdrawal: Withdrawal, status: WithdrawalStatus) -> None:
    """Raises Conflict `withdrawal.state_conflict`."""
    if not is_allowed("withdrawal", withdrawal.status, status):
        raise Conflict(
            f"The withdrawal is {withdrawal.status}.",
            code="withdrawal.state_conflict",
            about={"current": withdrawal.status},
        )


async def step(
    session: WriteSession,
    actor: Actor,
    withdrawal: Withdrawal,
    status: WithdrawalStatus,
    reason: str,
    **columns: object,
) -> None:
    """Move a locked row on, with what else changes in it. Raises as `check_step`."""
    check_step(withdrawal, status)
    await steps.announce(session, actor, reason)
    now = await session.scalar(select(func.app_now()))
    withdrawal.status = status
    withdrawal.version += 1
    withdrawal.updated_at = now or withdrawal.updated_at
    for name, value in columns.items():
        setattr(withdrawal, name, value)
    await session.flush()
    await record(session, actor, withdrawal)


async def record(session: WriteSession, actor: Actor, withdrawal: Withdrawal) -> None:
    await audit_service.log_event(
        session,
        actor,
        f"withdrawal.{withdrawal.status}",
        entity="withdrawal",
        entity_id=withdrawal.id,
        version=withdrawal.version,
        details={
            "amount": str(withdrawal.amount),
            "network_fee": str(withdrawal.network_fee),
            "currency": withdrawal.currency,
            "owner_type": withdrawal.owner_type,
            "owner_id": withdrawal.owner_id,
            "network": withdrawal.network,
            "address": withdrawal.address,
            "tx_hash": withdrawal.tx_hash,
        },
    )
