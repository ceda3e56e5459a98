"""What a trader does with his own orders: accepts, declines, confirms, gives up. Each once for an `Idempotency-Key`.

The recipient of a pay-out is read by nobody but the trader who has accepted it, while he is to pay, and each time it
is noted (hard case 29).
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.enums import Direction, DocumentKind, OrderStatus
from jivapay.schemas_enums.orders import TraderOrderRead
from jivapay.services import (
    audit_service,
    document_service,
    freeze_service,
    idempotency,
    order_processor,
    order_status_manager,
)
from jivapay.services.document_service import StoredReceipt
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.order_service.own import find_own, get_order_for_trader
from jivapay.services.order_status_manager import AS_AGREED, TraderAnswer
from jivapay.utils.resources import Resources


async def show_order_to_trader(resources: Resources, actor: Actor, order_id: UUID) -> TraderOrderRead:
    """`get_order_for_trader` with the recipient of a pay-out he has accepted: whole, and noted. Raises NotFound."""
    async with resources.database.read() as session:
        shown = await get_order_for_trader(session, actor, order_id)
    if shown.recipient is None or shown.status != OrderStatus.IN_PROGRESS:
        return shown
    async with resources.database.write() as session:
        return await _show_again(session, actor, order_id, resources.cipher)


async def accept_order_for_trader(
    session: WriteSession,
    actor: Actor,
    order_id: UUID,
    rules: BusinessSettings,
    cipher: Cipher,
    claim: IdempotencyClaim | None = None,
) -> Made[TraderOrderRead]:
    """The trader takes a pay-out on and learns whom to pay. Raises NotFound, OrderStateConflict, PlatformFrozen."""

    async def accept() -> None:
        await freeze_service.refuse_when_frozen(session)
        deal = await _lock_own(session, actor, order_id)
        await order_status_manager.accept_order(session, actor, deal, rules)

    if await _once(session, actor, order_id, claim, accept):
        return Made(await _show_again(session, actor, order_id, cipher), replayed=True)
    return Made(await _with_recipient(session, actor, await _lock_own(session, actor, order_id), cipher))


async def decline_order_for_trader(
    session: WriteSession,
    actor: Actor,
    order_id: UUID,
    reason: str,
    rules: BusinessSettings,
    claim: IdempotencyClaim | None = None,
) -> Made[TraderOrderRead]:
    """The trader does not take a pay-out; the next one is looked for. Raises NotFound, OrderStateConflict."""

    async def decline() -> None:
        deal = await _lock_own(session, actor, order_id)
        await order_processor.pass_on(session, actor, deal, reason, rules)

    replayed = await _once(session, actor, order_id, claim, decline)
    return Made(await get_order_for_trader(session, actor, order_id), replayed)


async def confirm_order_for_trader(
    session: WriteSession,
    actor: Actor,
    order_id: UUID,
    rules: BusinessSettings,
    answer: TraderAnswer = AS_AGREED,
    *,
    receipt: StoredReceipt | None = None,
) -> TraderOrderRead:
    """The trader has the money, or has paid it out and shows the receipt.

    Raises NotFound, OrderStateConflict, InsufficientBalance, PlatformFrozen, and for a pay-out ValidationFailed
    `receipt.required` or `receipt.duplicate`.
    """
    await freeze_service.refuse_when_frozen(session)
    deal = await _lock_own(session, actor, order_id)
    await order_status_manager.confirm_order_by_trader(
        session, actor, deal, rules, answer, has_receipt=receipt is not None
    )
    await session.flush()
    if receipt is not None:
        order = order_status_manager.require_order(deal)
        linked = await document_service.link(
            session,
            incoming_order_id=deal.incoming.id,
            order_id=order.id,
            stored=receipt,
            uploader=actor,
            kind=DocumentKind.TRADER_RECEIPT,
        )
        if linked.duplicate and order.direction == Direction.PAY_OUT:
            raise ValidationFailed.at("body", "receipt", code="receipt.duplicate")
    return await get_order_for_trader(session, actor, order_id)


async def cancel_order_for_trader(
    session: WriteSession,
    actor: Actor,
    order_id: UUID,
    reason: str,
    rules: BusinessSettings,
    claim: IdempotencyClaim | None = None,
) -> Made[TraderOrderRead]:
    """The trader cannot take this payment; only before the payer has confirmed. A pay-out he declines instead.

    Raises NotFound, OrderStateConflict.
    """

    async def cancel() -> None:
        deal = await _lock_own(session, actor, order_id)
        order = order_status_manager.require_order(deal)
        if order.direction == Direction.PAY_OUT:
            raise OrderStateConflict(order.status, "A pay-out is declined, not cancelled.")
        await order_status_manager.cancel_order(session, actor, deal, reason, rules)

    replayed = await _once(session, actor, order_id, claim, cancel)
    return Made(await get_order_for_trader(session, actor, order_id), replayed)


async def confirm_order_with_receipt(
    resources: Resources,
    actor: Actor,
    order_id: UUID,
    receipt: bytes | None,
    answer: TraderAnswer = AS_AGREED,
    claim: IdempotencyClaim | None = None,
) -> Made[TraderOrderRead]:
    """`confirm_order_for_trader` as a phased door: his receipt, if any, is cleaned and stored before the transaction.

    Raises as that, and ValidationFailed `file.*` or StorageError, which change nothing.
    """
    rules = await resources.config.current()
    async with resources.database.read() as session:
        own = await find_own(session, actor, order_id)
    async with resources.database.write() as looking:
        if await idempotency.is_done(looking, claim):
            return Made(await get_order_for_trader(looking, actor, order_id), replayed=True)
    stored = None
    if receipt is not None:
        cleaned = await document_service.prepare_receipt(receipt)
        stored = await document_service.stage(resources.storage, cleaned, clock=resources.clock)
    async with resources.database.write() as writing:

        async def confirm() -> None:
            await confirm_order_for_trader(writing, actor, order_id, rules, answer, receipt=stored)

        replayed = await idempotency.do_once(
            writing, claim, resource_type="trader_confirmation", resource_id=own.incoming_order_id, do=confirm
        )
        return Made(await get_order_for_trader(writing, actor, order_id), replayed)


async def _with_recipient(session: WriteSession, actor: Actor, deal: Deal, cipher: Cipher) -> TraderOrderRead:
    shown = await get_order_for_trader(session, actor, deal.incoming.public_id)
    return shown.model_copy(update={"recipient": order_processor.show_whole_recipient(deal.incoming, cipher)})


async def _show_again(session: WriteSession, actor: Actor, order_id: UUID, cipher: Cipher) -> TraderOrderRead:
    """As it is now; the recipient whole while he is to pay, which is noted."""
    own = await find_own(session, actor, order_id)
    deal = await lock_deal_for_update(session, own.incoming_order_id)
    if deal.order is None or deal.order.id != own.id or deal.order.status != OrderStatus.IN_PROGRESS:
        return await get_order_for_trader(session, actor, order_id)
    await audit_service.log_event(session, actor, "order.recipient_shown", entity="order", entity_id=own.id)
    return await _with_recipient(session, actor, deal, cipher)


async def _lock_own(session: WriteSession, actor: Actor, order_id: UUID) -> Deal:
    """The deal, while it is this trader's. Raises NotFound, OrderStateConflict when he has declined it."""
    own = await find_own(session, actor, order_id)
    deal = await lock_deal_for_update(session, own.incoming_order_id)
    if deal.order is None or deal.order.id != own.id:
        raise OrderStateConflict(OrderStatus.DECLINED)
    return deal


async def _once(
    session: WriteSession,
    actor: Actor,
    order_id: UUID,
    claim: IdempotencyClaim | None,
    do: Callable[[], Awaitable[None]],
) -> bool:
    """True when a request with the same key had done it before. Raises NotFound, and as `idempotency.do_once`."""
    own = await find_own(session, actor, order_id)

    async def done() -> None:
        await do()
        await session.flush()

    return await idempotency.do_once(
        session, claim, resource_type="trader_answer", resource_id=own.incoming_order_id, do=done
    )
