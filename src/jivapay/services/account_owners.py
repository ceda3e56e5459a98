"""Owners of money by the names people use for them, both ways: what staff name, and what is shown of a row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select

from jivapay.database.models.people import MerchantStore, Trader, User
from jivapay.database.session import AnySession
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import OwnerType


@dataclass(frozen=True, slots=True)
class AccountOwner:
    """The internal id, the currency of his crypto account, and whether he is of the test world."""

    id: int
    currency: str
    test: bool


@dataclass(frozen=True, slots=True)
class Names:
    """Public ids: of users, and of the owners of money; the platform has none."""

    users: Mapping[int, UUID]
    owners: Mapping[tuple[str, int | None], UUID]

    def user(self, user_id: int | None) -> UUID | None:
        return None if user_id is None else self.users[user_id]


async def get_names(
    session: AnySession, user_ids: Collection[int | None], owners: Collection[tuple[str, int | None]]
) -> Names:
    """Of people by their internal ids and of owners by type and internal id, in two queries."""
    traders = [owner_id for owner_type, owner_id in owners if owner_type == OwnerType.TRADER]
    stores = [owner_id for owner_type, owner_id in owners if owner_type == OwnerType.STORE]
    people = await session.execute(
        select(User.id, User.public_id, Trader.id)
        .outerjoin(Trader, Trader.user_id == User.id)
        .where(or_(User.id.in_([user_id for user_id in user_ids if user_id is not None]), Trader.id.in_(traders)))
    )
    users: dict[int, UUID] = {}
    named: dict[tuple[str, int | None], UUID] = {}
    for user_id, public_id, trader_id in people:
        users[user_id] = public_id
        if trader_id is not None:
            named[OwnerType.TRADER, trader_id] = public_id
    found = await session.execute(select(MerchantStore.id, MerchantStore.public_id).where(MerchantStore.id.in_(stores)))
    for store_id, public_id in found:
        named[OwnerType.STORE, store_id] = public_id
    return Names(users, named)


async def get_account_owner(
    session: AnySession, owner_type: OwnerType, public_id: UUID | None, *, archived_too: bool
) -> AccountOwner:
    """A trader by his user's public id, a store by its own. Raises NotFound.

    `archived_too`: what is brought in goes to nobody who has left, what is set right may be his.
    """
    if owner_type is OwnerType.TRADER:
        statement = (
            select(Trader.id, Trader.crypto_currency, Trader.test)
            .join(User, User.id == Trader.user_id)
            .where(User.public_id == public_id)
        )
    else:
        statement = select(MerchantStore.id, MerchantStore.crypto_currency, MerchantStore.test).where(
            MerchantStore.public_id == public_id
        )
        if not archived_too:
            statement = statement.where(MerchantStore.archived_at.is_(None))
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    return AccountOwner(*row)
