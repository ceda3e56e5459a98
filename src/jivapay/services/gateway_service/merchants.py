"""Orders that a merchant makes or confirms by hand in the name of one of his stores (OSV-05, E12, E13)."""

from uuid import UUID

from sqlalchemy import ColumnElement, select

from jivapay.database.models.orders import IncomingOrder
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import Direction
from jivapay.schemas_enums.gateway import PayinInitiateSession, PayinRead
from jivapay.schemas_enums.orders import MerchantOrderCreate
from jivapay.services.api_key_service import StoreContext
from jivapay.services.gateway_service.confirming import Brought, confirm_deal
from jivapay.services.gateway_service.payin import (
    Answer,
    get_incoming_order_status,
    initiate_payment_session,
)
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.utils.resources import Resources


async def create_order_from_incoming(
    resources: Resources, actor: Actor, asked: MerchantOrderCreate, claim: IdempotencyClaim | None
) -> Answer[PayinRead]:
    """An order with a payment page, to be sent to the customer. Raises NotFound for another merchant's store."""
    async with resources.database.read() as session:
        store = await _own_store(session, actor, MerchantStore.public_id == asked.store_id)
    fields = asked.model_dump(exclude={"store_id"})  # checked already: to be read as a request it would have to be text
    return await initiate_payment_session(resources, store, PayinInitiateSession.model_construct(**fields), claim)


async def confirm_payment_for_merchant(
    resources: Resources, actor: Actor, order_id: UUID, brought: Brought
) -> Made[PayinRead]:
    """The merchant says that his customer has paid, or how much. Raises as `confirm_payin`."""
    async with resources.database.read() as session:
        incoming = await session.scalar(
            select(IncomingOrder).where(
                IncomingOrder.public_id == order_id, IncomingOrder.direction == Direction.PAY_IN
            )
        )
        if incoming is None:
            raise NotFound
        store = await _own_store(session, actor, MerchantStore.id == incoming.store_id)
    replayed = await confirm_deal(resources, actor, incoming.id, brought, receipt_required=store.receipt_required)
    return Made(await get_incoming_order_status(resources, store, str(order_id), by="order_id"), replayed)


async def _own_store(session: AnySession, actor: Actor, which: ColumnElement[bool]) -> StoreContext:
    row = await session.scalar(
        select(MerchantStore).where(
            which, MerchantStore.merchant_id == actor.owner_id, MerchantStore.archived_at.is_(None)
        )
    )
    if row is None:
        raise NotFound
    return StoreContext.of(row, key_id="", actor=actor)
