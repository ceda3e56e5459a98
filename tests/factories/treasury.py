"""People who take money out of a world and those who send it: over the services, or signed in at every door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from factories import people
from factories.office import Office, Person, open_office
from factories.people import CRYPTO
from factories.world import World
from jivapay.database.models.people import Merchant, MerchantStore, User
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import ActorKind, DepositNetwork, Role
from jivapay.services import approval_service, withdrawal_service
from jivapay.services.withdrawal_service import NewWithdrawal, WithdrawalView

ADDRESS = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
OTHER_ADDRESS = "T9yED5xMV5ARV98BexN97aLZ1UUq7eKSxm"
FEE = Decimal(2)
"""What a withdrawal over Tron pays, by default."""


@dataclass
class Till:
    """A world whose trader has an address that may be used, and staff enough for two persons and a sender."""

    world: World
    first: Actor
    second: Actor
    sender: Actor
    address_id: UUID

    @property
    def owner(self) -> Actor:
        return self.world.trader.actor

    async def request(self, amount: Decimal = Decimal(100), address_id: UUID | None = None) -> UUID:
        async with self.world.database.write() as session:
            new = NewWithdrawal(amount, CRYPTO, address_id or self.address_id)
            made = await withdrawal_service.request_withdrawal(session, self.owner, new, self.world.rules)
        return made.thing.withdrawal.public_id

    async def approve(self, withdrawal_id: UUID, by: Actor | None = None) -> str:
        """The withdrawal's status afterwards, or the approval's that waits."""
        async with self.world.database.write() as session:
            decided = await withdrawal_service.approve_withdrawal(
                session, by or self.first, withdrawal_id, "looked", self.world.rules
            )
            row = decided.withdrawal if isinstance(decided, WithdrawalView) else decided.approval
            return row.status if isinstance(decided, WithdrawalView) else f"approval {row.status}"

    async def agree(self, withdrawal_id: UUID, by: Actor | None = None) -> None:
        """The second person says yes to whatever waits. Raises NotFound when nothing does any more."""
        async with self.world.database.read() as session:
            waiting = (await withdrawal_service.get_withdrawal(session, withdrawal_id)).approval_id
        if waiting is None:
            raise NotFound
        async with self.world.database.write() as session:
            approval = await approval_service.take(session, by or self.second, waiting)
            execute = {
                "withdrawal.approve": withdrawal_service.execute_approval,
                "withdrawal.return": withdrawal_service.execute_return,
            }[approval.action]
            await execute(session, by or self.second, approval, self.world.rules)

    async def reject(self, withdrawal_id: UUID) -> None:
        async with self.world.database.write() as session:
            await withdrawal_service.reject_withdrawal(session, self.first, withdrawal_id, "no")

    async def cancel(self, withdrawal_id: UUID, by: Actor | None = None) -> None:
        async with self.world.database.write() as session:
            await withdrawal_service.cancel_withdrawal(session, by or self.owner, withdrawal_id)

    async def claim(self, withdrawal_id: UUID, by: Actor | None = None) -> None:
        async with self.world.database.write() as session:
            await withdrawal_service.claim_withdrawal(session, by or self.sender, withdrawal_id)

    async def send(self, withdrawal_id: UUID, tx_hash: str | None = None, by: Actor | None = None) -> None:
        async with self.world.database.write() as session:
            await withdrawal_service.send_withdrawal(
                session, by or self.sender, withdrawal_id, tx_hash or f"{next(self.world.numbers):064x}"
            )

    async def give_back(self, withdrawal_id: UUID, by: Actor | None = None) -> None:
        """Nothing has left, says one person."""
        async with self.world.database.write() as session:
            await withdrawal_service.return_withdrawal(
                session, by or self.sender, withdrawal_id, "the wallet was empty", self.world.rules
            )

    async def status(self, withdrawal_id: UUID) -> str:
        async with self.world.database.read() as session:
            return (await withdrawal_service.get_withdrawal(session, withdrawal_id)).withdrawal.status


async def make_till(world: World) -> Till:
    """The address may be used at once."""
    ready = world.rules.model_copy(update={"withdrawal_address_cooling_seconds": 0})
    async with world.database.write() as session:
        staff = [await people.add_admin(session) for _ in range(3)]
        row = await withdrawal_service.add_address(
            session, world.trader.actor, DepositNetwork.TRON, ADDRESS, "mine", ready
        )
    return Till(world, *staff, row.public_id)


async def merchant_of(world: World) -> Actor:
    async with world.database.read() as session:
        merchant = await session.scalar(
            select(Merchant)
            .join(MerchantStore, MerchantStore.merchant_id == Merchant.id)
            .where(MerchantStore.id == world.store.id)
        )
        assert merchant is not None
    return Actor(ActorKind.USER, merchant.user_id, Role.MERCHANT, owner_id=merchant.id)


@dataclass
class Counter:
    """The same world behind every door."""

    world: World
    office: Office

    async def trader(self) -> Person:
        trader = self.world.trader
        return await self.office.enter(trader.user_id, trader.user_public_id, Role.TRADER)

    async def merchant(self) -> Person:
        actor = await merchant_of(self.world)
        async with self.world.database.read() as session:
            user = await session.get_one(User, actor.id)
        return await self.office.enter(user.id, user.public_id, Role.MERCHANT)

    async def address(self, person: Person, address: str = ADDRESS) -> str:
        """One that may be used at once."""
        cooling = self.world.rules.withdrawal_address_cooling_seconds
        await self.world.change_settings(WITHDRAWAL_ADDRESS_COOLING_SECONDS=0)
        made = await person.post("/withdrawal-addresses", json={"network": "tron", "address": address, "label": "mine"})
        assert made.status_code == 201, made.text
        await self.world.change_settings(WITHDRAWAL_ADDRESS_COOLING_SECONDS=cooling)
        return str(made.json()["id"])


@asynccontextmanager
async def open_counter(world: World) -> AsyncIterator[Counter]:
    async with open_office(world.resources) as office:
        yield Counter(world, office)
