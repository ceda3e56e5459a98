"""The timetable: what happens by the clock, in one process, under one leader (WRK-10, WRK-15, WRK-16, WRK-21).

The jobs run here and not through the broker, so that deadlines pass and the books are checked while Valkey is
down. `poll_new_orders` offers again whatever is due and not done: with it, a lost message costs seconds.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from jivapay.config.crypto import HeadSigner
from jivapay.config.logger import get_logger
from jivapay.database.models.orders import IncomingOrder
from jivapay.database.models.people import SignInFailure
from jivapay.database.models.records import IdempotencyKey, Outbox
from jivapay.database.models.reference import Heartbeat
from jivapay.database.session import Database
from jivapay.domain.actors import Actor
from jivapay.exceptions import BrokerError, JivaPayException
from jivapay.schemas_enums.enums import IncomingOrderStatus
from jivapay.services import (
    approval_service,
    audit_chain,
    balance_manager,
    chain_heads,
    dispute_service,
    document_service,
    freeze_service,
    idempotency,
    invariant_service,
    order_processor,
    payout_service,
    platform_service,
    posting_chain,
    rate_service,
    reconciliation_service,
)
from jivapay.utils.failures import DRIVER_ERRORS
from jivapay.utils.notifications import report_critical_error, report_failure
from jivapay.utils.resources import Resources
from jivapay.worker.app import make_app
from jivapay.worker.leadership import lead
from jivapay.worker.publisher import Publisher

logger = get_logger(__name__)

LEADER_KEY = 7_471_011
NAME = "scheduler"
SYSTEM = Actor.system(NAME)
GAP_BEFORE_GRACE = timedelta(seconds=30)
OFFERED_AGAIN_SECONDS = 10.0
POLL_LIMIT = 1000
FORGOTTEN_AT_ONCE = 2000
NEW_ORDER_PATIENCE = timedelta(seconds=2)
"""How long a fresh order is left to the relay's hint before the poller steps in."""
KEPT_FOR = timedelta(days=1)


@dataclass(slots=True)
class Timetable:
    """The jobs of one leader, and what they remember between runs."""

    resources: Resources
    publisher: Publisher
    offered: dict[int, float] = field(default_factory=dict)
    offered_payouts: dict[int, float] = field(default_factory=dict)

    def jobs(self) -> tuple[tuple[float, Callable[[], Awaitable[object]]], ...]:
        """Every so many seconds: this."""
        return (
            (1.0, self.beat),
            (1.0, self.expire_due),
            (5.0, self.clear_payouts),
            (1.0, self.poll_new_orders),
            (1.0, self.poll_payouts),
            (1.0, self.work_off_payout_files),
            (1.0, self.offer_callbacks),
            (2.0, self.chain_audit),
            (2.0, self.chain_postings),
            (5.0, self.roll_up),
            (5.0, self.settle_disputes),
            (5.0, self.repay_covers),
            (60.0, self.lapse_approvals),
            (60.0, self.refresh_rates),
            (300.0, self.seal_days),
            (180.0, self.check_invariants),
            (10.0, self.reconcile),
            (3600.0, self.clean_up),
        )

    async def beat(self) -> None:
        """Leave a sign of life; after a gap, move on the deadlines that passed in it."""
        async with self.resources.database.write() as session:
            seen_at = await session.scalar(select(Heartbeat.seen_at).where(Heartbeat.name == NAME))
            now = await session.scalar(select(func.app_now()))
            if seen_at is not None and now is not None and now - seen_at > GAP_BEFORE_GRACE:
                moved = await order_processor.give_grace(session, since=seen_at)
                logger.warning("deadlines_moved", since=seen_at.isoformat(), count=moved)
            statement = insert(Heartbeat).values(name=NAME, seen_at=func.app_now())
            await session.execute(
                statement.on_conflict_do_update(index_elements=["name"], set_={"seen_at": statement.excluded.seen_at})
            )

    async def expire_due(self) -> None:
        """First a beat: after a machine has slept all jobs wake at once, and this one may be the first."""
        await self.beat()
        rules = await self.resources.config.current()
        await order_processor.expire_due(self.resources.database, SYSTEM, rules)

    async def clear_payouts(self) -> None:
        await order_processor.clear_due(self.resources.database, SYSTEM)

    async def poll_new_orders(self) -> None:
        """Offer orders that are due and that nobody seems to be working on."""
        async with self.resources.database.read() as session:
            due = await session.scalars(
                select(IncomingOrder.id)
                .where(
                    IncomingOrder.status.in_([IncomingOrderStatus.NEW, IncomingOrderStatus.RETRYING]),
                    IncomingOrder.next_attempt_at <= func.app_now(),
                    (IncomingOrder.status == IncomingOrderStatus.RETRYING)
                    | (IncomingOrder.next_attempt_at <= func.app_now() - NEW_ORDER_PATIENCE),
                )
                .order_by(IncomingOrder.next_attempt_at)
                .limit(POLL_LIMIT)
            )
            waiting = due.all()
        fresh = _not_offered_lately(self.offered, waiting)
        if fresh:
            await self.publisher.offer_orders([(incoming_id, None) for incoming_id in fresh])
            self.offered.update(dict.fromkeys(fresh, time.monotonic()))

    async def poll_payouts(self) -> None:
        """Offer payout requests that are due: scheduled, or left behind by a dead worker or a lost word."""
        async with self.resources.database.read() as session:
            due = dict(await payout_service.list_due_payouts(session, limit=POLL_LIMIT))
        fresh = _not_offered_lately(self.offered_payouts, due)
        if fresh:
            again = [(payout_id, due[payout_id]) for payout_id in fresh]
            await self.publisher.offer_payouts(again, expires=3 * OFFERED_AGAIN_SECONDS)
            self.offered_payouts.update(dict.fromkeys(fresh, time.monotonic()))

    async def work_off_payout_files(self) -> None:
        resources = self.resources
        rules = await resources.config.current()
        rows = 1
        while rows:
            rows = await payout_service.continue_batches(resources.database, resources.cipher, rules)

    async def offer_callbacks(self) -> None:
        async with self.resources.database.read() as session:
            due = await session.scalar(
                text(
                    "select exists (select 1 from callback_deliveries where state in ('pending', 'retrying')"
                    " and store_seq is not null and next_attempt_at <= app_now()"
                    " and (leased_until is null or leased_until <= app_now()))"
                )
            )
        if due:
            await self.publisher.offer_callbacks()

    async def chain_audit(self) -> None:
        await audit_chain.append(self.resources.database)

    async def chain_postings(self) -> None:
        await posting_chain.append(self.resources.database)

    async def seal_days(self) -> None:
        """Seal the days that have ended and lay their heads where nobody rewrites them."""
        await chain_heads.seal_due(self.resources.database, HeadSigner.from_settings(self.resources.settings))
        await chain_heads.export_due(self.resources.database, self.resources.storage)

    async def compare_with_export(self) -> None:
        """Once, when this process takes the lead."""
        signer = HeadSigner.from_settings(self.resources.settings)
        await platform_service.freeze_if_rewritten(self.resources.database, self.resources.storage, signer, SYSTEM)

    async def roll_up(self) -> None:
        async with self.resources.database.write() as session:
            await balance_manager.roll_up(session)

    async def settle_disputes(self) -> None:
        """Hand disputes whose turn is over to staff, and hold what has come in for those that wait for money."""
        rules = await self.resources.config.current()
        await dispute_service.expire_turns(self.resources.database, SYSTEM, rules)
        await dispute_service.top_up_holds(self.resources.database, SYSTEM, rules)

    async def repay_covers(self) -> None:
        """What owners with an open cover have available goes to its repayment, unless money is frozen."""
        async with self.resources.database.read() as session:
            if await freeze_service.is_frozen(session):
                return
            repayable = await balance_manager.list_repayable_covers(session)
        for cover_id in repayable:
            async with self.resources.database.write() as session:
                await balance_manager.cover_repayment(session, cover_id)

    async def lapse_approvals(self) -> None:
        """End what waits for a second person about something that has moved on without him."""
        await approval_service.lapse_overtaken(self.resources.database, SYSTEM)

    async def refresh_rates(self) -> None:
        rules = await self.resources.config.current()
        async with self.resources.database.write() as session:
            await rate_service.stamp_manual_rates(session, rules)

    async def check_invariants(self) -> None:
        """What changed since the last run; once a night, and on a platform never checked, everything."""
        if not await invariant_service.is_complete_run_due(self.resources.database):
            await invariant_service.check_and_freeze(self.resources.database, SYSTEM, complete=False)
            return
        async with self._patient_database() as patient:
            await invariant_service.check_and_freeze(patient, SYSTEM, complete=True)

    async def reconcile(self) -> None:
        """What was asked for; once a night, the day before."""
        async with self.resources.database.write() as session:
            await reconciliation_service.request_nightly(session, SYSTEM)
        async with self._patient_database() as patient:
            signer = HeadSigner.from_settings(self.resources.settings)
            await reconciliation_service.run_due(patient, self.resources.storage, signer, SYSTEM)

    def _patient_database(self) -> AbstractAsyncContextManager[Database]:
        return invariant_service.open_patient_database(
            self.resources.settings, "jivapay-check", clock=self.resources.clock
        )

    async def _forget(self, kind: type[IdempotencyKey | Outbox | SignInFailure], old: ColumnElement[bool]) -> None:
        """In portions, each of which ends before its statement is given up."""
        keys = tuple(kind.__table__.primary_key)
        some = select(*keys).where(old).limit(FORGOTTEN_AT_ONCE)
        while True:
            async with self.resources.database.write() as session:
                forgotten = await session.execute(delete(kind).where(tuple_(*keys).in_(some)).returning(*keys))
                if len(forgotten.all()) < FORGOTTEN_AT_ONCE:
                    return

    async def clean_up(self) -> None:
        """Forget what is only kept for a while, however much of it there is by now."""
        await self._forget(IdempotencyKey, IdempotencyKey.created_at < func.app_now() - idempotency.KEPT_FOR)
        await self._forget(Outbox, Outbox.dispatched_at < func.app_now() - KEPT_FOR)
        await self._forget(SignInFailure, SignInFailure.at < func.app_now() - KEPT_FOR)
        await document_service.sweep_staged(self.resources.database, self.resources.storage, clock=self.resources.clock)


def _not_offered_lately(offered: dict[int, float], waiting: Iterable[int]) -> list[int]:
    """Those of `waiting` that are not in `offered`, which forgets what has been there for a while."""
    now = time.monotonic()
    for key in [key for key, at in offered.items() if now - at >= OFFERED_AGAIN_SECONDS]:
        del offered[key]
    return [key for key in waiting if key not in offered]


async def run(resources: Resources, stop: asyncio.Event) -> None:
    """Keep the timetable until `stop`, while this process leads."""
    timetable = Timetable(resources, Publisher(make_app(resources.settings)))

    async def keep(ended: asyncio.Event) -> None:
        await timetable.refresh_rates()
        await timetable.beat()
        await timetable.compare_with_export()
        await asyncio.gather(*(_repeat(every, job, ended) for every, job in timetable.jobs()))

    await lead(resources.database, LEADER_KEY, NAME, keep, stop)


async def _repeat(every: float, job: Callable[[], Awaitable[object]], ended: asyncio.Event) -> None:
    """One job on its own clock; a failure is reported and the next run tries again."""
    while not ended.is_set():
        try:
            await job()
        except BrokerError:
            pass  # said once by the publisher; the rows stay due
        except (*DRIVER_ERRORS, JivaPayException) as error:
            report_failure(error, "job_failed", job=job.__name__)
        except Exception as error:  # noqa: BLE001 - outermost shell: one broken job stops no other
            report_critical_error(error, f"job {job.__name__}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every):
                await ended.wait()
