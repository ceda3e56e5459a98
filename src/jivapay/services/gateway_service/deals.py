"""Finding a deal by any of its names, and showing it: shared by the store's API and the payment page."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher, token_hash
from jivapay.database.locks import Deal
from jivapay.database.models.orders import IncomingOrder, Order, PaymentSession
from jivapay.database.models.reference import Bank
from jivapay.database.models.requisites import OwnerOfRequisites, Requisite
from jivapay.database.session import AnySession
from jivapay.domain.callback_events import OrderFacts
from jivapay.domain.money import FIAT_SCALE, format_amount, format_rate, percent_of
from jivapay.domain.requisite_numbers import short_name
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import Direction, OrderStatus
from jivapay.schemas_enums.gateway import DealRead, FailureShown, PayinRead, PayoutRead, RequisiteShown
from jivapay.services import order_processor, order_status_manager
from jivapay.services.order_processor import payment_token_context


@dataclass(frozen=True, slots=True)
class Viewer:
    """What is needed to show a deal: keys to decrypt with, the address of payment pages, the settings."""

    cipher: Cipher
    public_base_url: str
    rules: BusinessSettings

    def payment_url(self, token: str) -> str:
        return f"{self.public_base_url.rstrip('/')}/pay/{token}"

    def token_of(self, page: PaymentSession) -> str:
        return self.cipher.decrypt(page.token, payment_token_context(page.public_id))


def _deals() -> Select[IncomingOrder, Order, PaymentSession]:
    return (
        select(IncomingOrder, Order, PaymentSession)
        .outerjoin(Order, Order.id == IncomingOrder.assigned_order_id)
        .outerjoin(PaymentSession, PaymentSession.incoming_order_id == IncomingOrder.id)
    )


async def _one(session: AnySession, statement: Select[IncomingOrder, Order, PaymentSession]) -> Deal:
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound
    return Deal(*row)


async def get_deal(session: AnySession, incoming_order_id: int) -> Deal:
    """A deal by its internal id. Raises NotFound."""
    return await _one(session, _deals().where(IncomingOrder.id == incoming_order_id))


async def get_store_deal(session: AnySession, store_id: int, direction: Direction, identifier: str, by: str) -> Deal:
    """A store's own deal by `order_id`, `external_order_id` or `payment_token`.

    Somebody else's is not found. Raises NotFound.
    """
    own = _deals().where(IncomingOrder.store_id == store_id, IncomingOrder.direction == direction)
    match by:
        case "external_order_id":
            return await _one(session, own.where(IncomingOrder.external_id == identifier))
        case "payment_token":
            return await _one(session, own.where(PaymentSession.token_hash == token_hash(identifier)))
        case _:
            try:
                public_id = UUID(identifier)
            except ValueError:
                raise NotFound from None
            return await _one(session, own.where(IncomingOrder.public_id == public_id))


async def get_deal_by_token(session: AnySession, token: str) -> Deal:
    """The deal of a payment page. Raises NotFound."""
    return await _one(session, _deals().where(PaymentSession.token_hash == token_hash(token)))


async def show_requisite(session: AnySession, order: Order | None, viewer: Viewer) -> RequisiteShown | None:
    """Where to pay; the number whole while money for it may still be on its way, afterwards its last digits do (hard
    case 29): while the order is open, and as long as a late receipt is taken.
    """
    if order is None:
        return None
    row = (
        await session.execute(
            select(Requisite, OwnerOfRequisites, Bank.public_name)
            .join(OwnerOfRequisites, OwnerOfRequisites.id == Requisite.owner_id)
            .join(Bank, Bank.code == Requisite.bank)
            .where(Requisite.id == order.requisite_id)
        )
    ).one()
    requisite, owner, bank_name = row
    whole = OrderStatus(order.status).is_open or order_status_manager.may_claim_late(
        order, await order_status_manager.database_now(session), viewer.rules
    )
    number = viewer.cipher.decrypt(requisite.number, f"requisites.number:{requisite.public_id}") if whole else ""
    holder = viewer.cipher.decrypt(owner.full_name, f"owners_of_requisites.full_name:{owner.public_id}")
    return RequisiteShown(
        method=requisite.payment_method,
        bank=requisite.bank,
        bank_name=bank_name,
        number=number or f"•• {requisite.last_four}",
        holder=short_name(holder),
    )


def show_failure(deal: Deal) -> FailureShown | None:
    incoming = deal.incoming
    if incoming.failure_code is None:
        return None
    return FailureShown(code=incoming.failure_code, detail=PUBLIC_REASONS.get(incoming.failure_code, "Not possible."))


PUBLIC_REASONS = {
    "requisite.none_available": "No requisite can take this order now.",
    "rate.stale": "There is no fresh exchange rate.",
    "receipt.not_stored": "The receipt could not be stored; please send it again.",
    "rate.moved": "The rate has moved beyond what was set aside.",
    "order.decided_failed": "The order was ended by a person.",
    "order.denied": "The order was refused.",
    "order.review": "The order is being reviewed.",
    "order.review_rejected": "The order was refused after a review.",
}
"""What the store reads; why a rule refused stays inside."""


async def show_payin(session: AnySession, deal: Deal, viewer: Viewer) -> PayinRead:
    """A pay-in as its store sees it."""
    facts = await _facts(session, deal, viewer)
    return PayinRead(
        **_show_deal(deal, facts).model_dump(),
        requisite=await show_requisite(session, deal.order, viewer),
        payment_url=viewer.payment_url(viewer.token_of(deal.page)) if deal.page else None,
    )


async def show_payout(session: AnySession, deal: Deal, viewer: Viewer) -> PayoutRead:
    """A pay-out as its store sees it: the recipient masked, as everything that is only written once."""
    facts = await _facts(session, deal, viewer)
    commission = facts.commission
    if commission is None and facts.amount_crypto is not None and deal.incoming.store_percent is not None:
        commission = percent_of(facts.amount_crypto, deal.incoming.store_percent, facts.crypto_scale)
    return PayoutRead(
        **_show_deal(deal, facts).model_dump(),
        commission=None if commission is None else format_amount(commission, facts.crypto_scale),
        recipient=order_processor.mask_recipient(
            deal.incoming, await order_processor.get_number_kind(session, deal.incoming), viewer.cipher
        ),
        receipt_confirmed_at=deal.order.receipt_confirmed_at if deal.order else None,
    )


async def _facts(session: AnySession, deal: Deal, viewer: Viewer) -> OrderFacts:
    now = await order_status_manager.database_now(session)
    return await order_status_manager.order_facts(session, deal, viewer.rules, now)


def _show_deal(deal: Deal, facts: OrderFacts) -> DealRead:
    incoming, order = deal.incoming, deal.order
    open_until = order.expires_at if order else incoming.expires_at
    return DealRead(
        order_id=incoming.public_id,
        external_order_id=incoming.external_id,
        direction=incoming.direction,
        status=incoming.status,
        order_history_status=order.status if order else None,
        amount=None if facts.amount_fiat is None else format_amount(facts.amount_fiat, FIAT_SCALE),
        currency=incoming.fiat_currency,
        amount_crypto=None if facts.amount_crypto is None else format_amount(facts.amount_crypto, facts.crypto_scale),
        crypto_currency=incoming.crypto_currency,
        rate=None if facts.rate is None else format_rate(facts.rate),
        rate_at=order.rate_at if order else incoming.quoted_at,
        failure=show_failure(deal),
        expires_at=open_until,
        created_at=incoming.created_at,
        version=deal.version,
        paid=facts.is_paid,
        final=facts.is_final,
        amount_agreed=None if facts.amount_agreed is None else format_amount(facts.amount_agreed, FIAT_SCALE),
        amount_seen=None
        if order is None or order.amount_by_trader is None
        else format_amount(order.amount_by_trader, FIAT_SCALE),
        amount_exceptions=list(facts.amount_exceptions),
        metadata=dict(incoming.order_metadata),
        test=incoming.test,
    )
