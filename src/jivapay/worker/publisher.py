"""Handing hints to the broker: bounded in time, never inside a transaction, and allowed to fail.

The rows stay due whatever happens here; a broker that is down costs the hint and nothing else (F22).
"""

import asyncio
import time
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from jivapay.config.logger import get_logger
from jivapay.exceptions import BrokerError
from jivapay.worker.app import QUEUE_CALLBACKS, QUEUE_ORDERS

logger = get_logger(__name__)

ORDERS_PER_MESSAGE = 20
PUBLISH_SECONDS = 5.0
CALLBACKS_EVERY_SECONDS = 0.5
CALLBACKS_EXPIRE_SECONDS = 30.0

DELIVER_CALLBACKS = "jivapay.deliver_callbacks"

Work = tuple[int, str | None]
"""The id of an incoming order or payout request, and the id of the request that asked for it."""


class Publisher:
    """Publishes task messages from an event loop; Celery's client is synchronous, so a thread does it."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._is_down = False
        self._callbacks_offered_at = -CALLBACKS_EVERY_SECONDS

    async def offer_orders(self, work: Sequence[Work]) -> None:
        """Offer due orders to the workers. Raises BrokerError when the broker does not take them."""
        for start in range(0, len(work), ORDERS_PER_MESSAGE):
            batch = [list(item) for item in work[start : start + ORDERS_PER_MESSAGE]]
            await self._send("jivapay.process_order", [batch], QUEUE_ORDERS)

    async def offer_payouts(self, work: Sequence[Work], *, expires: float | None = None) -> None:
        """Offer payout requests that are due, a task each; its `trace_id` is the id of the request that asked for it.

        `expires`: of what is said again as long as it is due, so that busy workers find no heap of it.
        Raises BrokerError when the broker does not take them.
        """
        for payout_id, trace_id in work:
            await self._send("jivapay.process_payout", [payout_id, trace_id], QUEUE_ORDERS, expires=expires)

    async def offer_callbacks(self) -> None:
        """Say that callbacks are due, at most twice a second; stale words expire. Raises BrokerError.

        A run sends whatever is due, so one word is as good as many, and a hanging shop fills no queue.
        """
        now = time.monotonic()
        if now - self._callbacks_offered_at < CALLBACKS_EVERY_SECONDS:
            return
        self._callbacks_offered_at = now
        await self._send(DELIVER_CALLBACKS, [], QUEUE_CALLBACKS, expires=CALLBACKS_EXPIRE_SECONDS)

    async def offer_again(self, task: str, args: list[object]) -> None:
        """Offer a task that failed once more. Raises BrokerError."""
        queue = QUEUE_CALLBACKS if task == DELIVER_CALLBACKS else QUEUE_ORDERS
        await self._send(task, args, queue)

    async def _send(self, task: str, args: list[object], queue: str, *, expires: float | None = None) -> None:
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await asyncio.to_thread(self._app.send_task, task, args=args, queue=queue, retry=False, expires=expires)
        except (OperationalError, OSError, TimeoutError) as error:
            if not self._is_down:
                logger.warning("broker_unreachable", error=type(error).__name__)
            self._is_down = True
            raise BrokerError from error
        if self._is_down:
            logger.info("broker_back")
        self._is_down = False
