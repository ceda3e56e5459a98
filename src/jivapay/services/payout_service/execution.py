"""Carrying one payout request out, once: claim, execute, settle (hard case 18).

The claim is the row's own step to `processing` with a numbered attempt; the executor is called between two
transactions; the result is written only while that attempt is alive. Whoever dies in between leaves a row whose
`due_at` passes: the next one goes on with the same attempt and the same reference. What the platform pays itself needs
none of this (`own_orders`).
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher
from jivapay.config.logger import get_logger
from jivapay.database.locks import lock_payout_for_update
from jivapay.database.models.payout_requests import Payout, PayoutAttempt
from jivapay.database.session import AnySession, Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import PayoutExecutor, PayoutStatus
from jivapay.services.payout_service.executors import Executor, Job, NotYet, Outcome, Paid, Refused, find_executor
from jivapay.services.payout_service.own_orders import advance, list_behind
from jivapay.services.payout_service.sealing import Unreadable, open_details
from jivapay.services.payout_service.states import database_now, move, report_unreadable

logger = get_logger(__name__)

EXECUTOR_SECONDS = 8.0
LEASE_SECONDS = 10.0
"""How long after its claim, or after the last word of its executor, another worker may go on with a payout."""
WORKED_ON = (PayoutStatus.PENDING, PayoutStatus.PROCESSING)


@dataclass(frozen=True, slots=True)
class _Claim:
    attempt: int
    reference: str
    executor: Executor
    job: Job | Unreadable


async def execute_payout(
    database: Database, cipher: Cipher, payout_id: int, actor: Actor, rules: BusinessSettings
) -> PayoutStatus | None:
    """Carry out what is due, follow what the platform's own orders carry out; the status it came to, None when there
    was nothing to do.

    Raises TimeoutError when the executor does not answer; the claim then runs out and the attempt goes on.
    """
    async with database.read() as reading:
        executor = await reading.scalar(select(Payout.executor).where(Payout.id == payout_id))
    if executor == PayoutExecutor.JIVAPAY:
        async with database.write() as session:
            return await advance(session, cipher, payout_id, actor, rules)
    async with database.write() as session:
        claim = await _claim(session, database, cipher, payout_id, actor)
    if claim is None:
        return None
    async with asyncio.timeout(EXECUTOR_SECONDS):
        outcome = await _carry_out(claim)
    async with database.write() as session:
        return await _settle(session, payout_id, claim, outcome, actor)


async def list_due_payouts(session: AnySession, *, limit: int) -> list[tuple[int, str | None]]:
    """(id, request id) of what waits for an executor, for somebody to go on where a worker has died, or for a word that
    was lost.
    """
    now = await database_now(session)
    found = await session.execute(
        select(Payout.id, Payout.request_id).where(Payout.due_at <= now).order_by(Payout.due_at).limit(limit)
    )
    due = [(payout_id, request_id) for payout_id, request_id in found]
    return due + await list_behind(session, limit=limit)


async def _claim(
    session: WriteSession, database: Database, cipher: Cipher, payout_id: int, actor: Actor
) -> _Claim | None:
    payout = await lock_payout_for_update(session, payout_id, skip_locked=True)
    now = await database_now(session)
    if payout is None or payout.due_at is None or payout.due_at > now or payout.status not in WORKED_ON:
        return None
    executor = find_executor(payout.executor, database)
    if executor is None:
        return None
    if payout.status == PayoutStatus.PENDING:
        payout.attempt += 1
        await move(session, actor, payout, PayoutStatus.PROCESSING, "taken by its executor")
        reference = f"{payout.public_id}-{payout.attempt}"
        session.add(PayoutAttempt(payout_id=payout.id, number=payout.attempt, reference=reference))
    payout.due_at = now + timedelta(seconds=LEASE_SECONDS)
    await session.flush()
    alive = await session.scalar(
        select(PayoutAttempt).where(PayoutAttempt.payout_id == payout.id, PayoutAttempt.ended_at.is_(None))
    )
    if alive is None:
        raise AssertionError("a payout that is processed by an executor has a living attempt")
    await session.refresh(alive)
    job = _job(cipher, payout, alive, now)
    return _Claim(alive.number, alive.reference, executor, job)


def _job(cipher: Cipher, payout: Payout, attempt: PayoutAttempt, now: datetime) -> Job | Unreadable:
    details = open_details(cipher, payout)
    if isinstance(details, Unreadable):
        return details
    return Job(
        reference=attempt.reference,
        amount=payout.amount,
        currency=payout.currency,
        recipient_details=details,
        seconds_running=(now - attempt.started_at).total_seconds(),
    )


async def _carry_out(claim: _Claim) -> Outcome:
    """What cannot be read is not paid any more; but it may have been, before the worker died who could read it."""
    if not isinstance(claim.job, Unreadable):
        return await claim.executor.execute(claim.job)
    return Paid() if await claim.executor.has_paid(claim.reference) else Refused(claim.job.code)


async def _settle(
    session: WriteSession, payout_id: int, claim: _Claim, outcome: Outcome, actor: Actor
) -> PayoutStatus | None:
    payout = await lock_payout_for_update(session, payout_id)
    if payout is None or payout.status != PayoutStatus.PROCESSING or payout.attempt != claim.attempt:
        late = type(outcome).__name__
        logger.warning("payout_outcome_too_late", payout_id=payout_id, attempt=claim.attempt, outcome=late)
        return None
    if isinstance(claim.job, Unreadable):
        await report_unreadable(session, actor, payout, claim.job.code)
    if isinstance(outcome, NotYet):
        payout.due_at = await database_now(session) + timedelta(seconds=outcome.seconds)
        await session.flush()
        return PayoutStatus.PROCESSING
    if isinstance(outcome, Paid):
        await move(session, actor, payout, PayoutStatus.PROCESSED, "paid by its executor")
    else:
        payout.failure_reason = outcome.reason
        await move(session, actor, payout, PayoutStatus.FAILED, outcome.reason)
    return PayoutStatus(payout.status)
