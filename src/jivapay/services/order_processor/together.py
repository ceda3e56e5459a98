"""Several due orders on requisites in one transaction, while nothing stands in any one's way (performance.md, P1).

What each would pay for alone (begin, the look at its row, commit) is paid once. Whoever cannot be assigned at once
is left out and processed by himself, where refusals and retries live; a batch that fails has changed nothing.

Two batches cannot wait for each other in a circle: incoming orders and requisites in other hands are passed by,
traders' accounts are taken in the order of their ids, and one trader gets one order of a batch, so that nobody
waits for an amount at a trader whose account he has.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.logger import get_logger
from jivapay.database.session import Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.commissions import Quote
from jivapay.domain.outcomes import Assigned
from jivapay.exceptions import InsufficientBalance
from jivapay.schemas_enums.enums import Direction
from jivapay.services import requisite_selector
from jivapay.services.order_processor.due import DueOrder, lock_due, wanted_by
from jivapay.services.order_processor.matching import assign_to, judge, price
from jivapay.services.requisite_selector import Candidate, Wanted

logger = get_logger(__name__)


class Plan(NamedTuple):
    """An order and the locked requisite it is to be assigned to."""

    due: DueOrder
    wanted: Wanted
    candidate: Candidate
    quote: Quote


async def assign_together(database: Database, work: Mapping[int, Actor], rules: BusinessSettings) -> set[int]:
    """The incoming orders of `work` (id -> who acts) that now have a requisite. The others are as they were."""
    try:
        async with database.write(is_repeated=True) as session:
            assigned = await _assign_all(session, work, rules)
    except (InsufficientBalance, DBAPIError) as error:
        # A deposit or an amount was taken meanwhile, or the database went away: each learns by himself which.
        logger.info("orders_not_assigned_together", orders=len(work), error=type(error).__name__)
        return set()
    for incoming_id in assigned:
        logger.info("order_processed", incoming_order_id=incoming_id, outcome=Assigned.__name__)
    return assigned


async def _assign_all(session: WriteSession, work: Mapping[int, Actor], rules: BusinessSettings) -> set[int]:
    plans: list[Plan] = []
    for due in await lock_due(session, sorted(work), rules):
        if due.frozen or due.test or due.direction is not Direction.PAY_IN or await judge(session, due, rules):
            continue
        plan = await _find_plan(session, due, [other.candidate.trader_id for other in plans])
        if plan is not None:
            plans.append(plan)
    plans.sort(key=lambda plan: plan.candidate.account_id or 0)
    return {plan.due.id for plan in plans if await _carry_out(session, plan, work[plan.due.id])}


async def _find_plan(session: WriteSession, due: DueOrder, served: Sequence[int]) -> Plan | None:
    wanted = wanted_by(due)
    candidate = await requisite_selector.find_suitable_requisite(session, wanted, excluded_traders=served)
    if candidate is None:
        return None
    quote = price(due, wanted, candidate)
    return Plan(due, wanted, candidate, quote) if quote.is_payable else None


async def _carry_out(session: WriteSession, plan: Plan, actor: Actor) -> bool:
    return await assign_to(session, plan.due, plan.wanted, plan.candidate, plan.quote, actor) is not None
