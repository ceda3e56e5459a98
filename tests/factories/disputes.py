"""The moves of a dispute, made by the real services in transactions of their own."""
# ruff: noqa: ANN401 - fields of what is said are of any type here

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from factories import people
from factories.people import CRYPTO
from factories.world import SYSTEM, World
from jivapay.database.locks import lock_deal_for_update
from jivapay.database.models.disputes import Dispute
from jivapay.database.models.people import MerchantStore
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import ActorKind, DepositNetwork, Direction, DisputeOutcome, OwnerType, Role
from jivapay.services import approval_service, balance_manager, deposit_service, dispute_service, order_status_manager
from jivapay.services.api_key_service import StoreContext
from jivapay.services.approval_service import ApprovalView
from jivapay.services.deposit_service import NewDeposit
from jivapay.services.dispute_service import Decision, NewDispute, Said
from jivapay.services.order_processor.acceptance import quote


async def merchant_of(world: World, store: StoreContext | None = None) -> Actor:
    store = store or world.store
    async with world.database.read() as session:
        merchant_id = (await session.get_one(MerchantStore, store.id)).merchant_id
        user_id = await session.scalar(text("select user_id from merchants where id = :id"), {"id": merchant_id})
    return Actor(ActorKind.USER, user_id, Role.MERCHANT, owner_id=merchant_id)


async def trader_of(world: World, incoming_id: int) -> Actor:
    order = await world.order(incoming_id)
    return next(one.actor for one in world.traders if one.id == order.trader_id)


async def another_admin(world: World) -> Actor:
    async with world.database.write() as session:
        return await people.add_admin(session)


async def open_dispute(
    world: World, incoming_id: int, actor: Actor | None = None, *, amount: str | None = None
) -> UUID:
    """By staff unless told otherwise; the dispute's public id."""
    order_id = (await world.deal(incoming_id)).incoming.public_id
    new = NewDispute("what happened", Decimal(amount) if amount else None)
    async with world.database.write() as session:
        made = await dispute_service.open_dispute(session, actor or world.staff, order_id, new, world.rules)
    return made.thing.dispute.public_id


async def claim_by_customer(world: World, incoming_id: int) -> UUID:
    async with world.database.write() as session:
        dispute = await dispute_service.open_dispute_by_customer(
            session, Actor.customer(), incoming_id, NewDispute("I have paid"), world.rules
        )
    return dispute.public_id


async def say(world: World, dispute_id: UUID, actor: Actor, **said: Any) -> str:
    """The dispute's status afterwards."""
    async with world.database.write() as session:
        view = await dispute_service.say(session, actor, dispute_id, Said("so it was", **said), world.rules)
    return view.dispute.status


async def resolve(
    world: World,
    dispute_id: UUID,
    outcome: str,
    *,
    amount: str | None = None,
    lends: bool = False,
    actor: Actor | None = None,
) -> str:
    """The dispute's status afterwards, or `approval` when a second person must decide."""
    decision = Decision(DisputeOutcome(outcome), "looked", Decimal(amount) if amount else None, lends)
    async with world.database.write() as session:
        made = await dispute_service.resolve_dispute(session, actor or world.staff, dispute_id, decision, world.rules)
    return "approval" if isinstance(made.thing, ApprovalView) else made.thing.dispute.status


async def approve(world: World, dispute_id: UUID, actor: Actor | None = None) -> str:
    """A second person approves what waits about this dispute; its status afterwards."""
    second = actor or await another_admin(world)
    row = await get(world, dispute_id)
    async with world.database.write() as session:
        waiting = await approval_service.find_open(session, dispute_service.RESOLVE, "dispute", row.id)
        if waiting is None:
            raise NotFound
        approval = await approval_service.take(session, second, waiting.public_id)
        await dispute_service.execute_resolution(session, second, approval, world.rules)
    return (await get(world, dispute_id)).status


async def lend(world: World, dispute_id: UUID) -> str:
    """The platform lends what a decided return waits for; two persons."""
    async with world.database.write() as session:
        await dispute_service.lend_for_dispute(session, world.staff, dispute_id, "lent", world.rules)
    return await approve(world, dispute_id)


async def get(world: World, dispute_id: UUID) -> Dispute:
    async with world.database.read() as session:
        row = await session.scalar(select(Dispute).where(Dispute.public_id == dispute_id))
    assert row is not None
    return row


async def expire_turns(world: World) -> int:
    return await dispute_service.expire_turns(world.database, SYSTEM, world.rules)


async def top_up(world: World) -> int:
    return await dispute_service.top_up_holds(world.database, SYSTEM, world.rules)


async def repay_covers(world: World) -> Decimal:
    """One run of the job; how much came back."""
    back = Decimal(0)
    async with world.database.read() as session:
        found = await balance_manager.list_repayable_covers(session)
    for cover_id in found:
        async with world.database.write() as session:
            back += await balance_manager.cover_repayment(session, cover_id)
    return back


async def is_blocked(world: World, owner: OwnerType, owner_id: int) -> bool:
    async with world.database.read() as session:
        return await balance_manager.is_blocked(session, (owner, owner_id))


async def deposit_to_store(world: World, amount: str, store: StoreContext | None = None) -> None:
    new = NewDeposit(
        OwnerType.STORE, (store or world.store).public_id, Decimal(amount), CRYPTO, DepositNetwork.TRON,
        f"{next(world.numbers):064x}", "7", "brought in",
    )  # fmt: skip
    async with world.database.write() as session:
        await deposit_service.request_deposit(session, world.staff, new, world.rules)


async def tie_up(world: World, amount: str, store: StoreContext | None = None) -> int:
    """The store asks for a pay-out whose hold, with its buffer of about a hundredth, is exactly this: so much is not
    available any more, for as long as nobody takes it. Gives its incoming order.
    """
    store = replace(store or world.store, pay_out_enabled=True, upper_limit=Decimal(10) ** 12)
    wanted = Decimal(amount)

    async def cost(fiat: Decimal) -> Decimal:
        async with world.database.read() as session:
            return (await quote(session, store, fiat, "card", world.rules, Direction.PAY_OUT)).store_net

    about = wanted * 100
    fiat = (about * wanted / await cost(about) * Decimal("0.99")).quantize(Decimal("0.01"), ROUND_DOWN)
    net = await cost(fiat)
    held = {"payout_rate_buffer_percent": (wanted - net) * 100 / net, "session_ttl_seconds": 300 * 86_400}
    return await world.accept_payout(fiat, store=store, rules=world.rules.model_copy(update=held))


async def release(world: World, incoming_id: int) -> None:
    """The pay-out is given up: its money is available again."""
    async with world.database.write() as session:
        deal = await lock_deal_for_update(session, incoming_id)
        await order_status_manager.cancel_waiting(session, world.store.actor, deal, "given up", world.rules)
