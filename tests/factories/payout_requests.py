"""Payout requests that the platform's own pay-out orders carry out, moved as store, worker and trader would."""

from decimal import Decimal
from typing import Any

from factories.payout_moves import SYSTEM
from factories.world import World
from jivapay.config.crypto import Cipher
from jivapay.schemas_enums.enums import PayoutExecutor, PayoutStatus
from jivapay.services import payout_service
from jivapay.services.api_key_service import StoreContext
from jivapay.services.payout_service import NewPayout, Terms

CARD = {"card": "4276 3800 1234 5679", "holder": "Петрова Анна Ивановна"}

SPOILT = [("key", "encryption.unknown_key"), ("bytes", "encryption.tampered")]
"""What is wrong with a recipient that cannot be read any more, and its code."""


async def request_payout(
    world: World,
    amount: Decimal = Decimal("4750.00"),
    *,
    executor: PayoutExecutor = PayoutExecutor.JIVAPAY,
    store: StoreContext | None = None,
    **details: Any,  # noqa: ANN401 - whatever a store says about a recipient
) -> int:
    """Asked for by the store, and no more."""
    new = NewPayout(123, amount, "RUB", details or CARD)
    terms = Terms(executor, world.resources.cipher, world.rules)
    async with world.database.write() as session:
        return (await payout_service.create_payout(session, store or world.store, new, terms)).thing.id


async def execute(world: World, payout_id: int) -> PayoutStatus | None:
    """As a worker does."""
    return await payout_service.execute_payout(world.database, world.resources.cipher, payout_id, SYSTEM, world.rules)


async def execute_told(world: World) -> list[PayoutStatus]:
    """What a worker makes of every word about payouts that has not been passed on yet, where there is something."""
    told = await world.scalar("select array_agg(ref_id order by id) from outbox where topic = 'payout.process'")
    await world.execute("delete from outbox where topic = 'payout.process'")
    done = [await execute(world, payout_id) for payout_id in told or []]
    return [status for status in done if status is not None]


async def set_status(world: World, payout_id: int, status: PayoutStatus, store: StoreContext | None = None) -> None:
    async with world.database.write() as session:
        await payout_service.set_payout_status(session, store or world.store, payout_id, status, world.rules)


async def delete(world: World, payout_id: int) -> None:
    async with world.database.write() as session:
        await payout_service.delete_payout(session, world.store, payout_id, world.rules)


async def order_of(world: World, payout_id: int) -> int:
    """The newest incoming order of a request that has one."""
    found = "select max(id) from incoming_orders where payout_id = :id"
    return int(await world.scalar(found, id=payout_id))


async def ordered_payout(
    world: World, amount: Decimal = Decimal("4750.00"), store: StoreContext | None = None
) -> tuple[int, int]:
    """A request and its order, which waits for a trader."""
    payout_id = await request_payout(world, amount, store=store)
    assert await execute(world, payout_id) is PayoutStatus.PENDING
    return payout_id, await order_of(world, payout_id)


async def status_of(world: World, payout_id: int, store: StoreContext | None = None) -> tuple[str, str | None]:
    async with world.database.read() as session:
        payout = await payout_service.get_payout(session, store or world.store, payout_id)
    return payout.status, payout.failure_reason


async def spoil(world: World, payout_id: int, how: str) -> bytes:
    """Make its recipient unreadable, as `SPOILT` says; what it was before."""
    kept: bytes = await world.scalar("select recipient_sealed from payouts where id = :id", id=payout_id)
    altered = kept[:-1] + bytes([kept[-1] ^ 1])
    sealed = altered if how == "bytes" else Cipher({"lost": bytes(32)}, b"index").encrypt("{}", "another")
    await seal_again(world, payout_id, sealed)
    return kept


async def seal_again(world: World, payout_id: int, sealed: bytes) -> None:
    await world.execute("update payouts set recipient_sealed = :sealed where id = :id", id=payout_id, sealed=sealed)


async def reports_of_unreadable(world: World) -> int:
    told = "select count(*) from audit_log where action = 'payout.unreadable' and level = 'ERROR'"
    return int(await world.scalar(told))
