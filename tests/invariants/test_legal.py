"""What must fire nothing: unusual but legal histories, each on a platform of its own, with every invariant asked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text, update

from factories import payout_requests
from factories.world import SYSTEM, World
from invariants.history import CALLBACKS, chain, come_to_rest
from jivapay.database.models.requisites import RequisiteSettings
from jivapay.domain.outcomes import Assigned, NoRequisite
from jivapay.exceptions import JivaPayException, OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.enums import PayoutExecutor, PayoutStatus
from jivapay.services import freeze_service, order_processor, payout_service
from jivapay.services.payout_service import NewPayout, Terms
from jivapay.services.payout_service.dispatch import SANDBOX_REST_SECONDS
from support.invariants import find_violations


@pytest.fixture(autouse=True)
async def all_hold(world: World) -> AsyncIterator[None]:
    """After the test the background does its work, and then nothing may fire."""
    yield
    await come_to_rest(world)
    assert await find_violations(world.database, live=True) == {}


async def test_an_empty_platform(world: World) -> None:
    assert await find_violations(world.database) == {}


async def test_a_worked_pay_in(world: World) -> None:
    """The numbers of domain.md, to the last digit."""
    await world.complete()
    assert (await world.trader_balance()).total == Decimal(10_000) - Decimal("50.837837")
    assert (await world.store_balance()).available == Decimal("49.810810")


async def test_every_step_of_a_pay_in(world: World) -> None:
    incoming = await world.accept()
    assert await find_violations(world.database) == {}
    assert isinstance(await world.process(incoming), Assigned)
    assert await find_violations(world.database) == {}
    await world.confirm_by_customer(incoming)
    assert await find_violations(world.database) == {}
    await world.confirm_by_trader(incoming)


async def test_a_late_claim_without_a_deposit_waits_unheld(world: World) -> None:
    """Hard case 1: the deposit went elsewhere while the order was lapsed; a person decides, nothing is held."""
    lapsed = await world.assign(Decimal(500_000))
    await world.advance(901)
    await world.expire_due()
    await world.assign(Decimal(499_999))
    await world.confirm_by_customer(lapsed, receipt=True)
    assert (await world.statuses(lapsed))[1] == "requires_attention"


async def test_a_late_claim_whose_amount_is_taken(world: World) -> None:
    lapsed = await world.assign()
    await world.advance(901)
    await world.expire_due()
    await world.advance(1801)
    await world.assign()
    await world.confirm_by_customer(lapsed, receipt=True)
    assert (await world.statuses(lapsed))[1] == "requires_attention"


async def test_a_late_claim_the_trader_confirms_without_a_hold(world: World) -> None:
    lapsed = await world.assign(Decimal(500_000))
    await world.advance(901)
    await world.expire_due()
    other = await world.assign(Decimal(499_999))
    await world.confirm_by_customer(lapsed, receipt=True)
    await world.cancel(other)
    await world.confirm_by_trader(lapsed)
    assert (await world.statuses(lapsed))[1] == "completed"


async def test_a_trader_who_was_silent_confirms_after_all(world: World) -> None:
    silent = await world.assign()
    await world.confirm_by_customer(silent)
    await world.advance(1801)
    await world.expire_due()
    await world.confirm_by_trader(silent)
    assert (await world.statuses(silent))[1] == "completed"


async def test_a_trader_who_saw_the_money_after_the_order_lapsed(world: World) -> None:
    lapsed = await world.assign()
    await world.advance(901)
    await world.expire_due()
    await world.advance(3600)
    await world.confirm_by_trader(lapsed)
    order = await world.order(lapsed)
    assert (order.status, order.amount_exceptions) == ("completed", ["late"])


async def test_orders_on_both_sides_of_midnight(world: World) -> None:
    """Hard case 21: counted at 23:58, lapsed at 00:13; the new day's figure is not lowered by the old one's."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    before_midnight = midnight - timedelta(minutes=2) - datetime.now(UTC)
    await world.advance(before_midnight.total_seconds())
    old, kept = await world.assign(Decimal(100)), await world.assign(Decimal(101))
    await world.confirm_by_customer(kept)
    await world.advance(300)
    await world.assign(Decimal(102))
    await world.advance(601)
    assert await world.expire_due() == 1
    requisite = await world.requisite((await world.order(old)).requisite_id)
    assert (requisite.day_used, requisite.total_used, requisite.open_count) == (Decimal(102), Decimal(203), 2)
    await world.confirm_by_trader(old)
    await world.confirm_by_trader(kept)
    requisite = await world.requisite(requisite.id)
    assert (requisite.day_used, requisite.total_used, requisite.open_count) == (Decimal(202), Decimal(303), 1)


async def test_a_window_that_is_full_and_a_revival_that_passes_it(world: World) -> None:
    limits = {"turnover_limit_minutes": 60, "turnover_limit_sum": Decimal(1000)}
    async with world.database.write() as session:
        await session.execute(update(RequisiteSettings).values(**limits))
    lapsed = await world.assign(Decimal(600))
    refused = await world.accept(Decimal(500))
    assert await world.process(refused) == NoRequisite({"window_limit": 1})
    await world.cancel(refused)
    await world.advance(901)
    await world.expire_due()
    await world.assign(Decimal(900))
    await world.confirm_by_customer(lapsed, receipt=True)
    await world.confirm_by_trader(lapsed)


async def test_limits_that_were_changed_afterwards(world: World) -> None:
    await world.assign(Decimal(1000))
    narrow = {"lower_limit": 1, "upper_limit": 10, "turnover_limit_minutes": 60, "turnover_limit_sum": 5}
    async with world.database.write() as session:
        await session.execute(update(RequisiteSettings).values(max_open_orders=1, **narrow))


async def test_equal_commissions_leave_the_platform_nothing(world: World) -> None:
    even = await world.add_store(percent=Decimal(1))
    await world.complete(store=even)
    assert await world.scalar("select count(*) from postings") == 2 + 4


async def test_no_commission_at_all(world: World) -> None:
    free = await world.add_store(percent=Decimal(0))
    async with world.database.write() as session:
        await session.execute(text("update trader_commissions set commission_payin = 0"))
    await world.complete(store=free)
    assert (await world.store_balance(free)).total == Decimal("51.351351")


@pytest.mark.parametrize("margin", ["0.01", "2", "33.333333"])
async def test_a_margin_is_the_platforms(world: World, margin: str) -> None:
    dear = await world.add_store(rate_margin_percent=Decimal(margin))
    await world.complete(store=dear)
    assert (await world.trader_balance()).total == Decimal(10_000) - Decimal("50.837837")


@pytest.mark.parametrize("rate", ["92.12345678", "0.00000007", "1", "33.33333333", "64"])
async def test_rates_that_leave_remainders_and_ties(world: World, rate: str) -> None:
    """With a test store and trader, whom no deposit limits."""
    await world.set_rate(Decimal(rate))
    store = await world.add_store(test=True, rate_margin_percent=Decimal("1.7"), percent=Decimal("2.345"))
    await world.add_trader(test=True, percent=Decimal("0.75"))
    for amount in ("0.01", "0.07", "1.11", "99.99", "12345.67"):
        try:
            incoming = await world.accept(Decimal(amount), store=store)
        except ValidationFailed as error:
            assert error.errors[0].code == "amount.too_small"  # noqa: PT017 - some of these amounts are
            continue
        await world.process(incoming)
        await world.confirm_by_trader(incoming)


async def test_the_test_world_beside_the_live_one(world: World) -> None:
    test_store = await world.add_store(test=True)
    await world.add_trader(test=True)
    for store in (world.store, test_store):
        await world.complete(store=store)
    await world.roll_up()
    worlds = "select count(distinct test) from accounts where owner_type = 'platform' and balance = 1.027027"
    assert await world.scalar(worlds) == 2


async def test_a_freeze_stops_clocks_and_is_no_alarm(world: World) -> None:
    paid, waiting = await world.assign(Decimal(100)), await world.accept(Decimal(101))
    async with world.database.write() as session:
        await freeze_service.freeze(session, SYSTEM, reason="looked odd", invariant="I01")
    await world.advance(7200)
    assert await world.expire_due() == 0
    await world.process(waiting)
    await world.confirm_by_customer(paid)
    await world.relay()
    await come_to_rest(world)
    assert await find_violations(world.database, live=True) == {}
    since = datetime.now(UTC) - timedelta(minutes=1)
    async with world.database.write() as session:
        await freeze_service.unfreeze(session, world.staff, reason="it was nothing")
        await order_processor.give_grace(session, since)
    assert isinstance(await world.process(waiting), Assigned)


async def test_callbacks_that_fail_until_they_are_given_up(world: World) -> None:
    deaf = await world.add_store(callback_url=CALLBACKS)
    await world.cancel(await world.accept(store=deaf))
    for _ in range(10):
        await world.relay()
        await world.deliver_callbacks(500)
        await chain(world)
        assert await find_violations(world.database, live=True) == {}
        await world.advance(100_000)
        await chain(world)
    assert await world.scalar("select (state, attempts)::text from callback_deliveries") == "(exhausted,10)"


async def test_an_address_that_wants_nothing_more(world: World) -> None:
    gone = await world.add_store(callback_url=CALLBACKS)
    await world.cancel(await world.accept(store=gone))
    await world.relay()
    await world.deliver_callbacks(410)
    assert await world.scalar("select state from callback_deliveries") == "disabled"


async def test_a_second_check_that_asks_for_a_person(world: World) -> None:
    """Hard case 15: long after the first check another one finds something; the payment is not refused."""
    await world.change_settings(SESSION_TTL_SECONDS=600)
    paid = await world.assign(customer_ip="198.51.100.7")
    await world.advance(700)
    async with world.database.write() as session:
        await session.execute(
            text(
                "insert into fraud_list_entries (list_type, kind, value, reason)"
                " values ('block', 'ip', '198.51.100.7', 'bad')"
            )
        )
    await world.confirm_by_customer(paid)
    assert await world.statuses(paid) == ("client_payment_confirmed", "requires_attention", "confirmed")


async def test_confirm_against_cancel_against_time(world: World) -> None:
    for round_number in range(4):
        incoming = await world.assign(Decimal(100 + round_number))
        await world.advance(901)
        moves = [world.confirm_by_customer(incoming), world.cancel(incoming), world.expire_due()]
        moves += [world.confirm_by_trader(incoming), world.confirm_by_trader(incoming)]
        done = await asyncio.gather(*moves, return_exceptions=True)
        assert all(isinstance(one, JivaPayException) for one in done if isinstance(one, BaseException)), done
        assert (await world.statuses(incoming))[:2] == ("processed", "completed")


async def test_a_claim_revives_once(world: World) -> None:
    lapsed = await world.assign()
    await world.advance(901)
    await world.expire_due()
    await world.confirm_by_customer(lapsed, receipt=True)
    with pytest.raises(OrderStateConflict):
        await world.confirm_by_customer(lapsed, receipt=True)


async def test_payout_requests_in_every_way(world: World) -> None:
    """Paid, refused and asked for again, deleted, above the amount of one person: none of it is the ledger's."""
    terms = Terms(PayoutExecutor.SANDBOX, world.resources.cipher, world.rules)
    made = []
    for amount, details in ((100, {"a": "b"}), (100, {"sandbox": "fail"}), (100, {"a": "b"}), (600_000, {"a": "b"})):
        async with world.database.write() as session:
            new = NewPayout(1, Decimal(amount), "RUB", details)
            made.append((await payout_service.create_payout(session, world.store, new, terms)).thing.id)
    async with world.database.write() as session:
        await payout_service.delete_payout(session, world.store, made[2], world.rules)
    await world.advance(SANDBOX_REST_SECONDS)
    for payout_id in made:
        await payout_service.execute_payout(world.database, world.resources.cipher, payout_id, SYSTEM, world.rules)
    async with world.database.write() as session:
        await payout_service.set_payout_status(session, world.store, made[1], PayoutStatus.PENDING, world.rules)
    assert await world.scalar("select count(*) from payouts where status = 'processed'") == 1


@pytest.mark.parametrize("executor", PayoutExecutor)
async def test_payout_requests_that_keep_nobody_waiting(world: World, executor: PayoutExecutor) -> None:
    """Deleted while `pending`, which is still its status; and asked for ten days ahead."""
    await payout_requests.delete(world, await payout_requests.request_payout(world, executor=executor))
    await request_for_later(world, executor, timedelta(days=10))
    await world.advance(timedelta(days=9).total_seconds())


async def test_a_payout_request_two_days_after_its_day(world: World) -> None:
    """Whoever pays by hand has three days from then on."""
    await request_for_later(world, PayoutExecutor.MANUAL, timedelta(days=10))
    await world.advance(timedelta(days=12).total_seconds())


async def request_for_later(world: World, executor: PayoutExecutor, later: timedelta) -> None:
    terms = Terms(executor, world.resources.cipher, world.rules)
    new = NewPayout(1, Decimal(100), "RUB", payout_requests.CARD, execute_at=world.clock.now() + later)
    async with world.database.write() as session:
        await payout_service.create_payout(session, world.store, new, terms)
