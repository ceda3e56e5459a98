"""One attempt to find a requisite: what is final, what is tried again and when, and what a failure may not undo."""

from datetime import timedelta
from decimal import Decimal

import pytest

from factories.people import FIAT
from factories.world import AMOUNT, SYSTEM, World
from jivapay.config.business_settings import BusinessSettings
from jivapay.domain.outcomes import Assigned, Denied, Frozen, NeedsReview, NoRequisite, NotDue
from jivapay.exceptions import ConfigurationError, OrderStateConflict, StorageError
from jivapay.services import freeze_service, order_processor, platform_service
from jivapay.services.order_processor.matching import retry_delay
from support.dumps import dump
from support.owner import as_owner

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

NOWHERE = {"bank": "alfa"}
"""No requisite here is at this bank."""


async def test_everything_is_frozen_on_the_order(world: World) -> None:
    order = await world.order(await world.assign())
    assert (order.amount_agreed, order.amount_fiat, order.amount_slot) == (AMOUNT, AMOUNT, AMOUNT)
    assert (order.rate, order.base_rate, order.rate_source) == (Decimal("92.50"), Decimal("92.50"), "manual")
    assert (order.store_percent, order.trader_percent) == (Decimal(3), Decimal(1))
    assert (order.store_commission, order.trader_commission) == (Decimal("1.540541"), Decimal("0.513514"))
    assert (order.amount_crypto, order.platform_profit) == (Decimal("51.351351"), Decimal("1.027027"))
    assert order.expires_at is not None
    assert order.expires_at - order.created_at == timedelta(seconds=world.rules.client_pay_seconds)
    balance = await world.trader_balance()
    assert (balance.total, balance.held) == (Decimal(10_000), Decimal("50.837837"))


async def test_a_store_s_own_time_to_pay(world: World) -> None:
    order = await world.order(await world.assign(store=await world.add_store(processing_ttl_seconds=77)))
    assert order.expires_at is not None
    assert order.expires_at - order.created_at == timedelta(seconds=77)


async def test_a_second_delivery_finds_nothing_to_do(world: World) -> None:
    incoming = await world.assign()
    before = await dump(world.database)
    assert await world.process(incoming) == NotDue()
    assert await world.process(10**9) == NotDue()
    assert await dump(world.database) == before


@pytest.mark.parametrize("status", ["open amount", "not yet", "lapsed", "cancelled"])
async def test_what_is_not_due_is_left_alone(world: World, status: str) -> None:
    incoming = await world.accept(None if status == "open amount" else AMOUNT, **NOWHERE)
    match status:
        case "not yet":
            await world.process(incoming)
        case "lapsed":
            await world.advance(world.rules.session_ttl_seconds + 1)
        case "cancelled":
            await world.cancel(incoming)
        case _:
            pass
    before = await dump(world.database)
    assert await world.process(incoming) == NotDue()
    assert await dump(world.database) == before


async def test_a_denial_is_final(world: World) -> None:
    incoming = await world.accept(Decimal(900_000), **NOWHERE)
    await world.change_settings(FRAUD_DENY_THRESHOLD={FIAT: Decimal(800_000)})
    assert await world.process(incoming) == Denied("fraud.amount_denied")
    kept = (await world.deal(incoming)).incoming
    assert (kept.status, kept.failure_code, kept.retry_count) == ("failed", "order.denied", 0)
    assert (await world.statuses(incoming))[2] == "failed"
    await world.advance(3600)
    assert await world.process(incoming) == NotDue()


async def test_a_review_waits_for_a_person_and_counts_no_attempt(world: World) -> None:
    incoming = await world.accept(Decimal(600_000))
    assert await world.process(incoming) == NeedsReview("fraud.amount_review")
    kept = (await world.deal(incoming)).incoming
    assert (kept.status, kept.failure_code, kept.retry_count) == ("manual_review", "order.review", 0)
    assert kept.next_attempt_at is None
    assert await world.process(incoming) == NotDue()


async def test_a_rejected_review_is_final(world: World) -> None:
    incoming = await world.accept(Decimal(600_000))
    await world.process(incoming)
    await world.decide_review(incoming, approve=False)
    assert await world.statuses(incoming) == ("failed", None, "failed")
    for approve in (True, False):
        with pytest.raises(OrderStateConflict):
            await world.decide_review(incoming, approve=approve)


async def test_attempts_are_postponed_with_a_growing_delay_and_end(world: World) -> None:
    await world.change_settings(MAX_ORDER_RETRIES=4, RETRY_DELAY_SECONDS=10, RETRY_BACKOFF_FACTOR=3)
    incoming = await world.accept(**NOWHERE)
    for attempt, least in enumerate((10, 30, 90), start=1):
        assert await world.process(incoming) == NoRequisite({"other_bank": 1})
        kept = (await world.deal(incoming)).incoming
        assert (kept.status, kept.retry_count) == ("retrying", attempt)
        assert kept.next_attempt_at is not None
        assert kept.last_attempt_at is not None
        delay = (kept.next_attempt_at - kept.last_attempt_at).total_seconds()
        assert least <= delay <= least * 1.1
        await world.advance(delay / 2)
        assert await world.process(incoming) == NotDue()
        await world.advance(delay / 2 + 1)
    assert await world.process(incoming) == NoRequisite({"other_bank": 1})
    kept = (await world.deal(incoming)).incoming
    assert (kept.status, kept.retry_count, kept.failure_code) == ("failed", 4, "requisite.none_available")
    assert kept.failure_details == {"other_bank": 1}
    assert (await world.statuses(incoming))[2] == "failed"


@pytest.mark.parametrize(("attempt", "least"), [(1, 5), (2, 10), (6, 160), (7, 300), (8, 300), (1000, 300)])
def test_the_delay_is_capped(attempt: int, least: int) -> None:
    rules = BusinessSettings()
    delays = [retry_delay(attempt, rules).total_seconds() for _ in range(200)]
    assert least <= min(delays)
    assert max(delays) <= least * 1.1
    assert len(set(delays)) > 10, "without jitter all come back at once"


async def test_a_requisite_that_comes_later_is_found(world: World) -> None:
    incoming = await world.accept(**NOWHERE)
    await world.process(incoming)
    await world.add_requisite(world.trader, bank="alfa")
    await world.advance(6)
    assert isinstance(await world.process(incoming), Assigned)
    kept = (await world.deal(incoming)).incoming
    assert (kept.status, kept.failure_code, kept.failure_details, kept.retry_count) == ("assigned", None, None, 1)


async def test_a_stale_rate_assigns_nothing_and_a_fresh_one_is_quoted_anew(world: World) -> None:
    incoming = await world.accept()
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    assert await world.process(incoming) == NoRequisite({"rate.stale": 1}, code="rate.stale")
    assert (await world.deal(incoming)).incoming.failure_code == "rate.stale"
    await world.set_rate(Decimal(95))
    await world.advance(6, fresh_rate=False)
    assert isinstance(await world.process(incoming), Assigned)
    order = await world.order(incoming)
    assert (order.rate, order.amount_crypto) == (Decimal(95), Decimal("50.000000"))


async def test_a_freeze_leaves_the_order_due(world: World) -> None:
    incoming = await world.accept()
    async with world.database.write() as session:
        await freeze_service.freeze(session, world.staff, reason="looked wrong")
    before = await dump(world.database)
    assert await world.process(incoming) == Frozen()
    assert await dump(world.database) == before
    async with world.database.write() as session:
        await platform_service.unfreeze(session, world.staff, reason="looked")
    assert isinstance(await world.process(incoming), Assigned)


async def test_a_missing_commission_is_never_zero(world: World, own_owner_url: str) -> None:
    incoming = await world.accept()
    await as_owner(own_owner_url, "delete from store_commissions")
    assert await world.process(incoming) == NoRequisite({"commission_above_store": 1})
    await as_owner(own_owner_url, "update trader_commissions set commission_payin = 0")
    await world.advance(6)
    with pytest.raises(ConfigurationError) as refused:
        await world.process(incoming)
    assert refused.value.code == "configuration.commission_missing"


async def record(world: World, incoming: int, error: BaseException) -> None:
    await order_processor.record_failure(world.database, incoming, error, world.rules, SYSTEM)


async def test_a_failure_is_counted_by_its_code_and_not_its_text(world: World) -> None:
    incoming = await world.accept()
    await record(world, incoming, RuntimeError("secret 4276380012345675"))
    kept = (await world.deal(incoming)).incoming
    assert (kept.status, kept.retry_count, kept.failure_code) == ("retrying", 1, "order.processing_failed")
    assert "4276" not in f"{kept.failure_reason}{kept.failure_details}"
    await world.advance(6)
    await record(world, incoming, StorageError())
    assert (await world.deal(incoming)).incoming.failure_code == "storage.unavailable"


async def test_failures_use_up_the_attempts(world: World) -> None:
    incoming = await world.accept()
    for _ in range(world.rules.max_order_retries):
        await record(world, incoming, RuntimeError())
        await world.advance(200)
    assert await world.statuses(incoming) == ("failed", None, "failed")


@pytest.mark.parametrize("newer", ["assigned", "cancelled", "manual_review", "postponed"])
async def test_a_slower_worker_s_failure_overwrites_nothing_newer(world: World, newer: str) -> None:
    incoming = await world.accept(Decimal(600_000) if newer == "manual_review" else AMOUNT)
    match newer:
        case "cancelled":
            await world.cancel(incoming)
        case "postponed":
            await record(world, incoming, RuntimeError())
        case _:
            await world.process(incoming)
    before = await dump(world.database)
    await record(world, incoming, RuntimeError())
    assert await dump(world.database) == before
