"""A pay-out outside its steps: accepted from the store against its balance, passed on to the next trader, cleared.

The whole cost is set aside before the store is told that it was accepted; without it nothing is created. The
recipient is kept encrypted and is nobody's to read but the trader's who accepted (decision 19).
"""

import orjson
from sqlalchemy import exists, func, select
from sqlalchemy.exc import DBAPIError

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.models.disputes import Dispute
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.reference import PaymentMethod
from jivapay.database.session import AnySession, Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.requisite_numbers import SHOWN_DIGITS, mask_number, normalize_number, short_name
from jivapay.exceptions import JivaPayException, ValidationFailed
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus
from jivapay.schemas_enums.gateway import RecipientShown
from jivapay.services import balance_manager, freeze_service, order_status_manager
from jivapay.services.api_key_service import StoreContext
from jivapay.services.order_processor.acceptance import (
    Accepted,
    Recipient,
    Request,
    UrlRules,
    check_addresses,
    check_choice,
    find_by_external_id,
    incoming_values,
    offer,
    quote,
)
from jivapay.utils.notifications import report_failure

CLEARED_AT_ONCE = 200


async def accept_payout(
    session: WriteSession,
    actor: Actor,
    store: StoreContext,
    request: Request,
    *,
    rules: BusinessSettings,
    urls: UrlRules,
    cipher: Cipher,
) -> Accepted:
    """Keep the request as a new incoming order with its cost set aside, due at once; or nothing of it.

    The external id is the natural key. Raises InsufficientBalance, PermissionDenied (`balance.blocked` while the
    store has something to return first), ExternalIdExists, ValidationFailed, RateStale, PlatformFrozen.
    """
    existing = await find_by_external_id(session, store.id, request)
    if existing is not None:
        return Accepted(existing, created=False)
    await freeze_service.refuse_when_frozen(session)
    if request.amount is None or request.payment_method is None or request.recipient is None:
        raise AssertionError("a pay-out has amount, method and recipient")
    check_addresses(store, request, urls)
    await check_choice(
        session,
        store,
        amount=request.amount,
        method=request.payment_method,
        bank=request.bank,
        direction=Direction.PAY_OUT,
    )
    recipient = await _read_recipient(session, request.payment_method, request.recipient)
    offered = await quote(session, store, request.amount, request.payment_method, rules, Direction.PAY_OUT)
    values = incoming_values(store, request, offered, rules, await order_status_manager.database_now(session))
    values |= {
        "recipient": _encrypt(recipient, values["public_id"], cipher),
        "recipient_last_four": recipient.number[-SHOWN_DIGITS:],
        "store_percent": offered.store_percent,
        "margin_percent": store.rate_margin_percent,
    }
    incoming_id = await order_status_manager.create_incoming(session, actor, values)
    if incoming_id is None:
        existing = await find_by_external_id(session, store.id, request)
        if existing is None:
            raise AssertionError("a conflicting row exists")
        return Accepted(existing, created=False)
    incoming = await session.get_one(IncomingOrder, incoming_id)
    amount = balance_manager.payout_hold_amount(
        offered.store_net, rules.payout_rate_buffer_percent, offered.crypto_scale
    )
    await balance_manager.hold_payout(session, incoming, amount)
    await offer(session, incoming_id, actor)
    return Accepted(incoming_id, created=True)


async def pass_on(session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings) -> None:
    """This trader does not take the pay-out; the workers look for the next one. Raises OrderStateConflict."""
    status = await order_status_manager.decline_order(session, actor, deal, reason, rules)
    if status is IncomingOrderStatus.RETRYING:
        await offer(session, deal.incoming.id, actor)


async def clear_due(database: Database, actor: Actor) -> int:
    """Let traders use what cleared; how many. A pay-out that fails is logged and left for the next run."""
    async with database.read() as session:
        if await freeze_service.is_frozen(session):
            return 0
        due = await session.scalars(
            select(Order.incoming_order_id)
            .where(
                Order.status == OrderStatus.COMPLETED,
                Order.cleared_at.is_(None),
                Order.clearing_until <= func.app_now(),
                ~exists().where(Dispute.order_id == Order.id, Dispute.status.not_like("resolved%")),
            )
            .order_by(Order.clearing_until)
            .limit(CLEARED_AT_ONCE)
        )
        waiting = due.all()
    cleared = 0
    for incoming_order_id in waiting:
        try:
            async with database.write() as session:
                deal = await lock_deal_for_update(session, incoming_order_id)
                cleared += await order_status_manager.clear_order(session, actor, deal)
        except (JivaPayException, DBAPIError) as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            report_failure(error, "not_cleared", incoming_order_id=incoming_order_id)
    return cleared


def _encrypt(recipient: Recipient, public_id: object, cipher: Cipher) -> bytes:
    content = {"number": recipient.number, "holder": recipient.holder}
    return cipher.encrypt(orjson.dumps(content).decode(), _context(public_id))


def show_whole_recipient(incoming: IncomingOrder, cipher: Cipher) -> RecipientShown:
    """For the trader who has accepted, and nobody else; the caller has decided that and notes it."""
    recipient = _decrypt(incoming, cipher)
    return RecipientShown(
        method=incoming.payment_method or "", bank=incoming.bank, number=recipient.number, holder=recipient.holder
    )


def mask_recipient(incoming: IncomingOrder, number_kind: str | None, cipher: Cipher | None = None) -> RecipientShown:
    """For everybody else: the number's last digits; with `cipher` also the holder, as banks show him to a payer."""
    holder = _decrypt(incoming, cipher).holder if cipher else None
    return RecipientShown(
        method=incoming.payment_method or "",
        bank=incoming.bank,
        number=mask_number(number_kind or "", incoming.recipient_last_four or ""),
        holder=holder and short_name(holder),
    )


async def get_number_kind(session: AnySession, incoming: IncomingOrder) -> str | None:
    kind: str | None = await session.scalar(
        select(PaymentMethod.number_kind).where(PaymentMethod.code == incoming.payment_method)
    )
    return kind


def _decrypt(incoming: IncomingOrder, cipher: Cipher) -> Recipient:
    if incoming.recipient is None:
        raise AssertionError(f"incoming order {incoming.id} is no pay-out")
    content = orjson.loads(cipher.decrypt(incoming.recipient, _context(incoming.public_id)))
    return Recipient(content["number"], content["holder"])


def _context(public_id: object) -> str:
    return f"incoming_orders.recipient:{public_id}"


async def _read_recipient(session: AnySession, payment_method: str, given: Recipient) -> Recipient:
    """The number in its one form. Raises ValidationFailed `requisite.format`."""
    method = await session.get_one(PaymentMethod, payment_method)
    number = normalize_number(method.number_kind, given.number)
    if number is None:
        raise ValidationFailed.at("body", "recipient", "number", code="requisite.format")
    return Recipient(number, given.holder)
