"""Hard case 22: fake receipts as a weapon. What a late claim needs, and what a lost one costs."""

from dataclasses import replace
from decimal import Decimal

import pytest

from factories.world import World, stored_receipt
from jivapay.domain.outcomes import Denied
from jivapay.exceptions import ValidationFailed
from jivapay.schemas_enums.enums import OrderStatus
from support.racing import WON, race

CUSTOMER = {"customer_id": "u-1"}
RIVAL = {"customer_ip": "203.0.113.9"}


async def lapsed(world: World, count: int, *, first: int = 1000, **fields: str) -> list[int]:
    made = [await world.assign(Decimal(first + number), **fields) for number in range(count)]
    for one in made:
        await world.cancel(one)
    return made


async def status(world: World, incoming: int) -> str | None:
    return (await world.statuses(incoming))[1]


async def test_a_late_claim_needs_a_receipt_not_seen_before(world: World) -> None:
    first, second, third = await lapsed(world, 3)
    receipt = stored_receipt()
    await world.confirm_by_customer(first, receipt=receipt)
    with pytest.raises(ValidationFailed) as refusal:
        await world.confirm_by_customer(second, receipt=receipt)
    assert refusal.value.code == "receipt.duplicate"
    assert await status(world, second) == "cancelled"
    assert await world.scalar("select count(*) from uploaded_documents") == 1
    await world.confirm_by_customer(third, receipt=True)
    assert await status(world, third) == "pending_trader_confirmation"


async def test_inside_its_time_a_known_receipt_is_only_marked(world: World) -> None:
    first, second = [await world.assign(Decimal(1000 + number)) for number in range(2)]
    receipt = stored_receipt()
    await world.confirm_by_customer(first, receipt=receipt)
    known = replace(stored_receipt(), sha256=receipt.sha256)
    await world.confirm_by_customer(second, receipt=known)
    assert await status(world, second) == "pending_trader_confirmation"
    assert await world.scalar("select seen_before from uploaded_documents order by id desc limit 1") is True


@pytest.mark.parametrize(("whose", "held"), [(CUSTOMER, 2), (RIVAL, 5)], ids=["customer", "address"])
async def test_too_many_open_claims_go_to_a_person_without_a_hold(
    world: World, whose: dict[str, str], held: int
) -> None:
    orders = await lapsed(world, held + 2, **whose)
    for one in orders:
        await world.confirm_by_customer(one, receipt=True)
    found = [await status(world, one) for one in orders]
    assert found == ["pending_trader_confirmation"] * held + ["requires_attention"] * 2
    assert await world.scalar("select count(*) from holds where status = 'active'") == held
    await world.confirm_by_trader(orders[0])
    another = (await lapsed(world, 1, first=2000, **whose))[0]
    await world.confirm_by_customer(another, receipt=True)
    assert await status(world, another) == "requires_attention"


async def test_claims_at_once_hold_no_more_than_two(world: World) -> None:
    orders = await lapsed(world, 5, **CUSTOMER)
    outcomes = await race([lambda one=one: world.confirm_by_customer(one, receipt=True) for one in orders])
    assert outcomes == [WON] * 5
    assert await world.scalar("select count(*) from holds where status = 'active'") == 2


async def test_a_claim_lost_puts_the_customer_on_the_list(world: World) -> None:
    incoming = (await lapsed(world, 1, **CUSTOMER))[0]
    await world.confirm_by_customer(incoming, receipt=True)
    await world.advance(world.rules.trader_confirm_seconds + 1)
    await world.expire_due()
    await world.decide(incoming, OrderStatus.CANCELLED)
    value = await world.scalar("select value from fraud_list_entries where list_type = 'block' and kind = 'customer'")
    assert value == f"{world.store.id}:u-1"
    assert await world.process(await world.accept(**CUSTOMER)) == Denied("fraud.block_list")


@pytest.mark.parametrize("first", ["confirmed in time", "seen by the trader"])
async def test_what_was_no_late_claim_loses_nobody(world: World, first: str) -> None:
    incoming = await world.assign(**CUSTOMER)
    if first == "confirmed in time":
        await world.confirm_by_customer(incoming)
    else:
        await world.cancel(incoming)
    await world.confirm_by_trader(incoming, third_party=True)
    await world.decide(incoming, OrderStatus.CANCELLED)
    assert await world.scalar("select count(*) from fraud_list_entries") == 0


async def test_a_shop_that_loses_its_claims_loses_self_service(world: World) -> None:
    orders = await lapsed(world, 11)
    for one in orders[:10]:
        await world.confirm_by_customer(one, receipt=True)
    await world.advance(world.rules.trader_confirm_seconds + 1)
    await world.expire_due()
    for number, one in enumerate(orders[:10]):
        await world.decide(one, OrderStatus.CANCELLED if number < 4 else OrderStatus.COMPLETED)
    await world.confirm_by_customer(orders[10], receipt=True)
    assert await status(world, orders[10]) == "requires_attention"
    await world.change_settings(CLAIMS_LOST_PERCENT_MAX=50)
    another = (await lapsed(world, 1, first=2000))[0]
    await world.confirm_by_customer(another, receipt=True)
    assert await status(world, another) == "pending_trader_confirmation"
