"""From a due incoming order to an order on a reserved requisite: one attempt, one transaction (walk, row 2)."""

import asyncio
import secrets
from datetime import datetime, timedelta

from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.logger import get_logger
from jivapay.database.locks import Deal, try_lock_rest_of_deal
from jivapay.database.models.orders import IncomingOrder
from jivapay.database.session import Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.commissions import Quote
from jivapay.domain.outcomes import Assigned, Busy, Denied, Frozen, NeedsReview, NoRequisite, NotDue, Outcome
from jivapay.exceptions import InsufficientBalance, JivaPayException
from jivapay.schemas_enums.enums import Direction, FraudStatus, IncomingOrderStatus
from jivapay.services import (
    balance_manager,
    fraud_detector,
    order_status_manager,
    requisite_selector,
)
from jivapay.services.balance_manager import AccountKey
from jivapay.services.order_processor.due import DueOrder, lock_due, wanted_by
from jivapay.services.order_status_manager import Assignment, Failure
from jivapay.services.requisite_selector import Candidate, Wanted

logger = get_logger(__name__)

CANDIDATES_TRIED_MAX = 5
BUSY_TRIES = 5
BUSY_PAUSE_MS = (50, 200)
AMOUNT_SLOT = "uq_orders_amount_slot"
REASONS = {
    "requisite.none_available": "No requisite can take this order now.",
    "rate.stale": "There is no fresh exchange rate.",
    "amount.too_small": "Nothing would be left of this amount.",
    "rate.moved": "The rate has moved beyond what is set aside.",
}


async def process_incoming_order(
    database: Database, incoming_order_id: int, rules: BusinessSettings, actor: Actor
) -> Outcome:
    """Find and reserve a requisite for one incoming order, whoever asked and however often.

    Opens its own transactions: an attempt that meets only locked requisites is repeated after a short pause,
    then due again in a second. Exceptions are infrastructure failures: the caller records them
    (`record_failure`) and may try again.
    """
    outcome: Outcome = Busy()
    for attempt in range(BUSY_TRIES):
        if attempt:
            low, high = BUSY_PAUSE_MS
            await asyncio.sleep((low + secrets.randbelow(high - low)) / 1000)
        try:
            async with database.write(is_repeated=True) as session:
                outcome = await _attempt(session, incoming_order_id, rules, actor)
        except InsufficientBalance:
            # Another order took the deposit between the re-check and the write.
            outcome = Busy()
        except IntegrityError as error:
            if AMOUNT_SLOT not in str(error.orig):
                raise
            # Another order took the amount, at another requisite of the same trader.
            outcome = Busy()
        if not isinstance(outcome, Busy):
            logger.info("order_processed", incoming_order_id=incoming_order_id, outcome=type(outcome).__name__)
            return outcome
    await _defer(database, incoming_order_id)
    logger.info("order_deferred", incoming_order_id=incoming_order_id, outcome="Busy")
    return outcome


async def _attempt(session: WriteSession, incoming_order_id: int, rules: BusinessSettings, actor: Actor) -> Outcome:
    found = await lock_due(session, [incoming_order_id], rules)
    if not found:
        return NotDue()
    due = found[0]
    if due.frozen:
        return Frozen()
    outcome = await judge(session, due, rules) or await _reserve(session, due, actor)
    if isinstance(outcome, Assigned):
        return outcome
    return await _refuse(session, due, outcome, rules, actor)


async def _reserve(session: WriteSession, due: DueOrder, actor: Actor) -> Outcome:
    """An order on the first requisite in turn that fits.

    A candidate that no longer does once it is locked is left out and the next one tried, so that an exhausted
    requisite never stands before the others (H1).
    """
    wanted = wanted_by(due)
    excluded: list[int] = []
    while len(excluded) < CANDIDATES_TRIED_MAX:
        candidate = await requisite_selector.find_suitable_requisite(session, wanted, excluded)
        if candidate is None:
            break
        quote = price(due, wanted, candidate)
        if not quote.is_payable:
            return NoRequisite({"amount.too_small": 1}, code="amount.too_small")
        if due.direction is Direction.PAY_OUT and quote.store_net > await balance_manager.held_for_payout(
            session, due.id
        ):
            return NoRequisite({"rate.moved": 1}, code="rate.moved")
        order_id = await assign_to(session, due, wanted, candidate, quote, actor)
        if order_id is not None:
            return Assigned(order_id)
        excluded.append(candidate.requisite_id)
    return await _why_none(session, wanted)


async def judge(session: WriteSession, due: DueOrder, rules: BusinessSettings) -> Outcome | None:
    """The store's switches, fraud rules, the rate's freshness; None when nothing speaks against it."""
    if not due.store_open:
        return Denied("store.switched_off")
    checked = await fraud_detector.check_incoming_order(session, due.fraud_facts, rules)
    if checked.status is FraudStatus.DENY:
        return Denied(checked.reason)
    if checked.status is FraudStatus.REQUIRE_MANUAL_REVIEW:
        return NeedsReview(checked.reason)
    if not due.rate_fresh:
        return NoRequisite({"rate.stale": 1}, code="rate.stale")
    return None


def price(due: DueOrder, wanted: Wanted, candidate: Candidate) -> Quote:
    """What the deal comes to with this trader. Not payable when the rate or a commission has eaten up a leg."""
    return balance_manager.calculate_commissions(
        wanted.amount,
        direction=wanted.direction,
        base_rate=wanted.base_rate,
        margin_percent=due.margin_percent,
        store_percent=due.store_percent,
        trader_percent=candidate.trader_percent,
        crypto_scale=wanted.crypto_scale,
    )


async def assign_to(
    session: WriteSession, due: DueOrder, wanted: Wanted, candidate: Candidate, quote: Quote, actor: Actor
) -> int | None:
    """The order's id; None when the requisite no longer fits. Raises as `order_status_manager.assign`."""
    if due.rate_source is None or due.rate_at is None:
        raise AssertionError(f"incoming order {due.id} has no rate")
    if due.test:
        trader = AccountKey.trader_crypto(candidate.trader_id, due.crypto_currency, test=True)
        await balance_manager.open_account(session, trader)
    return await order_status_manager.assign(
        session,
        actor,
        Assignment(
            incoming_id=due.id,
            public_id=due.public_id,
            external_id=due.external_id,
            metadata=due.metadata,
            callback_url=due.callback_url,
            incoming_version=due.version,
            earlier_steps=due.earlier_steps,
            store_id=due.store_id,
            wanted=wanted,
            candidate=candidate,
            quote=quote,
            margin_percent=due.margin_percent,
            rate_source=due.rate_source,
            rate_at=due.rate_at,
            expires_at=due.now + timedelta(seconds=due.seconds_to_act),
        ),
    )


async def _why_none(session: WriteSession, wanted: Wanted) -> Outcome:
    reasons = await requisite_selector.explain(session, wanted)
    return Busy() if reasons.get("suitable") else NoRequisite(reasons)


async def _refuse(
    session: WriteSession, due: DueOrder, refusal: Outcome, rules: BusinessSettings, actor: Actor
) -> Outcome:
    """Keep the refusal on the order. Busy when its page is in other hands at this moment."""
    deal = None if isinstance(refusal, Busy) else await try_lock_rest_of_deal(session, due.id)
    if deal is None:
        return Busy()
    match refusal:
        case Denied(reason):
            failure = Failure("order.denied", reason)
            await order_status_manager.fail_waiting(session, actor, deal, failure, rules)
        case NeedsReview(reason):
            await order_status_manager.send_to_review(session, actor, deal, Failure("order.review", reason), rules)
        case NoRequisite(reasons, code):
            failure = Failure(code, REASONS.get(code, "An attempt failed."), reasons)
            await _postpone(session, deal, due.now, failure, rules, actor)
        case _:
            raise AssertionError(f"{refusal} is no refusal")
    return refusal


async def _postpone(
    session: WriteSession, deal: Deal, now: datetime, failure: Failure, rules: BusinessSettings, actor: Actor
) -> None:
    attempts = deal.incoming.retry_count + 1
    if attempts >= rules.max_order_retries:
        deal.incoming.retry_count = attempts
        await order_status_manager.fail_waiting(session, actor, deal, failure, rules)
    else:
        delay = retry_delay(attempts, rules)
        await order_status_manager.postpone(session, actor, deal, failure, now=now, delay=delay)


async def _defer(database: Database, incoming_order_id: int) -> None:
    """All suitable requisites stayed locked: due in a second, no attempt counted."""
    async with database.write() as session:
        await session.execute(
            update(IncomingOrder)
            .where(
                IncomingOrder.id == incoming_order_id,
                IncomingOrder.status.in_([IncomingOrderStatus.NEW, IncomingOrderStatus.RETRYING]),
            )
            .values(next_attempt_at=text("app_now() + interval '1 second'"))
        )


def retry_delay(retry_count: int, rules: BusinessSettings) -> timedelta:
    """`RETRY_DELAY_SECONDS * RETRY_BACKOFF_FACTOR ** (retry_count - 1)`, capped, plus up to a tenth (decision 8)."""
    exponent = min(retry_count - 1, 32)
    seconds = min(
        rules.retry_delay_seconds * rules.retry_backoff_factor**exponent,
        rules.retry_delay_seconds_max,
    )
    return timedelta(milliseconds=seconds * 1000 + secrets.randbelow(seconds * 100 + 1))


async def record_failure(
    database: Database, incoming_order_id: int, error: BaseException, rules: BusinessSettings, actor: Actor
) -> None:
    """An attempt raised and rolled back: count it in a transaction of its own, unless a newer state is there.

    The reason kept is the failure's code, never its text (decision 9).
    """
    code = error.code if isinstance(error, JivaPayException) else "order.processing_failed"
    async with database.write() as session:
        for due in await lock_due(session, [incoming_order_id], rules):
            await _refuse(session, due, NoRequisite({code: 1}, code=code), rules, actor)
