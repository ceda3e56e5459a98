"""The relay: what a transaction intended is published once it has committed (decision 7).

Rows are found by not being done yet, never by a watermark of ids: a slower transaction with a smaller id is found
at the next look. Published first and marked afterwards, so a crash between the two repeats a hint, which is
harmless. Callbacks get their place in the store's stream here.
"""

import asyncio
import contextlib

from sqlalchemy import func, select, text, update

from jivapay.database.models.records import Outbox
from jivapay.exceptions import BrokerError, JivaPayException
from jivapay.services import callback_service
from jivapay.services.outbox import Topic
from jivapay.utils.failures import DRIVER_ERRORS
from jivapay.utils.notifications import report_critical_error, report_failure
from jivapay.utils.resources import Resources
from jivapay.worker.app import make_app
from jivapay.worker.leadership import lead
from jivapay.worker.publisher import Publisher

LEADER_KEY = 7_471_010
BATCH = 500
IDLE_SECONDS = 0.05
FAILED_SECONDS = 1.0


async def run(resources: Resources, stop: asyncio.Event) -> None:
    """Relay until `stop`, while this process leads."""
    publisher = Publisher(make_app(resources.settings))
    await lead(resources.database, LEADER_KEY, "relay", lambda ended: _loop(resources, publisher, ended), stop)


async def _loop(resources: Resources, publisher: Publisher, ended: asyncio.Event) -> None:
    while not ended.is_set():
        try:
            busy = await relay_once(resources, publisher)
            pause = 0.0 if busy else IDLE_SECONDS
        except BrokerError:
            pause = FAILED_SECONDS  # said once by the publisher; the rows wait
        except (*DRIVER_ERRORS, JivaPayException) as error:
            report_failure(error, "relay_failed")
            pause = FAILED_SECONDS
        except Exception as error:  # noqa: BLE001 - outermost shell: the relay must go on
            report_critical_error(error, "relay")
            pause = FAILED_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause or 0.001):
                await ended.wait()


async def relay_once(resources: Resources, publisher: Publisher) -> bool:
    """Publish what is waiting and number the new callbacks; True when there may be more at once."""
    async with resources.database.read() as session:
        rows = await session.execute(
            select(Outbox.id, Outbox.topic, Outbox.ref_id, Outbox.request_id, Outbox.payload)
            .where(Outbox.dispatched_at.is_(None), Outbox.topic.in_(Topic))
            .order_by(Outbox.id)
            .limit(BATCH)
        )
        waiting = rows.all()
        unnumbered = await session.scalar(
            text("select exists (select 1 from callback_deliveries where store_seq is null)")
        )
    if unnumbered:  # before anything needs the broker: the stores' streams go on without it
        async with resources.database.write() as session:
            await callback_service.assign_sequence(session)
    if waiting:
        for topic, offer in (
            (Topic.ORDER_PROCESS, publisher.offer_orders),
            (Topic.PAYOUT_PROCESS, publisher.offer_payouts),
        ):
            await offer([(ref_id, request_id) for _, about, ref_id, request_id, _ in waiting if about == topic])
        for again in (payload for _, about, _, _, payload in waiting if about == Topic.TASK_AGAIN):
            await publisher.offer_again(again["name"], again["args"])
        async with resources.database.write() as session:
            await session.execute(
                update(Outbox)
                .where(Outbox.id.in_([row_id for row_id, *_ in waiting]))
                .values(dispatched_at=func.app_now())
            )
    if unnumbered:
        await publisher.offer_callbacks()
    return len(waiting) == BATCH
