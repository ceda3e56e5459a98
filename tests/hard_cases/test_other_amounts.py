"""Hard cases 12, 13 and 19: late payments and the rate, another amount than agreed, what the shop is told of it."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.world import AMOUNT, World
from jivapay.exceptions import InsufficientBalance, OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.enums import OrderStatus

COST = Decimal("50.837837")
SMALLER = Decimal("4517.00")
SMALLER_COST = Decimal("48.344108")


async def holds(world: World) -> list[tuple[str, str, Decimal]]:
    async with world.database.read() as session:
        rows = await session.execute(text("select ref_type, status, amount from holds order by id"))
        return [(row.ref_type, row.status, row.amount) for row in rows]


async def lapse(world: World, incoming: int) -> None:
    await world.advance(world.rules.client_pay_seconds + 1)
    assert await world.expire_due() == 1
    assert (await world.statuses(incoming))[1] == "expired"


async def set_policy(world: World, policy: str, percent: int) -> None:
    async with world.database.write() as session:
        await session.execute(
            text("update merchant_stores set amount_policy = :policy, amount_percent = :percent"),
            {"policy": policy, "percent": percent},
        )


async def last_callback(world: World) -> dict[str, object]:
    body: dict[str, object] = await world.scalar("select payload from callback_deliveries order by id desc limit 1")
    return body


async def test_case_12_the_frozen_rate_covers_a_late_payment_for_half_an_hour(world: World) -> None:
    incoming = await world.assign()
    await lapse(world, incoming)
    await world.set_rate(Decimal("80.00"))
    await world.confirm_by_trader(incoming)
    order = await world.order(incoming)
    assert (order.rate, order.trader_amount_crypto - order.trader_commission) == (Decimal("92.50"), COST)


@pytest.mark.parametrize("who", ["trader", "payer"])
async def test_case_12_later_it_takes_the_rate_of_the_receipt_s_moment(world: World, who: str) -> None:
    """The payer waits until the rouble has fallen: he would buy at 92.50 what costs 120 by now."""
    incoming = await world.assign()
    await lapse(world, incoming)
    await world.advance(world.rules.late_rate_seconds)
    await world.set_rate(Decimal("120.00"))
    if who == "payer":
        await world.confirm_by_customer(incoming, receipt=True)
        await world.set_rate(Decimal("130.00"))
        assert (await holds(world))[-1] == ("order", "active", Decimal("39.187500"))
    await world.confirm_by_trader(incoming)
    order = await world.order(incoming)
    assert (order.rate, order.base_rate, order.amount_crypto) == (Decimal(120), Decimal(120), Decimal("39.583333"))
    assert order.rate_source == "manual"
    assert order.rate_at >= order.left_unpaid_at
    assert (await holds(world))[-1] == ("order", "posted", Decimal("39.187500"))
    assert (await world.store_balance()).available == Decimal("38.395833")


async def test_case_12_a_cancelled_order_keeps_its_rate_until_its_own_deadline_and_half_an_hour(world: World) -> None:
    incoming = await world.assign()
    await world.cancel(incoming, world.trader.actor)
    await world.advance(world.rules.client_pay_seconds + world.rules.late_rate_seconds - 60)
    await world.set_rate(Decimal("120.00"))
    await world.confirm_by_trader(incoming)
    assert (await world.order(incoming)).rate == Decimal("92.50")


async def test_case_12_without_a_fresh_rate_a_late_claim_waits_and_is_priced_when_it_is_settled(world: World) -> None:
    incoming = await world.assign()
    await lapse(world, incoming)
    await world.advance(world.rules.late_rate_seconds + world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    await world.confirm_by_customer(incoming, receipt=True)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    await world.set_rate(Decimal("120.00"))
    await world.decide(incoming, OrderStatus.COMPLETED)
    assert (await world.order(incoming)).rate == Decimal(120)


async def test_case_12_a_claim_a_person_judges_is_priced_when_its_receipt_came(world: World) -> None:
    """Or the trader waits with his word until the rouble has fallen far enough."""
    orders = [await world.assign(Decimal(1000 + number), customer_id="u-1") for number in range(3)]
    await world.advance(world.rules.client_pay_seconds + 1)
    assert await world.expire_due() == 3
    await world.advance(world.rules.late_rate_seconds)
    await world.set_rate(Decimal("120.00"))
    for incoming in orders:
        await world.confirm_by_customer(incoming, receipt=True)
    assert (await world.statuses(orders[-1]))[1] == "requires_attention"
    await world.set_rate(Decimal("130.00"))
    await world.confirm_by_trader(orders[-1])
    assert (await world.order(orders[-1])).rate == Decimal(120)


async def test_case_12_what_exceeds_the_order_is_unmatched_money(world: World) -> None:
    """One order of 100 RUB, and 500 000 are paid: no way round limits, turnover and review."""
    incoming = await world.assign(Decimal(100))
    await world.confirm_by_customer(incoming, amount=Decimal(500_000))
    await world.confirm_by_trader(incoming, amount=Decimal(500_000))
    order = await world.order(incoming)
    assert (order.status, order.amount_fiat, order.amount_agreed) == ("completed", Decimal(100), Decimal(100))
    assert order.amount_exceptions == ["over"]
    assert order.counted_amount == Decimal(100)
    rest = await world.scalar("select amount_fiat from unmatched_payments where status = 'open'")
    assert rest == Decimal(499_900)
    assert (await holds(world))[-1] == ("unmatched_payment", "active", Decimal("5404.324324"))


async def test_case_12_a_rest_that_cannot_be_held_is_not_taken(world: World) -> None:
    incoming = await world.assign()
    with pytest.raises(InsufficientBalance):
        await world.confirm_by_trader(incoming, amount=Decimal(2_000_000))
    assert await world.statuses(incoming) == ("assigned", "pending", "active")
    assert await world.scalar("select count(*) from unmatched_payments") == 0


async def test_case_13_a_smaller_amount_on_the_trader_s_word_waits_with_the_whole_hold(world: World) -> None:
    """4.9 % off every payer: the shop accepts within 5 %, the trader says 4 517 where 4 750 came."""
    await set_policy(world, "accept_within_percent", 5)
    incoming = await world.assign()
    await world.confirm_by_customer(incoming)
    await world.confirm_by_trader(incoming, amount=SMALLER)
    assert await world.statuses(incoming) == ("client_payment_confirmed", "requires_attention", "confirmed")
    assert await holds(world) == [("order", "active", COST)]
    await world.confirm_by_customer(incoming, amount=AMOUNT)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    await world.confirm_by_customer(incoming, amount=SMALLER)
    assert await world.statuses(incoming) == ("processed", "completed", "completed")
    assert await holds(world) == [("order", "replaced", COST), ("order", "posted", SMALLER_COST)]


async def test_case_13_a_trader_who_takes_his_mistake_back_completes_the_order_as_agreed(world: World) -> None:
    """His first word would settle less as soon as the shop repeats what it reads."""
    incoming = await world.assign()
    await world.confirm_by_trader(incoming, amount=SMALLER)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    await world.confirm_by_trader(incoming, amount=AMOUNT)
    order = await world.order(incoming)
    assert (order.status, order.amount_by_trader, order.amount_fiat) == ("completed", None, AMOUNT)
    assert await holds(world) == [("order", "posted", COST)]


async def test_case_13_always_ask_asks_the_shop_and_not_the_payer(world: World) -> None:
    """Payer and trader could agree on 100 for an order of 4 750, and the shop would ship."""
    incoming = await world.assign()
    await world.confirm_by_customer(incoming, amount=SMALLER)
    await world.confirm_by_trader(incoming, amount=SMALLER)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    await world.confirm_by_customer(incoming, actor=world.store.actor, amount=SMALLER)
    order = await world.order(incoming)
    assert (order.status, order.amount_fiat, order.amount_exceptions) == ("completed", SMALLER, ["under"])
    assert (order.rate, order.counted_amount) == (Decimal("92.50"), SMALLER)
    assert (await world.trader_balance()).held == Decimal(0)
    body = await last_callback(world)
    told = [body[name] for name in ("type", "amount_fiat", "amount_agreed", "amount_exceptions", "paid", "final")]
    assert told == ["order.completed", "4517.00", "4750.00", ["under"], True, False]
    assert body["balance_change"] == f"{(await world.store_balance()).total:f}"


@pytest.mark.parametrize("first", ["shop", "trader"])
async def test_case_13_what_both_state_completes_whoever_speaks_first(world: World, first: str) -> None:
    incoming = await world.assign()
    if first == "shop":
        await world.confirm_by_customer(incoming, actor=world.store.actor, amount=SMALLER)
        await world.confirm_by_trader(incoming, amount=SMALLER)
    else:
        await world.confirm_by_trader(incoming, amount=SMALLER)
        assert await world.statuses(incoming) == ("assigned", "requires_attention", "active")
        await world.confirm_by_customer(incoming, actor=world.store.actor, amount=SMALLER)
    assert await world.statuses(incoming) == ("processed", "completed", "completed")
    assert (await world.order(incoming)).amount_fiat == SMALLER


async def test_case_13_an_increase_within_the_percentage_that_both_state_is_computed(world: World) -> None:
    await set_policy(world, "accept_within_percent", 5)
    incoming = await world.assign()
    larger = Decimal("4900.00")
    await world.confirm_by_customer(incoming, amount=larger)
    await world.confirm_by_trader(incoming, amount=larger)
    order = await world.order(incoming)
    assert (order.status, order.amount_fiat, order.amount_exceptions) == ("completed", larger, ["over"])
    assert [status for _, status, _ in await holds(world)] == ["replaced", "posted"]
    assert await world.scalar("select count(*) from unmatched_payments") == 0


async def test_case_13_an_increase_that_cannot_be_held_whole_is_refused_and_a_person_chooses(world: World) -> None:
    await set_policy(world, "accept_within_percent", 5)
    for amount in (495_000, 434_500):
        await world.assign(Decimal(amount))
    incoming = await world.assign()
    assert (await world.trader_balance()).available == Decimal("1.000002")
    larger = Decimal("4980.00")
    await world.confirm_by_customer(incoming, amount=larger)
    with pytest.raises(InsufficientBalance):
        await world.confirm_by_trader(incoming, amount=larger)
    assert (await world.statuses(incoming))[1] == "pending_trader_confirmation"
    await world.confirm_by_trader(incoming)
    assert (await world.order(incoming)).amount_fiat == AMOUNT


@pytest.mark.parametrize(
    ("outcome", "amount", "settled"),
    [
        pytest.param(OrderStatus.COMPLETED, None, AMOUNT, id="as agreed"),
        pytest.param(OrderStatus.COMPLETED, SMALLER, SMALLER, id="at what came"),
        pytest.param(OrderStatus.CANCELLED, None, None, id="cancelled"),
        pytest.param(OrderStatus.FAILED, None, None, id="failed"),
    ],
)
async def test_case_13_or_a_person_decides(
    world: World, outcome: OrderStatus, amount: Decimal | None, settled: Decimal | None
) -> None:
    incoming = await world.assign()
    await world.confirm_by_trader(incoming, amount=SMALLER)
    await world.decide(incoming, outcome, amount=amount)
    order = await world.order(incoming)
    assert order.status == outcome
    if settled is None:
        assert (await world.trader_balance()).total == Decimal(10_000)
    else:
        assert order.amount_fiat == settled
    assert (await world.trader_balance()).held == Decimal(0)


async def test_case_13_late_and_smaller_is_both_and_waits_with_a_hold(world: World) -> None:
    incoming = await world.assign()
    await lapse(world, incoming)
    await world.confirm_by_trader(incoming, amount=SMALLER)
    assert await world.statuses(incoming) == ("client_payment_confirmed", "requires_attention", "confirmed")
    assert (await holds(world))[-1] == ("order", "active", COST)
    await world.confirm_by_customer(incoming, actor=world.store.actor, amount=SMALLER)
    order = await world.order(incoming)
    assert (order.status, order.amount_exceptions) == ("completed", ["late", "under"])


async def test_case_22_money_from_a_third_party_waits_for_a_person_whoever_agrees(world: World) -> None:
    incoming = await world.assign()
    await world.confirm_by_customer(incoming)
    await world.confirm_by_trader(incoming, amount=SMALLER, third_party=True)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    await world.confirm_by_customer(incoming, actor=world.store.actor, amount=SMALLER)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    for amount in (None, AMOUNT, SMALLER, AMOUNT + 250):
        await world.confirm_by_trader(incoming, amount=amount)
        assert (await world.statuses(incoming))[1] == "requires_attention"
    assert await world.scalar("select count(*) from unmatched_payments") == 0
    await world.decide(incoming, OrderStatus.CANCELLED)
    assert (await world.trader_balance()).held == Decimal(0)


async def test_an_amount_that_cannot_be_changes_nothing(world: World) -> None:
    incoming = await world.assign()
    with pytest.raises(ValidationFailed, match="valid") as refusal:
        await world.confirm_by_customer(incoming, amount=Decimal("4517.001"))
    assert refusal.value.code == "money.too_many_decimals"
    with pytest.raises(ValidationFailed) as refusal:
        await world.confirm_by_trader(incoming, amount=Decimal("4517.001"))
    assert refusal.value.code == "money.too_many_decimals"
    order = await world.order(incoming)
    assert (order.status, order.amount_by_trader, order.amount_by_payer) == ("pending", None, None)


async def test_a_settled_order_takes_no_other_amount(world: World) -> None:
    incoming = await world.complete()
    with pytest.raises(OrderStateConflict):
        await world.confirm_by_customer(incoming, amount=SMALLER)
    with pytest.raises(OrderStateConflict):
        await world.confirm_by_trader(incoming, amount=SMALLER)
