"""Many requests of one customer at once: no more are taken than one customer may have open (hard case 17)."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.domain.outcomes import Denied
from jivapay.exceptions import OpenOrdersLimitExceeded
from jivapay.schemas_enums.gateway import MethodChoice
from jivapay.services import gateway_service
from support.racing import WON, race

REFUSED = "order.limit_open"


@pytest.mark.parametrize("who", [{"customer_id": "u-1"}, {"customer_ip": "203.0.113.7"}])
async def test_ten_requests_at_once_leave_three_open(world: World, who: Mapping[str, str]) -> None:
    await world.change_settings(OPEN_UNPAID_MAX_PER_CUSTOMER=3, OPEN_UNPAID_MAX_PER_ADDRESS=3)
    amounts = [Decimal(1000 + number) for number in range(10)]
    outcomes = await race([lambda amount=amount: world.accept(amount, **who) for amount in amounts])
    assert sorted(outcomes) == [REFUSED] * 7 + [WON] * 3
    assert await world.scalar("select count(*) from incoming_orders") == 3


async def test_a_store_has_its_own_bound(world: World) -> None:
    await world.change_settings(OPEN_UNPAID_MAX_PER_STORE=2)
    await world.accept(Decimal(100))
    await world.accept(Decimal(200))
    with pytest.raises(OpenOrdersLimitExceeded):
        await world.accept(Decimal(300))


async def test_the_page_counts_too(world: World) -> None:
    """Orders whose method is still open reserve nothing; choosing does, and is bounded likewise."""
    await world.change_settings(OPEN_UNPAID_MAX_PER_ADDRESS=3)
    pages = [await world.accept(Decimal(500 + number), method=None) for number in range(5)]
    actor = Actor.customer(ip="203.0.113.9")
    tokens = [await token_of(world, page) for page in pages]
    choice = MethodChoice(payment_method="card")
    outcomes = await race(
        [
            lambda token=token: gateway_service.choose_method(world.resources, actor, token, choice, wait_seconds=0)
            for token in tokens
        ]
    )
    assert sorted(outcomes) == [REFUSED] * 2 + [WON] * 3


async def test_a_store_that_was_switched_off_meanwhile_gets_no_requisite(world: World) -> None:
    waiting = await world.accept(Decimal(700))
    async with world.database.write() as session:
        await session.execute(text("update merchant_stores set traffic_access = false"))
    assert await world.process(waiting) == Denied("store.switched_off")
    assert (await world.statuses(waiting))[0] == "failed"


async def token_of(world: World, incoming_order_id: int) -> str:
    page = (await world.deal(incoming_order_id)).page
    assert page is not None
    return world.resources.cipher.decrypt(page.token, f"payment_sessions.token:{page.public_id}")
