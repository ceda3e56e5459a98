"""When an executor is to take a payout request, and the word to the workers that it is."""

from datetime import datetime, timedelta

from jivapay.database.models.payout_requests import Payout
from jivapay.database.session import WriteSession
from jivapay.schemas_enums.enums import PayoutExecutor
from jivapay.services import outbox
from jivapay.services.outbox import Topic

SANDBOX_REST_SECONDS = 5.0
"""How long the sandbox leaves a request alone, so that its store may still change or delete it."""


def first_due(executor: PayoutExecutor, execute_at: datetime | None, now: datetime) -> datetime | None:
    if not executor.is_automatic:
        return None
    rested = now + timedelta(seconds=SANDBOX_REST_SECONDS) if executor is PayoutExecutor.SANDBOX else now
    return max(rested, execute_at) if execute_at else rested


async def offer(session: WriteSession, payout: Payout, now: datetime) -> None:
    """A task for it after commit. One that is due later is offered by the timetable when it is."""
    if payout.due_at is not None and payout.due_at <= now:
        await outbox.put(
            session, Topic.PAYOUT_PROCESS, ref_type="payout", ref_id=payout.id, request_id=payout.request_id
        )
