"""A store's postings of a sealed day, with what proves that they are in it and that none is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.domain.chain_heads import SignedHead
from jivapay.schemas_enums.enums import OwnerType
from jivapay.services import balance_manager, chain_heads
from jivapay.services.chain_heads import AccountProof
from jivapay.services.merchant_service.stores import get_merchant_store


@dataclass(frozen=True, slots=True)
class StoreProof:
    head: SignedHead
    accounts: Sequence[AccountProof]


async def get_store_proof(session: AnySession, actor: Actor, public_id: UUID, day: date) -> StoreProof:
    """Raises NotFound for somebody else's store, and as `chain_heads.get_head`."""
    store = (await get_merchant_store(session, actor, public_id, archived_too=True)).store
    head = await chain_heads.get_head(session, day)
    accounts = await balance_manager.list_account_ids(session, OwnerType.STORE, store.id)
    return StoreProof(chain_heads.signed(head), await chain_heads.prove(session, head, accounts))
