"""Hard cases 4, 6, 27 and 29, where they speak of pay-outs."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories import disputes
from factories.fixtures import Recipe
from factories.payouts import payout_world
from factories.world import World
from jivapay.domain.outcomes import Assigned, NoRequisite
from jivapay.exceptions import InsufficientBalance, PermissionDenied
from jivapay.services import balance_manager, freeze_service
from jivapay.services.gateway_service.deals import get_deal, show_payout
from jivapay.services.gateway_service.payin import open_viewer
from support.invariants import find_violations

CREDIT = Decimal("51.864865")
COST = Decimal("52.891892")
WITH_BUFFER = Decimal("53.420811")


@pytest.fixture
def own_recipe() -> Recipe:
    return Recipe(payout_world)


async def test_case_4_the_credit_is_not_spendable_on_the_traders_own_picture(world: World) -> None:
    incoming = await world.complete_payout()
    trader, _ = await world.trader_of(incoming)
    balance = await world.trader_balance(trader)
    assert (balance.total, balance.held) == (Decimal(10_000) + CREDIT, CREDIT)
    assert balance.available == Decimal(10_000)
    async with world.database.read() as session:
        key = balance_manager.AccountKey.trader_crypto(trader.id, "USDT", test=False)
        assert await balance_manager.withdrawable(session, key, world.rules) == Decimal(10_000)
    await world.advance(world.rules.payout_clearing_seconds - 1)
    assert await world.clear_due() == 0
    await world.advance(2)
    assert await world.clear_due() == 1
    assert await world.clear_due() == 0
    assert (await world.trader_balance(trader)).held == Decimal(0)
    assert (await world.order(incoming)).cleared_at is not None


async def test_case_4_the_credit_covers_no_pay_in(world: World) -> None:
    """A trader who has nothing but what he has not earned yet gets no pay-in on it."""
    async with world.database.write() as session:
        await session.execute(text("update traders set in_work = false"))
    poor = await world.add_trader(deposit=None, limits={"pay_out": True})
    await world.complete_payout()
    assert (await world.trader_balance(poor)).total == CREDIT
    refused = await world.process(await world.accept(Decimal(100)))
    assert isinstance(refused, NoRequisite)
    assert refused.reasons["deposit"] == 1


async def test_case_4_the_stores_word_frees_it_at_once(world: World) -> None:
    incoming = await world.complete_payout()
    trader, _ = await world.trader_of(incoming)
    await world.confirm_payout(incoming)
    await world.confirm_payout(incoming)
    assert (await world.trader_balance(trader)).available == Decimal(10_000) + CREDIT
    await world.advance(world.rules.payout_clearing_seconds + 1)
    assert await world.clear_due() == 0


async def test_case_4_no_clearing_time_holds_nothing(world: World) -> None:
    await world.change_settings(PAYOUT_CLEARING_SECONDS=0)
    incoming = await world.complete_payout()
    trader, _ = await world.trader_of(incoming)
    assert (await world.trader_balance(trader)).held == Decimal(0)
    assert (await world.order(incoming)).clearing_until is None


async def test_case_4_a_freeze_clears_nothing(world: World) -> None:
    await world.complete_payout()
    async with world.database.write() as session:
        await freeze_service.freeze(session, world.staff, reason="planted")
    await world.advance(world.rules.payout_clearing_seconds + 1)
    assert await world.clear_due() == 0


async def test_case_6_a_payout_that_waits_for_a_trader_freezes_nothing(world: World) -> None:
    """Its hold refers to the incoming order, and to nothing else yet: legal in every state it goes through."""
    incoming = await world.accept_payout()
    for move in (world.process, world.take_payout, world.pay_payout, world.confirm_payout):
        assert await find_violations(world.database) == {}
        await move(incoming)
    assert await find_violations(world.database) == {}


async def test_case_27_one_refusal_and_a_move_of_the_rate_still_find_a_trader(world: World) -> None:
    incoming = await world.offer_payout()
    await world.advance(world.rules.payout_accept_seconds + 1, fresh_rate=False)
    await world.set_rate(Decimal("92.49"))
    await world.expire_due()
    assert (await world.store_balance()).held == WITH_BUFFER
    assert isinstance(await world.process(incoming), Assigned)
    order = await world.order(incoming)
    assert order.base_rate == Decimal("92.49")
    assert COST < (await world.store_balance()).held == order.amount_crypto + order.store_commission < WITH_BUFFER


async def test_case_27_the_rest_is_released_at_assignment_and_a_better_rate_costs_less(world: World) -> None:
    incoming = await world.accept_payout()
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    await world.set_rate(Decimal("95.00"))
    await world.process(incoming)
    assert (await world.order(incoming)).amount_crypto == Decimal("50.000000")
    assert (await world.store_balance()).held == Decimal("51.500000")


async def test_case_27_beyond_the_buffer_it_waits_and_then_fails(world: World) -> None:
    incoming = await world.accept_payout()
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    await world.set_rate(Decimal("90.00"))
    for _ in range(world.rules.max_order_retries):
        assert await world.process(incoming) == NoRequisite({"rate.moved": 1}, code="rate.moved")
        await world.advance(200, fresh_rate=False)
        await world.set_rate(Decimal("90.00"))
    assert (await world.statuses(incoming))[0] == "failed"
    assert (await world.store_balance()).held == Decimal(0)


async def test_case_27_the_buffer_is_taken_again_only_as_far_as_there_is_money(world: World) -> None:
    store = await world.add_store(pay_out_enabled=True)
    await world.fund(WITH_BUFFER, store)
    incoming = await world.offer_payout(store=store)
    rest = WITH_BUFFER - COST
    with pytest.raises(InsufficientBalance):
        await world.accept_payout(store=store)
    small = await world.accept_payout(Decimal("45.00"), store=store)
    left = rest - (await world.store_balance(store)).held + COST
    await world.decline_payout(incoming)
    assert (await world.store_balance(store)).available == Decimal(0)
    assert left >= Decimal(0)
    await world.cancel(small)
    assert isinstance(await world.process(incoming), Assigned)


async def test_case_29_only_who_has_accepted_reads_the_number(world: World) -> None:
    incoming = await world.offer_payout()
    async with world.database.read() as session:
        shown = await show_payout(session, await get_deal(session, incoming), await open_viewer(world.resources))
    assert shown.recipient.number == "•••• 5679"
    revealed = "select count(*) from audit_log where action = 'order.accepted' and entity = 'order'"
    assert await world.scalar(revealed) == 0
    await world.take_payout(incoming)
    assert await world.scalar(f"{revealed} and details->>'recipient_shown' = 'true'") == 1


async def test_case_29_accepting_and_letting_lapse_puts_a_trader_behind(world: World) -> None:
    """Otherwise numbers could be collected: he is served after the others from now on, with all his requisites."""
    incoming = await world.offer_payout()
    lazy, _ = await world.trader_of(incoming)
    await world.add_requisite(lazy, bank="alfa", limits={"pay_out": True})
    await world.take_payout(incoming)
    await world.advance(world.rules.payout_pay_seconds + 1)
    await world.expire_due()
    priority = "select array_agg(distinct traffic_priority) from requisites where trader_id = :id"
    assert await world.scalar(priority, id=lazy.id) == [110]
    assert await world.scalar("select traffic_priority from traders where id = :id", id=lazy.id) == 110
    for number in range(3):
        following = await world.offer_payout(Decimal(100 + number))
        assert (await world.trader_of(following))[0].id != lazy.id


async def test_case_29_one_who_declines_or_lets_an_offer_pass_is_not_punished(world: World) -> None:
    incoming = await world.offer_payout()
    await world.decline_payout(incoming)
    await world.process(incoming)
    await world.advance(world.rules.payout_accept_seconds + 1)
    await world.expire_due()
    assert await world.scalar("select count(*) from requisites where traffic_priority <> 100") == 0


async def test_case_11_a_store_that_has_something_to_return_pays_nobody(world: World) -> None:
    """A dispute about a completed pay-in, and the money is not all there: pay-outs to himself are refused."""
    poor = await world.add_store(pay_out_enabled=True)
    returned = await world.complete(Decimal(4750), store=poor)
    await disputes.tie_up(world, "30", poor)
    await disputes.open_dispute(world, returned)
    with pytest.raises(PermissionDenied) as raised:
        await world.accept_payout(Decimal(100), store=poor)
    assert raised.value.code == "balance.blocked"
    assert await world.scalar("select count(*) from incoming_orders where amount_fiat = 100") == 0


async def test_case_4_an_open_dispute_keeps_the_credit_and_a_reversal_takes_it_back(world: World) -> None:
    incoming = await world.complete_payout()
    trader, _ = await world.trader_of(incoming)
    dispute = await disputes.open_dispute(world, incoming)
    await world.advance(world.rules.payout_clearing_seconds + 1)
    assert await world.clear_due() == 0
    await world.confirm_payout(incoming)
    assert (await world.trader_balance(trader)).held == CREDIT
    await disputes.resolve(world, dispute, "cancelled")
    assert (await world.statuses(incoming))[1] == "reversed"
    balance = await world.trader_balance(trader)
    assert (balance.total, balance.held) == (Decimal(10_000), Decimal(0))
    assert (await world.store_balance()).available == Decimal(1000)


async def test_case_4_a_dispute_that_changes_nothing_lets_the_credit_clear(world: World) -> None:
    incoming = await world.complete_payout()
    trader, _ = await world.trader_of(incoming)
    dispute = await disputes.open_dispute(world, incoming)
    await world.advance(world.rules.payout_clearing_seconds + 1)
    await disputes.resolve(world, dispute, "completed")
    assert await world.clear_due() == 1
    assert (await world.trader_balance(trader)).available == Decimal(10_000) + CREDIT


@pytest.mark.parametrize(
    ("outcome", "status"), [("completed", "completed"), ("failed", "failed"), ("cancelled", "cancelled")]
)
async def test_a_disputed_payout_ends_by_a_persons_word(world: World, outcome: str, status: str) -> None:
    incoming = await world.offer_payout()
    await world.take_payout(incoming)
    dispute = await disputes.open_dispute(world, incoming)
    assert (await world.statuses(incoming))[1] == "dispute"
    await disputes.resolve(world, dispute, outcome)
    assert (await world.statuses(incoming))[1] == outcome
    paid = COST if outcome == "completed" else Decimal(0)
    balance = await world.store_balance()
    assert (balance.total, balance.held) == (Decimal(1000) - paid, Decimal(0))
