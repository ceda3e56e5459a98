"""Walks through the printed tables: each a short story by the moves of the world, together every transition.

A walk pauses (`yield`) after each move. `test_tables.py` tells one after the other to its end, on one quiet platform
where everything must come as told. `test_model.py` makes moves of its own at every pause, its own walks being what
somebody does on a platform where anything may come between: there `Otherwise` only ends the walk.
Each asks for an amount of its own (`World.numbers`) and undoes what it switched.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from factories import approvals
from factories.disputes import another_admin
from factories.treasury import Till, make_till
from factories.world import SYSTEM, World
from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import lock_deal_for_update
from jivapay.domain.actors import Actor
from jivapay.domain.outcomes import Assigned, Denied, NeedsReview, NoRequisite
from jivapay.schemas_enums.enums import OrderStatus
from jivapay.services import order_processor, order_service, order_status_manager
from jivapay.services.api_key_service import StoreContext
from jivapay.services.approval_service import ApprovalView
from jivapay.services.fraud_detector import customer_entry
from jivapay.services.order_service import Decision


@dataclass(frozen=True)
class Stage:
    """A world and the people that walks need besides its own: a second person, and a till."""

    world: World
    second: Actor
    till: Till
    stores: tuple[StoreContext, ...]


async def make_stage(world: World, *stores: StoreContext) -> Stage:
    """`stores` are those that the world has besides its first one."""
    return Stage(world, await another_admin(world), await make_till(world), (world.store, *stores))


Story = AsyncGenerator[None, None]
Walk = Callable[[Stage], Story]
WALKS: dict[str, Walk] = {}

NOWHERE = {"bank": "alfa"}
"""No requisite of this platform is at this bank."""
A_WHILE = 60
"""Longer than the pause before any of the first attempts."""


class Otherwise(Exception):
    """Somebody or something was there before."""


def expect(*, told: bool) -> None:
    """Raises Otherwise."""
    if not told:
        raise Otherwise


def walk(*cases: Any) -> Callable[[Callable[..., Story]], None]:  # noqa: ANN401 - whatever a story is about
    """A story, or one for each of `cases`, which it is told with."""

    def keep(story: Callable[..., Story]) -> None:
        for case in cases:
            given = case if isinstance(case, tuple) else (case,)
            name = " ".join([story.__name__, *map(str, given)])
            WALKS[name] = lambda stage, given=given: story(stage, *given)
        if not cases:
            WALKS[story.__name__] = story

    return keep


def amount(world: World) -> Decimal:
    return Decimal(1000 + next(world.numbers))


async def assigned(world: World, asked: Decimal | None = None, **fields: Any) -> int:  # noqa: ANN401 - as accepted
    incoming = await world.accept(asked or amount(world), **fields)
    expect(told=isinstance(await world.process(incoming), Assigned))
    return incoming


async def waits_nowhere(world: World) -> int:
    return await world.accept(amount(world), **NOWHERE)


async def reviewed(world: World) -> int:
    """Too much for the rules of this world, and not so much that it is denied."""
    incoming = await world.accept(world.rules.fraud_manual_review_threshold["RUB"] + next(world.numbers))
    expect(told=isinstance(await world.process(incoming), NeedsReview))
    return incoming


async def block(world: World, customer: str) -> None:
    async with world.database.write() as session:
        await session.execute(
            text(
                "insert into fraud_list_entries (kind, list_type, value, reason)"
                " values ('customer', 'block', :v, 'x') on conflict do nothing"
            ),
            {"v": customer_entry(world.store.id, customer)},
        )


async def decide(stage: Stage, incoming: int, outcome: OrderStatus, *, lets: bool = True) -> None:
    """A person's decision about an order that waits for one, and a second person's where it takes two."""
    world = stage.world
    order_id = (await world.deal(incoming)).incoming.public_id
    async with world.database.write() as session:
        decided = await order_service.decide_case(
            session, world.staff, order_id, Decision(outcome, "looked"), world.rules
        )
    if isinstance(decided, ApprovalView):
        await (approvals.approve if lets else approvals.reject)(world, stage.second, decided.approval.public_id)


async def has_status(world: World, incoming: int, status: str) -> None:
    expect(told=(await world.statuses(incoming))[1] == status)


async def fall_silent(world: World, incoming: int) -> None:
    """The trader has been told, and does not answer."""
    await world.advance(world.rules.trader_confirm_seconds + 1)
    await world.expire_due()
    await has_status(world, incoming, "requires_attention")


async def lapse(world: World, incoming: int) -> None:
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    await has_status(world, incoming, "expired")


async def leave(world: World, incoming: int, left_by: str) -> None:
    if left_by == "expired":
        await lapse(world, incoming)
    else:
        await world.cancel(incoming)


async def give_up(world: World, incoming: int, ending: str) -> None:
    """Before a requisite was found."""
    if ending == "cancelled":
        await world.cancel(incoming)
    else:
        await world.advance(world.rules.session_ttl_seconds + 1)
        await world.expire_due()
    expect(told=(await world.statuses(incoming))[0] == ending)


@asynccontextmanager
async def changed(world: World, **settings: object) -> AsyncIterator[None]:
    """Settings that are put back, also when a walk ends in the middle."""
    before: BusinessSettings = world.rules
    await world.change_settings(**settings)
    try:
        yield
    finally:
        await world.change_settings(**{name: getattr(before, name.lower()) for name in settings})


@walk()
async def a_pay_in_as_it_should_be(stage: Stage) -> Story:
    world = stage.world
    incoming = await assigned(world)
    yield
    await world.confirm_by_customer(incoming)
    yield
    await world.confirm_by_trader(incoming)


@walk()
async def nobody_can_take_it(stage: Stage) -> Story:
    world = stage.world
    async with changed(world, MAX_ORDER_RETRIES=3):
        incoming = await waits_nowhere(world)
        for _ in range(3):
            yield
            expect(told=isinstance(await world.process(incoming), NoRequisite))
            await world.advance(A_WHILE)
    expect(told=(await world.statuses(incoming))[0] == "failed")


@walk()
async def somebody_can_after_a_while(stage: Stage) -> Story:
    world = stage.world
    incoming = await waits_nowhere(world)
    expect(told=isinstance(await world.process(incoming), NoRequisite))
    yield
    await world.add_requisite(world.trader, bank="alfa")
    try:
        await world.advance(A_WHILE)
        expect(told=isinstance(await world.process(incoming), Assigned))
    finally:
        async with world.database.write() as session:
            await session.execute(text("update requisites set status = 'blocked' where bank = 'alfa'"))


@walk(False, True)
async def a_blocked_customer_is_denied(stage: Stage, was_tried: bool) -> Story:
    world = stage.world
    customer = f"blocked-{was_tried}-{next(world.numbers)}"
    incoming = await world.accept(amount(world), customer_id=customer, **NOWHERE)
    if was_tried:
        await world.process(incoming)
        yield
        await world.advance(A_WHILE)
    await block(world, customer)
    yield
    expect(told=isinstance(await world.process(incoming), Denied))


@walk("approved", "rejected", "cancelled", "expired")
async def a_large_one_goes_to_a_person(stage: Stage, ending: str) -> Story:
    world = stage.world
    incoming = await reviewed(world)
    yield
    if ending in {"approved", "rejected"}:
        await world.decide_review(incoming, approve=ending == "approved")
    else:
        await give_up(world, incoming, ending)


@walk()
async def a_person_is_asked_while_it_waits(stage: Stage) -> Story:
    """The thresholds are lowered after its first attempt."""
    world = stage.world
    incoming = await waits_nowhere(world)
    await world.process(incoming)
    yield
    async with changed(world, FRAUD_MANUAL_REVIEW_THRESHOLD={"RUB": Decimal(1)}):
        await world.advance(A_WHILE)
        expect(told=isinstance(await world.process(incoming), NeedsReview))
    yield
    await world.cancel(incoming)


@walk((False, "cancelled"), (True, "cancelled"), (False, "expired"), (True, "expired"))
async def it_ends_before_anybody_was_found(stage: Stage, was_tried: bool, ending: str) -> Story:
    world = stage.world
    incoming = await waits_nowhere(world)
    if was_tried:
        yield
        await world.process(incoming)
    yield
    await give_up(world, incoming, ending)


@walk()
async def an_attempt_is_lost(stage: Stage) -> Story:
    world = stage.world
    incoming = await world.accept(amount(world))
    yield
    error = ConnectionError("lost")
    await order_processor.record_failure(world.database, incoming, error, world.rules, SYSTEM)
    yield
    await world.cancel(incoming)


@walk()
async def the_trader_is_first(stage: Stage) -> Story:
    incoming = await assigned(stage.world)
    yield
    await stage.world.confirm_by_trader(incoming)


async def bring_receipt(world: World, incoming: int) -> None:
    """The one that could not be stored at confirmation."""
    async with world.database.write() as session:
        deal = await lock_deal_for_update(session, incoming)
        await order_status_manager.attach_receipt(session, Actor.customer(), deal)


@walk("stored", "settled", "cancelled", "failed")
async def the_receipt_cannot_be_stored(stage: Stage, then: str) -> Story:
    world = stage.world
    incoming = await assigned(world)
    yield
    await world.confirm_by_customer(incoming, receipt_lost=True)
    yield
    if then in {"stored", "settled"}:
        if then == "stored":
            await bring_receipt(world, incoming)
            yield
        await world.confirm_by_trader(incoming)
        return
    await fall_silent(world, incoming)
    yield
    await decide(stage, incoming, OrderStatus(then))


@walk(OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.FAILED)
async def the_trader_is_silent_and_a_person_decides(stage: Stage, outcome: OrderStatus) -> Story:
    world = stage.world
    incoming = await assigned(world)
    yield
    await world.confirm_by_customer(incoming)
    yield
    await fall_silent(world, incoming)
    yield
    await decide(stage, incoming, outcome)


@walk()
async def staff_cancels_before_the_trader_answers(stage: Stage) -> Story:
    world = stage.world
    incoming = await assigned(world)
    await world.confirm_by_customer(incoming)
    yield
    await decide(stage, incoming, OrderStatus.CANCELLED)
    expect(told=await world.statuses(incoming) == ("cancelled", "cancelled", "cancelled"))


@walk()
async def the_second_check_asks_for_a_person(stage: Stage) -> Story:
    world = stage.world
    customer = f"watched-{next(world.numbers)}"
    incoming = await assigned(world, customer_id=customer)
    yield
    await block(world, customer)
    await world.advance(world.rules.session_ttl_seconds + 1)
    await world.confirm_by_customer(incoming)
    await has_status(world, incoming, "requires_attention")
    yield
    await decide(stage, incoming, OrderStatus.CANCELLED)


THEN = ("receipt", "trader", "receipt of somebody blocked")


@walk(*((left_by, then) for left_by in ("expired", "cancelled") for then in THEN))
async def it_lapses_or_is_cancelled_and_the_money_comes_after_all(stage: Stage, left_by: str, then: str) -> Story:
    world = stage.world
    customer = f"{left_by}-{then}-{next(world.numbers)}"
    incoming = await assigned(world, customer_id=customer)
    yield
    await leave(world, incoming, left_by)
    yield
    if then == "trader":
        await world.confirm_by_trader(incoming)
        return
    if then != "receipt":
        await block(world, customer)
        await world.advance(world.rules.session_ttl_seconds)
    await world.confirm_by_customer(incoming, receipt=True)
    yield
    if then == "receipt":
        await world.confirm_by_trader(incoming)
    else:
        await has_status(world, incoming, "requires_attention")
        await decide(stage, incoming, OrderStatus.FAILED)
