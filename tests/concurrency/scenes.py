"""Who may pull at one deal at once: the deals, as each of them stands in its scene, and the moves made on them.

`alive` are the moves that would do something if they were made alone, `beside` those that are refused there and must
change nothing about whoever they meet. Everything goes through the services' own checks, as at the doors.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from factories import approvals, disputes
from factories.payout_moves import stored_receipt
from factories.people import TraderHere
from factories.world import SYSTEM, World
from jivapay.domain.actors import Actor
from jivapay.domain.outcomes import NeedsReview
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import Direction, OrderStatus
from jivapay.services import approval_service, dispute_service, order_service
from jivapay.services.order_service import Decision
from jivapay.services.order_service.cases import DECIDE

SHORT = 5
"""Seconds: the clock of a scene in which time is over."""
REVIEWED = Decimal(600_000)


@dataclass(frozen=True)
class Case:
    """One deal, with all that the moves need: looked up before the race, so that nobody looks twice."""

    world: World
    second: Actor
    incoming: int
    order_id: UUID
    trader: TraderHere
    direction: Direction
    dispute: UUID | None = None
    approval: UUID | None = None


Move = Callable[[Case], Awaitable[object]]


# The moves


async def confirm(case: Case) -> None:
    """The trader has the money, or has paid it out and shows his receipt."""
    receipt = stored_receipt() if case.direction is Direction.PAY_OUT else None
    async with case.world.database.write() as session:
        await order_service.confirm_order_for_trader(
            session, case.trader.actor, case.order_id, case.world.rules, receipt=receipt
        )


async def press(case: Case) -> None:
    """The payer says that he has paid."""
    await case.world.confirm_by_customer(case.incoming)


async def cancel(case: Case) -> None:
    """The store changes its mind."""
    await case.world.cancel(case.incoming)


async def time_out(case: Case) -> None:
    """Everything the scheduler ends."""
    await case.world.expire_due()
    await disputes.expire_turns(case.world)
    await approval_service.lapse_overtaken(case.world.database, SYSTEM)


async def dispute(case: Case) -> None:
    await disputes.open_dispute(case.world, case.incoming, case.second)


async def resolve(case: Case) -> None:
    """Staff says that nothing was paid."""
    if case.dispute is not None:
        await disputes.resolve(case.world, case.dispute, "cancelled")
        return
    decision = Decision(OrderStatus.CANCELLED, "looked")
    async with case.world.database.write() as session:
        await order_service.decide_case(session, case.world.staff, case.order_id, decision, case.world.rules)


async def accept(case: Case) -> None:
    async with case.world.database.write() as session:
        await order_service.accept_order_for_trader(
            session, case.trader.actor, case.order_id, case.world.rules, case.world.resources.cipher
        )


async def decline(case: Case) -> None:
    async with case.world.database.write() as session:
        await order_service.decline_order_for_trader(session, case.trader.actor, case.order_id, "no", case.world.rules)


async def approve(case: Case) -> None:
    """What a rule has stopped, or what waits for a second person."""
    if case.approval is None:
        await case.world.decide_review(case.incoming, approve=True)
    else:
        await approvals.approve(case.world, case.second, case.approval)


async def reject(case: Case) -> None:
    if case.approval is None:
        await case.world.decide_review(case.incoming, approve=False)
    else:
        await approvals.reject(case.world, case.second, case.approval)


NINE: tuple[Move, ...] = (confirm, cancel, time_out, dispute, resolve, accept, decline, approve, reject)
"""The moves that must have been tried in every pair."""


# The scenes


def new_amount(world: World) -> Decimal:
    return Decimal(1000 + next(world.numbers))


async def _case(world: World, second: Actor, incoming: int, **found: UUID | None) -> Case:
    deal = await world.deal(incoming)
    owner = next((one for one in world.traders if deal.order and one.id == deal.order.trader_id), world.trader)
    return Case(
        world, second, incoming, deal.incoming.public_id, owner, Direction(deal.incoming.direction), **found
    )  # fmt: skip


async def _waiting_approval(world: World, action: str, incoming: int, case: UUID | None = None) -> UUID:
    entity = "order" if case is None else "dispute"
    about = (await world.order(incoming)).id if case is None else (await disputes.get(world, case)).id
    async with world.database.read() as session:
        waiting = await approval_service.find_open(session, action, entity, about)
    if waiting is None:
        raise NotFound
    return waiting.public_id


async def pay_in_whose_time_is_over(world: World, second: Actor) -> Case:
    incoming = await world.assign(new_amount(world))
    await world.advance(SHORT + 0.1, fresh_rate=False)
    return await _case(world, second, incoming)


async def pay_in_that_its_trader_has_not_answered(world: World, second: Actor) -> Case:
    incoming = await world.assign(new_amount(world))
    await world.confirm_by_customer(incoming)
    await world.advance(SHORT + 0.1, fresh_rate=False)
    return await _case(world, second, incoming)


async def pay_in_stopped_by_a_rule(world: World, second: Actor) -> Case:
    """Its session is over, too."""
    incoming = await world.accept(REVIEWED)
    assert isinstance(await world.process(incoming), NeedsReview)
    await world.advance(SHORT + 0.1, fresh_rate=False)
    return await _case(world, second, incoming)


async def case_that_waits_for_a_second_person(world: World, second: Actor) -> Case:
    """The trader was silent, and one person has decided that nothing was paid."""
    incoming = await world.assign(new_amount(world))
    await world.confirm_by_customer(incoming)
    await world.advance(SHORT + 0.1, fresh_rate=False)
    await world.expire_due()
    case = await _case(world, second, incoming)
    await resolve(case)
    return await _case(world, second, incoming, approval=await _waiting_approval(world, DECIDE, incoming))


async def disputed_pay_in(world: World, second: Actor) -> Case:
    """The trader's turn is over."""
    incoming = await world.assign(new_amount(world))
    opened = await disputes.open_dispute(world, incoming, await disputes.merchant_of(world))
    await world.advance(SHORT + 0.1, fresh_rate=False)
    return await _case(world, second, incoming, dispute=opened)


async def disputed_pay_in_with_a_decision(world: World, second: Actor) -> Case:
    return await _decided(await disputed_pay_in(world, second))


async def pay_out_that_nobody_has_accepted(world: World, second: Actor) -> Case:
    incoming = await world.offer_payout(new_amount(world))
    await world.advance(SHORT + 0.1, fresh_rate=False)
    return await _case(world, second, incoming)


async def pay_out_that_was_accepted(world: World, second: Actor) -> Case:
    incoming = await world.offer_payout(new_amount(world))
    await world.take_payout(incoming)
    await world.advance(SHORT + 0.1, fresh_rate=False)
    return await _case(world, second, incoming)


async def disputed_pay_out(world: World, second: Actor) -> Case:
    incoming = await world.offer_payout(new_amount(world))
    await world.take_payout(incoming)
    return await _case(world, second, incoming, dispute=await disputes.open_dispute(world, incoming))


async def disputed_pay_out_with_a_decision(world: World, second: Actor) -> Case:
    return await _decided(await disputed_pay_out(world, second))


async def _decided(case: Case) -> Case:
    await resolve(case)
    approval = await _waiting_approval(case.world, dispute_service.RESOLVE, case.incoming, case.dispute)
    return await _case(case.world, case.second, case.incoming, dispute=case.dispute, approval=approval)


@dataclass(frozen=True)
class Scene:
    set_up: Callable[[World, Actor], Awaitable[Case]]
    alive: tuple[Move, ...]
    beside: tuple[Move, ...] = ()
    of: Direction = Direction.PAY_IN
    settings: tuple[str, ...] = ()
    """Clocks that are `SHORT` here."""
    second_person: bool = False
    """Nothing is decided by one person here."""


SCENES = (
    Scene(
        pay_in_whose_time_is_over,
        (confirm, cancel, time_out, dispute, press),
        settings=("CLIENT_PAY_SECONDS",),
    ),
    Scene(
        pay_in_that_its_trader_has_not_answered,
        (confirm, time_out, dispute, resolve),
        settings=("TRADER_CONFIRM_SECONDS",),
    ),
    Scene(pay_in_stopped_by_a_rule, (approve, reject, cancel, time_out), settings=("SESSION_TTL_SECONDS",)),
    Scene(
        case_that_waits_for_a_second_person,
        (approve, reject, confirm, dispute),
        beside=(resolve,),
        settings=("TRADER_CONFIRM_SECONDS",),
        second_person=True,
    ),
    Scene(
        disputed_pay_in,
        (resolve, time_out),
        beside=(cancel, confirm),
        settings=("DISPUTE_ANSWER_SECONDS",),
    ),
    Scene(disputed_pay_in_with_a_decision, (approve, reject), beside=(resolve,), second_person=True),
    Scene(
        pay_out_that_nobody_has_accepted,
        (accept, decline, cancel, time_out),
        beside=(confirm, dispute),
        of=Direction.PAY_OUT,
        settings=("PAYOUT_ACCEPT_SECONDS",),
    ),
    Scene(
        pay_out_that_was_accepted,
        (confirm, time_out, dispute),
        beside=(cancel, accept, decline),
        of=Direction.PAY_OUT,
        settings=("PAYOUT_PAY_SECONDS",),
    ),
    Scene(disputed_pay_out, (resolve,), beside=(accept, decline), of=Direction.PAY_OUT),
    Scene(
        disputed_pay_out_with_a_decision,
        (approve, reject),
        beside=(accept, decline),
        of=Direction.PAY_OUT,
        second_person=True,
    ),
)
