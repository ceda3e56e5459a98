"""Sending what is due: lease in one short transaction, send outside of any, record in another.

Nothing waits for the slowest: each answer is recorded as it comes, and fresh work is leased while slow shops
take their fifteen seconds. A phased door: it is given the database and opens its own transactions.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

from jivapay.config.clock import Clock
from jivapay.config.crypto import Cipher
from jivapay.database.session import Database
from jivapay.services.callback_service.leasing import lease
from jivapay.services.callback_service.recording import record
from jivapay.services.callback_service.schedule import Verdict
from jivapay.services.callback_service.sending import Attempt, send_merchant_callback
from jivapay.utils.http_client import CallbackTransport

RUN_SECONDS = 20.0
"""After this nothing new is leased; with the last attempt's fifteen it stays under the task's time limit."""
IN_FLIGHT_MAX = 400
"""Of one run: connections, and shops that may hang at once before they are in each other's way."""
LOOK_AGAIN_SECONDS = 0.25

Sends = set[asyncio.Task[Attempt]]


@dataclass(slots=True)
class DeliveryCounts:
    """What a run did. `lost` were recorded by nobody: their lease had lapsed, and they are sent again."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    database: Database
    transport: CallbackTransport
    cipher: Cipher
    clock: Clock
    owner: UUID
    counts: DeliveryCounts

    async def start(self, sends: Sends, limit: int) -> None:
        async with self.database.write() as session:
            leased = await lease(session, self.owner, limit)
        for delivery in leased:
            sends.add(asyncio.create_task(send_merchant_callback(self.transport, self.cipher, self.clock, delivery)))

    async def finish(self, done: Collection[asyncio.Task[Attempt]]) -> None:
        """Record what was finished; only then let a defect of ours surface."""
        broken = [error for task in done if (error := task.exception()) is not None]
        attempts = [task.result() for task in done if task.exception() is None]
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
        if broken:
            raise broken[0]


async def deliver_due(
    database: Database,
    transport: CallbackTransport,
    cipher: Cipher,
    clock: Clock,
    limit: int = 200,
    *,
    run_seconds: float = RUN_SECONDS,
    in_flight_max: int = IN_FLIGHT_MAX,
) -> DeliveryCounts:
    """Send everything that is due and becomes due meanwhile, at most `limit` leased at a time.

    Returns when nothing is due or in flight, or the run's time is over and the last answer recorded. Cancelled
    or killed, it leaves leases to lapse. Callable in any number of processes at once.
    """
    run = _Run(database, transport, cipher, clock, uuid4(), DeliveryCounts())
    loop = asyncio.get_running_loop()
    ends = loop.time() + run_seconds
    sends: Sends = set()
    try:
        while True:
            may_lease = loop.time() < ends
            room = min(limit, in_flight_max - len(sends))
            if may_lease and room > 0:
                await run.start(sends, room)
            if not sends:
                return run.counts
            done, sends = await asyncio.wait(
                sends,
                timeout=LOOK_AGAIN_SECONDS if may_lease else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            await run.finish(done)
    finally:
        for task in sends:
            task.cancel()
        await asyncio.gather(*sends, return_exceptions=True)
