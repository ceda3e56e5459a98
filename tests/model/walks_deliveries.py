"""The walks of what a shop is told: an address that takes it, refuses it, is gone, or was never given."""

from uuid import UUID

from sqlalchemy import text

from factories.world import World
from jivapay.database.session import AnySession
from jivapay.domain.identifiers import new_id
from jivapay.services import callback_service
from jivapay.utils.http_client import Answer, Sent
from model.walks import Stage, Story, amount, expect, walk

ROUND = 10
"""Attempts, before nobody tries by himself any more."""
NEXT_DAY = 27 * 3600
"""Longer than the pause before any attempt."""


class Told:
    """An order whose shop is told at an address of its own, and what that address answers."""

    def __init__(self, stage: Stage, incoming: int, url: str | None) -> None:
        self.stage, self.incoming, self.url = stage, incoming, url

    @property
    def world(self) -> World:
        return self.stage.world

    async def number(self) -> None:
        """As the relay does: now it may be sent."""
        async with self.world.database.write() as session:
            while await callback_service.assign_sequence(session):
                pass

    async def send(self, status: int) -> None:
        """One run of the callback worker, a day later; every other shop takes what it is told."""

        async def answer(sent: Sent) -> Answer:
            return Answer(status=status if sent.url == self.url else 200)

        world = self.world
        await world.advance(NEXT_DAY)
        world.transport.answer = answer
        await callback_service.deliver_due(world.database, world.transport, world.resources.cipher, world.clock)

    async def deliveries(self) -> list[tuple[int, str]]:
        """Id and state of what it was told, oldest first."""
        order_id = (await self.world.deal(self.incoming)).incoming.public_id
        async with self.world.database.read() as session:
            return await _deliveries(session, order_id)

    async def again(self) -> None:
        """By hand, the oldest."""
        first, _ = (await self.deliveries())[0]
        async with self.world.database.write() as session:
            await callback_service.resend(session, first, actor=self.world.staff)

    async def has(self, *states: str) -> None:
        expect(told=[state for _, state in await self.deliveries()] == list(states))


async def _deliveries(session: AnySession, order_id: UUID) -> list[tuple[int, str]]:
    statement = text("select id, state from callback_deliveries where public_order_id = :order order by id")
    return [(row[0], row[1]) for row in await session.execute(statement, {"order": order_id})]


async def cancelled(stage: Stage) -> Told:
    """One that was told once: before anybody was found for it."""
    url = f"https://shop-{new_id().hex}.example/hook"
    incoming = await stage.world.accept(amount(stage.world), callback_url=url)
    await stage.world.cancel(incoming)
    told = Told(stage, incoming, url)
    await told.number()
    await told.has("pending")
    return told


@walk()
async def a_shop_is_told_and_told_again(stage: Stage) -> Story:
    told = await cancelled(stage)
    yield
    await told.send(200)
    await told.has("delivered")
    yield
    await told.again()
    for _ in range(2):
        await told.send(500)
        await told.has("retrying")
    yield
    await told.send(200)
    await told.has("delivered")


@walk()
async def a_shop_never_answers(stage: Stage) -> Story:
    told = await cancelled(stage)
    for _ in range(ROUND):
        await told.send(500)
    await told.has("exhausted")
    yield
    await told.again()
    await told.has("pending")


@walk()
async def a_shop_s_address_is_gone(stage: Stage) -> Story:
    told = await cancelled(stage)
    yield
    await told.send(410)
    await told.has("disabled")
    yield
    await told.again()
    await told.send(500)
    yield
    await told.send(410)
    await told.has("disabled")


@walk("pending", "retrying")
async def something_newer_takes_its_place(stage: Stage, state: str) -> Story:
    url = f"https://shop-{new_id().hex}.example/hook"
    world = stage.world
    incoming = await world.accept(amount(world), callback_url=url)
    await world.process(incoming)
    told = Told(stage, incoming, url)
    await told.number()
    if state == "retrying":
        await told.send(500)
    await told.has(state)
    yield
    await world.cancel(incoming)
    await told.number()
    await told.has("skipped", "pending")
    yield
    await told.again()
    await told.has("pending", "pending")
