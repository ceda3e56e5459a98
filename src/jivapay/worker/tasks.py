"""The tasks: shells that run one use case and decide only about trying again (WRK-03, WRK-09, WRK-10).

Every task is a hint about rows that say the same; run twice or late, it finds nothing to do.
"""

import asyncio
from collections.abc import Mapping, Sequence

from celery import shared_task

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.logger import get_logger, request_context
from jivapay.domain.actors import Actor
from jivapay.exceptions import DependencyUnavailable
from jivapay.services import balance_manager, callback_service, order_processor, payout_service
from jivapay.utils.failures import DRIVER_ERRORS, is_outage
from jivapay.utils.notifications import report_critical_error, report_failure
from jivapay.worker.app import Child, RecordedTask, run_in_child

logger = get_logger(__name__)

INFRASTRUCTURE_ERRORS = (DependencyUnavailable, *DRIVER_ERRORS)
CONCURRENT_ORDERS = 4
"""Orders of one message that a child works on at once when each has a transaction of its own."""


@shared_task(
    name="jivapay.process_order",
    base=RecordedTask,
    autoretry_for=INFRASTRUCTURE_ERRORS,
    retry_backoff=True,
    max_retries=3,
)
def process_order_task(work: Sequence[tuple[int, str | None]]) -> None:
    """Find requisites for incoming orders, given as (id, request id)."""
    run_in_child(lambda child: _process_orders(child, work))


@shared_task(
    name="jivapay.update_balance",
    base=RecordedTask,
    autoretry_for=INFRASTRUCTURE_ERRORS,
    retry_backoff=True,
    max_retries=3,
)
def update_balance_task(order_id: int) -> None:
    """Repair: settle a completed order that has no settlement. In a healthy system there is nothing to do."""
    run_in_child(lambda child: _repair_balance(child, order_id))


@shared_task(
    name="jivapay.process_payout",
    base=RecordedTask,
    autoretry_for=INFRASTRUCTURE_ERRORS,
    retry_backoff=True,
    max_retries=3,
)
def process_payout_task(payout_id: int, trace_id: str | None = None) -> None:
    """Carry out one payout request. `trace_id` stands in everything that is logged, through every retry."""
    run_in_child(lambda child: _process_payout(child, payout_id, trace_id))


@shared_task(name="jivapay.deliver_callbacks", base=RecordedTask)
def deliver_callbacks_task() -> None:
    """Send the callbacks that are due."""
    run_in_child(_deliver_callbacks, seconds=55)


async def _process_orders(child: Child, work: Sequence[tuple[int, str | None]]) -> None:
    """Every order of the message; an infrastructure failure is raised once all have had their turn."""
    rules = await child.resources.config.current()
    actors = {incoming_id: Actor.system("worker", request_id) for incoming_id, request_id in work}
    assigned = await _assign_together(child, actors, rules)
    places = asyncio.Semaphore(CONCURRENT_ORDERS)
    ended = await asyncio.gather(
        *(
            _process_one(child, places, rules, incoming_id, actor)
            for incoming_id, actor in actors.items()
            if incoming_id not in assigned
        ),
        return_exceptions=True,
    )
    for failure in ended:
        if isinstance(failure, BaseException):
            raise failure


async def _assign_together(child: Child, actors: Mapping[int, Actor], rules: BusinessSettings) -> set[int]:
    """Those that have a requisite already; each of the others is processed by himself and meets his failure there."""
    if len(actors) == 1:
        return set()
    try:
        return await order_processor.assign_together(child.resources.database, actors, rules)
    except Exception as error:  # noqa: BLE001 - outermost shell: one poisoned order stops no other
        report_failure(error, "orders_not_assigned_together")
        return set()


async def _process_one(
    child: Child, places: asyncio.Semaphore, rules: BusinessSettings, incoming_order_id: int, actor: Actor
) -> None:
    database = child.resources.database
    async with places:
        with request_context(actor.request_id, incoming_order_id=incoming_order_id):
            try:
                await order_processor.process_incoming_order(database, incoming_order_id, rules, actor)
            except Exception as error:
                if is_outage(error):
                    raise
                report_critical_error(error, "order attempt", incoming_order_id=incoming_order_id)
                await order_processor.record_failure(database, incoming_order_id, error, rules, actor)


async def _repair_balance(child: Child, order_id: int) -> None:
    async with child.resources.database.write() as session:
        await balance_manager.repair_completed_order(session, order_id)


async def _process_payout(child: Child, payout_id: int, trace_id: str | None) -> None:
    resources = child.resources
    with request_context(trace_id, trace_id=trace_id, payout_id=payout_id):
        actor = Actor.system("worker", trace_id)
        rules = await resources.config.current()
        status = await payout_service.execute_payout(resources.database, resources.cipher, payout_id, actor, rules)
        if status is not None:
            logger.info("payout", status=status)


async def _deliver_callbacks(child: Child) -> None:
    resources = child.resources
    await callback_service.deliver_due(resources.database, child.transport, resources.cipher, resources.clock)
