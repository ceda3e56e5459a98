"""Sending what is due: lease in one short transaction, send outside of any, record in another.

Nothing waits for the slowest: each answer is recorded as it comes, and fresh work is leased while slow shops
take their fifteen seconds. A phased door: it is given the database and opens its own transactions.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from jivapay.config.clock import Clock
from jivapay.config.crypto import Cipher
from jivapay.database.session import Database
from jivapay.services.callback_service.leasing import Leased, lease
from jivapay.services.callback_service.recording import record
from jivapay.services.callback_service.schedule import Judgement, Verdict
from jivapay.services.callback_service.sending import Attempt, send_merchant_callback
from jivapay.utils.http_client import CallbackTransport
from jivapay.utils.notifications import report_critical_error

RUN_SECONDS = 15.0
"""So long a run leases whatever is due."""
EXTRA_SECONDS = 13.0
"""So long afterwards, while slow shops are waited for, it leases for quick ones only: they wait for nobody, and
with the last attempt's fifteen seconds the run stays under the task's time limit of 45."""
SLOW_SECONDS = 1.0
IN_FLIGHT_MAX = 400
"""Of one run: connections, and shops that may hang at once before they are in each other's way."""
LOOK_AGAIN_SECONDS = 0.25


@dataclass(slots=True)
class DeliveryCounts:
    """What a run did. `lost` were recorded by nobody: their lease had lapsed, and they are sent again."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run has on its way: a task for each attempt, and whose it is."""

    database: Database
    transport: CallbackTransport
    cipher: Cipher
    clock: Clock
    owner: UUID = field(default_factory=uuid4)
    counts: DeliveryCounts = field(default_factory=DeliveryCounts)
    sends: dict[asyncio.Task[Attempt], Leased] = field(default_factory=dict)
    slow_stores: set[int] = field(default_factory=set)

    async def start(self, limit: int, *, only_quick: bool) -> None:
        on_their_way = {delivery.store_id for delivery in self.sends.values()}
        passed_over = self.slow_stores | on_their_way if only_quick else ()
        async with self.database.write() as session:
            leased = await lease(session, self.owner, limit, passed_over=passed_over)
        for delivery in leased:
            task = asyncio.create_task(send_merchant_callback(self.transport, self.cipher, self.clock, delivery))
            self.sends[task] = delivery

    async def wait(self, timeout: float | None) -> None:  # noqa: ASYNC109 - not a limit: what is not done goes on
        """Until an answer comes, or `timeout`; then record what has come."""
        done, _ = await asyncio.wait(self.sends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        attempts = [self._attempt_of(task, self.sends.pop(task)) for task in done]
        self.slow_stores.update(a.delivery.store_id for a in attempts if a.duration_ms > SLOW_SECONDS * 1000)
        if attempts:
            async with self.database.write() as session:
                recorded = await record(session, self.owner, attempts)
            delivered = sum(
                attempt.judgement.verdict is Verdict.DELIVERED and attempt.delivery.id in recorded
                for attempt in attempts
            )
            self.counts.sent += len(attempts)
            self.counts.lost += len(attempts) - len(recorded)
            self.counts.delivered += delivered
            self.counts.failed += len(recorded) - delivered

    def _attempt_of(self, task: asyncio.Task[Attempt], delivery: Leased) -> Attempt:
        """What came of it. A defect of ours is reported and fails this delivery, and no other."""
        error = task.exception()
        if error is None:
            return task.result()
        report_critical_error(error, "callback", delivery_id=delivery.id)
        return Attempt(delivery, Judgement(Verdict.FAILED, "defect"), self.clock.now(), 0, None, {}, None)


async def deliver_due(
    database: Database,
    transport: CallbackTransport,
    cipher: Cipher,
    clock: Clock,
    limit: int = 200,
    *,
    run_seconds: float = RUN_SECONDS,
    extra_seconds: float = EXTRA_SECONDS,
    in_flight_max: int = IN_FLIGHT_MAX,
) -> DeliveryCounts:
    """Send everything that is due and becomes due meanwhile, at most `limit` leased at a time.

    Returns when nothing is due or in flight, or the run's time is over and the last answer recorded. Cancelled
    or killed, it leaves leases to lapse. Callable in any number of processes at once.
    """
    run = _Run(database, transport, cipher, clock)
    loop = asyncio.get_running_loop()
    all_until = loop.time() + run_seconds
    quick_until = all_until + extra_seconds
    try:
        while True:
            now = loop.time()
            may_lease = now < all_until or (run.sends and now < quick_until)
            room = min(limit, in_flight_max - len(run.sends))
            if may_lease and room > 0:
                await run.start(room, only_quick=now >= all_until)
            if not run.sends:
                return run.counts
            await run.wait(LOOK_AGAIN_SECONDS if may_lease else None)
    finally:
        for task in run.sends:
            task.cancel()
        await asyncio.gather(*run.sends, return_exceptions=True)
