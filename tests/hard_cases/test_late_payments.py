"""Hard cases 2, 3 (first part), 15, 21 and 29: late payments, revivals, reviews, counters over midnight, numbers."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from factories import disputes
from factories.people import FIAT
from factories.world import AMOUNT, World
from jivapay.domain.outcomes import Assigned, Denied, NeedsReview
from jivapay.exceptions import OrderStateConflict, SessionExpired
from jivapay.services.gateway_service.deals import get_deal, show_payin
from jivapay.services.gateway_service.payin import open_viewer

COST = Decimal("50.837837")
NUMBER, LAST_DIGITS = "4276380012345675", "•• 5675"


async def holds(world: World) -> list[tuple[str, Decimal]]:
    async with world.database.read() as session:
        rows = await session.execute(text("select status, amount from holds order by id"))
        return [(row.status, row.amount) for row in rows]


async def lapse(world: World, incoming: int) -> None:
    await world.advance(world.rules.client_pay_seconds + 1)
    assert await world.expire_due() == 1
    assert (await world.statuses(incoming))[1] == "expired"


async def test_case_2_a_hold_is_voided_and_taken_anew_and_never_edited(world: World) -> None:
    incoming = await world.assign()
    assert await holds(world) == [("active", COST)]
    await lapse(world, incoming)
    assert await holds(world) == [("voided", COST)]
    assert (await world.trader_balance()).held == Decimal(0)
    await world.confirm_by_customer(incoming, receipt=True)
    assert await holds(world) == [("voided", COST), ("active", COST)]
    assert (await world.trader_balance()).held == COST
    await world.confirm_by_trader(incoming)
    assert await holds(world) == [("voided", COST), ("posted", COST)]
    balance = await world.trader_balance()
    assert (balance.total, balance.held) == (Decimal(10_000) - COST, Decimal(0))


async def test_case_2_a_hold_has_no_clock_of_its_own(world: World) -> None:
    """Longer than the payer's time, within the trader's: the hold of a confirmed order stays whole."""
    incoming = await world.assign()
    await world.confirm_by_customer(incoming)
    await world.advance(world.rules.client_pay_seconds + 60)
    assert await world.expire_due() == 0
    await world.advance(world.rules.trader_confirm_seconds)
    assert await world.expire_due() == 1
    assert (await world.statuses(incoming))[1] == "requires_attention"
    assert await holds(world) == [("active", COST)]


async def test_case_3_the_trader_is_first_and_the_page_follows(world: World) -> None:
    incoming = await world.assign()
    assert await world.statuses(incoming) == ("assigned", "pending", "active")
    await world.confirm_by_trader(incoming)
    assert await world.statuses(incoming) == ("processed", "completed", "completed")
    with pytest.raises(OrderStateConflict):
        await world.confirm_by_customer(incoming)


@pytest.mark.parametrize("left_by", ["expired", "cancelled"])
async def test_case_3_the_trader_sees_the_money_of_a_lapsed_order(world: World, left_by: str) -> None:
    incoming = await world.assign()
    if left_by == "expired":
        await lapse(world, incoming)
    else:
        await world.cancel(incoming, world.trader.actor)
    assert await world.statuses(incoming) == (left_by, left_by, left_by)
    await world.confirm_by_trader(incoming)
    assert await world.statuses(incoming) == ("processed", "completed", "completed")
    order = await world.order(incoming)
    assert (order.amount_exceptions, order.confirmation_source) == (["late"], "trader")
    assert await holds(world) == [("voided", COST), ("posted", COST)]
    assert (await world.store_balance()).available == Decimal("49.810810")


async def test_case_3_the_page_is_gone_only_after_the_late_window(world: World) -> None:
    incoming = await world.assign()
    await lapse(world, incoming)
    await world.advance(world.rules.late_payment_window_seconds + 1)
    for late in (world.confirm_by_customer(incoming, receipt=True), world.confirm_by_trader(incoming)):
        with pytest.raises(SessionExpired):
            await late
    assert await world.statuses(incoming) == ("expired", "expired", "expired")


async def test_case_15a_an_approval_answers_every_rule_that_asked(world: World) -> None:
    """600 000 is still above 500 000 when it is looked at again; without the approval it would be asked for ever."""
    incoming = await world.accept(Decimal(600_000))
    assert isinstance(await world.process(incoming), NeedsReview)
    assert (await world.statuses(incoming))[0] == "manual_review"
    await world.decide_review(incoming, approve=True)
    assert isinstance(await world.process(incoming), Assigned)
    deal = await world.deal(incoming)
    assert (deal.incoming.review_approved_by, deal.incoming.failure_code) == (world.staff.id, None)


async def test_case_15a_block_lists_deny_even_what_was_approved(world: World) -> None:
    incoming = await world.accept(Decimal(600_000), customer_id="u-1")
    await world.process(incoming)
    await world.decide_review(incoming, approve=True)
    await block(world, "customer", f"{world.store.id}:u-1")
    assert await world.process(incoming) == Denied("fraud.block_list")
    assert await world.statuses(incoming) == ("failed", None, "failed")


async def block(world: World, kind: str, value: str) -> None:
    async with world.database.write() as session:
        await session.execute(
            text(
                "insert into fraud_list_entries (list_type, kind, value, reason)"
                " values ('block', :kind, :value, 'seen')"
            ),
            {"kind": kind, "value": value},
        )


@pytest.mark.parametrize("rule", ["block list", "threshold"])
async def test_case_15b_the_second_check_asks_for_a_person_and_refuses_nobody(world: World, rule: str) -> None:
    """The payer has paid: money already sent is never refused, whatever the second look says."""
    incoming = await world.assign(customer_ip="203.0.113.9")
    await world.change_settings(SESSION_TTL_SECONDS=300)
    if rule == "block list":
        await block(world, "ip", "203.0.113.9")
    else:
        await world.change_settings(FRAUD_DENY_THRESHOLD={FIAT: Decimal(100)})
    await world.advance(301)
    await world.confirm_by_customer(incoming)
    assert await world.statuses(incoming) == ("client_payment_confirmed", "requires_attention", "confirmed")
    assert await holds(world) == [("active", COST)]
    await world.confirm_by_trader(incoming)
    assert await world.statuses(incoming) == ("processed", "completed", "completed")


async def test_case_15b_a_late_claim_that_does_not_pass_waits_for_a_person_without_a_hold(world: World) -> None:
    incoming = await world.assign(customer_ip="203.0.113.9")
    await lapse(world, incoming)
    await block(world, "ip", "203.0.113.9")
    await world.advance(world.rules.session_ttl_seconds)
    await world.confirm_by_customer(incoming, receipt=True)
    assert await world.statuses(incoming) == ("client_payment_confirmed", "requires_attention", "confirmed")
    assert await holds(world) == [("voided", COST)]


async def test_case_15b_inside_the_session_s_time_nobody_looks_twice(world: World) -> None:
    incoming = await world.assign(customer_ip="203.0.113.9")
    await block(world, "ip", "203.0.113.9")
    await world.confirm_by_customer(incoming)
    assert (await world.statuses(incoming))[1] == "pending_trader_confirmation"


async def shown_number(world: World, incoming: int) -> str:
    """As the store reads it in the status of its order."""
    async with world.database.read() as session:
        shown = await show_payin(session, await get_deal(session, incoming), await open_viewer(world.resources))
    assert shown.requisite is not None
    return shown.requisite.number


@pytest.mark.parametrize("left_by", ["expired", "cancelled"])
async def test_case_29_the_number_is_given_while_money_may_be_on_its_way(world: World, left_by: str) -> None:
    incoming = await world.assign()
    assert await shown_number(world, incoming) == NUMBER
    if left_by == "expired":
        await lapse(world, incoming)
    else:
        await world.cancel(incoming)
    assert await shown_number(world, incoming) == NUMBER
    await world.advance(world.rules.late_payment_window_seconds + 1)
    assert await shown_number(world, incoming) == LAST_DIGITS


@pytest.mark.parametrize("decided", ["completed", "cancelled"])
async def test_case_29_afterwards_its_last_digits_are(world: World, decided: str) -> None:
    """Also after a person's no, although the late window has not passed."""
    incoming = await world.assign()
    await world.confirm_by_customer(incoming)
    assert await shown_number(world, incoming) == NUMBER
    case = await disputes.open_dispute(world, incoming)
    assert await shown_number(world, incoming) == NUMBER
    await disputes.resolve(world, case, decided)
    assert await shown_number(world, incoming) == LAST_DIGITS


async def to_time_of_day(world: World, at: time) -> None:
    """On to the next moment that is `at` in UTC."""
    now = world.clock.now()
    then = datetime.combine(now.date(), at, tzinfo=UTC)
    await world.advance(((then - now) % timedelta(days=1)).total_seconds())


async def used(world: World) -> tuple[Decimal, Decimal, int]:
    requisite = await world.requisite((await world.order(1)).requisite_id)
    return requisite.day_used, requisite.total_used, requisite.open_count


async def test_case_21_a_lapse_after_midnight_leaves_the_new_day_alone(world: World) -> None:
    await to_time_of_day(world, time(23, 58))
    first = await world.assign(Decimal(1000))
    assert await used(world) == (Decimal(1000), Decimal(1000), 1)
    await world.advance(180)
    second = await world.assign(Decimal(300))
    assert await used(world) == (Decimal(300), Decimal(1300), 2)
    await world.advance(world.rules.client_pay_seconds - 170)
    assert await world.expire_due() == 1
    assert (await world.statuses(first))[1] == "expired"
    assert await used(world) == (Decimal(300), Decimal(300), 1)
    assert (await world.order(second)).counted_day == world.clock.now().date()


async def test_case_21_a_revived_order_counts_again_on_its_new_day_past_the_limit(world: World) -> None:
    requisite_limits = "update requisite_settings set turnover_day_max = 1200"
    async with world.database.write() as session:
        await session.execute(text(requisite_limits))
    await to_time_of_day(world, time(23, 40))
    late = await world.assign(Decimal(1000))
    await lapse(world, late)
    assert await used(world) == (Decimal(0), Decimal(0), 0)
    await world.advance(600)
    await world.assign(Decimal(1100))
    await world.confirm_by_customer(late, receipt=True)
    assert await used(world) == (Decimal(2100), Decimal(2100), 2)
    assert (await world.order(late)).counted_day == world.clock.now().date()
    await world.confirm_by_trader(late)
    assert await used(world) == (Decimal(2100), Decimal(2100), 1)


async def test_case_21_every_way_out_is_counted_once(world: World) -> None:
    completed, cancelled, expired, seen = [await world.assign(AMOUNT + n) for n in range(4)]
    assert (await used(world))[2] == 4
    await world.confirm_by_trader(completed)
    await world.cancel(cancelled)
    await world.advance(world.rules.client_pay_seconds + 1)
    assert await world.expire_due() == 2
    assert (await world.statuses(expired))[1] == "expired"
    await world.confirm_by_trader(seen)
    _, total, still_open = await used(world)
    assert (total, still_open) == (AMOUNT + AMOUNT + 3, 0)
