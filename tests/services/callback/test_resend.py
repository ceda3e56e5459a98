"""Sending again by hand: the same event, a new round, never twice at once."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import NotFound, OrderStateConflict
from jivapay.services import callback_service
from jivapay.utils.http_client import Answer
from services.callback.world import World

SUPPORT = Actor.system("a person")


async def resend(world: World, delivery: int) -> None:
    async with world.database.write() as session:
        await callback_service.resend(session, delivery, actor=SUPPORT)


async def test_a_delivered_event_can_be_sent_again(world: World) -> None:
    delivery = await world.book(await world.add_shop())
    await world.deliver()
    await resend(world, delivery)
    row = await world.row(delivery)
    assert (row.state, row.attempts, row.delivered_at) == ("pending", 10, None)
    await world.deliver()
    first, second = world.transport.sent
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [attempt.attempt for attempt in await world.attempts(delivery)] == [1, 11]
    [entry] = await world.audit("callback.resent")
    assert (entry.entity_id, entry.details["from"]) == (delivery, "delivered")


async def test_an_exhausted_event_gets_ten_attempts_more(world: World) -> None:
    delivery = await world.book(await world.add_shop())
    world.answer(Answer(status=500))
    for rounds in (1, 2):
        for _ in range(10):
            assert (await world.deliver()).sent == 1
            world.clock.advance(timedelta(hours=27))
        row = await world.row(delivery)
        assert (row.state, row.attempts) == ("exhausted", 10 * rounds)
        await resend(world, delivery)


async def test_a_disabled_event_can_be_sent_again(world: World) -> None:
    delivery = await world.book(await world.add_shop())
    world.answer(Answer(status=410))
    await world.deliver()
    world.transport.answer = None
    await resend(world, delivery)
    await world.deliver()
    assert await world.states(delivery) == ["delivered"]


async def test_a_replaced_event_asked_for_by_hand_is_not_replaced_again(world: World) -> None:
    shop, order = await world.add_shop(), new_id()
    older = await world.book(shop, order=order, numbered=False)
    await world.book(shop, order=order)
    assert await world.states(older) == ["skipped"]
    await resend(world, older)
    world.answer(Answer(status=500))
    await world.deliver()
    assert await world.states(older) == ["retrying"]
    await world.book(shop, order=order)
    world.clock.advance(timedelta(seconds=40))
    world.transport.answer = None
    await world.deliver()
    assert await world.states(older) == ["delivered"]


async def test_an_event_booked_without_an_address_goes_to_the_stores_present_one(world: World) -> None:
    shop = await world.add_shop(url=None)
    delivery = await world.book(shop)
    with pytest.raises(OrderStateConflict):
        await resend(world, delivery)
    async with world.database.write() as session:
        await session.execute(
            text("update merchant_stores set callback_url = 'https://new.example/' where id = :id"), {"id": shop.id}
        )
    await resend(world, delivery)
    await world.deliver()
    assert [sent.url for sent in world.transport.sent] == ["https://new.example/"]


async def test_what_is_still_being_tried_is_not_sent_again(world: World) -> None:
    delivery = await world.book(await world.add_shop())
    with pytest.raises(OrderStateConflict) as raised:
        await resend(world, delivery)
    assert raised.value.about == {"current": "pending"}
    world.answer(Answer(status=500))
    await world.deliver()
    with pytest.raises(OrderStateConflict):
        await resend(world, delivery)
    assert await world.audit("callback.resent") == []


async def test_what_does_not_exist(world: World) -> None:
    with pytest.raises(NotFound):
        await resend(world, 12345)
