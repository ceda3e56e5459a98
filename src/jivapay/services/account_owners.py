"""Whom staff mean when they name a trader or a store as the owner of money: one look-up for everything they record."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

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
