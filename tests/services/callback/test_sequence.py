"""The store's stream: numbers without gaps in commit order, and an order's newer event before its older ones."""

import asyncio

from sqlalchemy import select
from sqlalchemy.orm import load_only

from jivapay.database.models.callbacks import CallbackDelivery
from jivapay.domain import signatures
from jivapay.domain.identifiers import new_id
from jivapay.services import callback_service
from jivapay.utils.http_client import Answer
from services.callback.world import Shop, World


async def numbers(world: World, shop: Shop) -> list[int | None]:
    async with world.database.read() as session:
        statement = select(CallbackDelivery).options(load_only(CallbackDelivery.store_seq))
        statement = statement.where(CallbackDelivery.store_id == shop.id).order_by(CallbackDelivery.id)
        return [row.store_seq for row in (await session.scalars(statement)).all()]


async def test_each_store_counts_for_itself(world: World) -> None:
    one, two = await world.add_shop(), await world.add_shop()
    for shop in (one, two, one, one, two):
        await world.book(shop, numbered=False)
    assert await world.number() == 5
    assert await world.number() == 0
    await world.book(one)
    assert await numbers(world, one) == [1, 2, 3, 4]
    assert await numbers(world, two) == [1, 2]


async def test_what_commits_later_is_numbered_later(world: World) -> None:
    shop = await world.add_shop()
    booked, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with world.database.write() as session:
            await callback_service.book(
                session, store_id=shop.id, order_type="order", order_id=10_000, public_order_id=new_id(),
                status_version=1, event_type="order.assigned", order_status="pending", url=shop.url, payload={},
                test=False,
            )  # fmt: skip
            booked.set()
            await go_on.wait()

    task = asyncio.create_task(slow())
    await booked.wait()
    await world.book(shop)
    assert await world.number() == 0
    go_on.set()
    await task
    assert await world.number() == 1
    assert await numbers(world, shop) == [2, 1]


async def test_two_relays_at_once_leave_no_gap_and_no_double(world: World) -> None:
    shop = await world.add_shop()
    for _ in range(30):
        await world.book(shop, numbered=False)

    async def relay() -> int:
        async with world.database.write() as session:
            done = await callback_service.assign_sequence(session, 7)
            await asyncio.sleep(0.01)
            return done

    while sum(await asyncio.gather(*(relay() for _ in range(4)))):
        pass
    assert await numbers(world, shop) == list(range(1, 31))


async def test_a_newer_event_replaces_the_older_in_the_push_but_not_in_the_stream(world: World) -> None:
    """Hard case 19 (c): a refused `order.assigned` must not keep `order.completed` back."""
    shop, order = await world.add_shop(), new_id()
    world.answer(Answer(status=500))
    older = await world.book(shop, order=order)
    await world.deliver()
    newer = await world.book(shop, order=order, event="order.completed")
    unrelated = await world.book(shop)
    assert await world.states(older, newer, unrelated) == ["skipped", "pending", "pending"]
    world.transport.answer = None
    await world.deliver()
    assert [sent.headers["webhook-id"] for sent in world.transport.sent[1:]] == [
        (await world.row(newer)).event_id,
        (await world.row(unrelated)).event_id,
    ]
    async with world.database.read() as session:
        events = await callback_service.list_events(session, world.cipher, store_id=shop.id)
    assert [event["type"] for event in events] == ["order.assigned", "order.completed", "order.assigned"]
    assert [event["store_seq"] for event in events] == [1, 2, 3]
    assert all(signatures.verify_fields(shop.secret, event) for event in events)


async def test_events_numbered_together_leave_only_the_newest_in_the_push(world: World) -> None:
    shop, order = await world.add_shop(), new_id()
    ids = [await world.book(shop, order=order, numbered=False) for _ in range(3)]
    await world.number()
    assert await world.states(*ids) == ["skipped", "skipped", "pending"]


async def test_a_newer_event_without_an_address_replaces_nothing(world: World) -> None:
    shop, quiet, order = await world.add_shop(), await world.add_shop(url=None), new_id()
    older = await world.book(shop, order=order)
    await world.book(quiet, order=order)
    assert await world.states(older) == ["pending"]


async def test_the_stream_is_read_from_a_number_on_and_is_the_stores_own(world: World) -> None:
    shop, other = await world.add_shop(), await world.add_shop()
    for _ in range(5):
        await world.book(shop)
    await world.book(other)
    async with world.database.read() as session:
        page = await callback_service.list_events(session, world.cipher, store_id=shop.id, after=2, limit=2)
        rest = await callback_service.list_events(session, world.cipher, store_id=shop.id, after=4)
    assert [event["store_seq"] for event in page] == [3, 4]
    assert [event["store_seq"] for event in rest] == [5]
