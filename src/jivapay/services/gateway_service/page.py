"""The payment page: what the customer sees, chooses and says (GTW-05, GTW-06). The token is his only credential."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.models.disputes import Dispute
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.models.orders import Order, PaymentSession
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.money import FIAT_SCALE, format_amount
from jivapay.exceptions import NotFound, OrderStateConflict, SessionExpired, ValidationFailed
from jivapay.schemas_enums.enums import DisputeSide, DocumentKind, IncomingOrderStatus, OrderStatus
from jivapay.schemas_enums.gateway import BankOffered, MethodChoice, MethodOffered, PaymentSessionRead
from jivapay.services import freeze_service, order_processor, order_status_manager, reference_data
from jivapay.services.api_key_service import StoreContext
from jivapay.services.gateway_service.confirming import Brought, cancel_deal, confirm_deal
from jivapay.services.gateway_service.deals import Viewer, get_deal_by_token, show_failure, show_requisite
from jivapay.services.gateway_service.payin import open_viewer, wait_for_requisite
from jivapay.services.idempotency import Made
from jivapay.services.reference_data import BankInfo
from jivapay.utils.resources import Resources

CHOICE_WAIT_SECONDS = 5.0

ORDER_STATES = {
    OrderStatus.PENDING: "pay",
    OrderStatus.PENDING_TRADER_CONFIRMATION: "check",
    OrderStatus.REQUIRES_ATTENTION: "review",
    OrderStatus.DISPUTE: "dispute",
    OrderStatus.COMPLETED: "paid",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.FAILED: "failed",
    OrderStatus.REVERSED: "reversed",
}
INCOMING_STATES = {
    IncomingOrderStatus.RETRYING: "choose",
    IncomingOrderStatus.MANUAL_REVIEW: "review",
    IncomingOrderStatus.EXPIRED: "expired",
    IncomingOrderStatus.CANCELLED: "cancelled",
    IncomingOrderStatus.FAILED: "failed",
}


def page_state(deal: Deal) -> str:
    """Which screen a deal is on. While no requisite was found the customer may choose another way."""
    if deal.order is not None:
        return ORDER_STATES.get(OrderStatus(deal.order.status), "failed")
    status = IncomingOrderStatus(deal.incoming.status)
    if status is IncomingOrderStatus.NEW:
        return "choose" if deal.incoming.next_attempt_at is None else "searching"
    return INCOMING_STATES.get(status, "failed")


async def get_payment_session_details(resources: Resources, token: str) -> PaymentSessionRead:
    """What the page shows now. Raises NotFound for an unknown token, SessionExpired after the late window."""
    viewer = await open_viewer(resources)
    async with resources.database.read() as session:
        deal = await get_deal_by_token(session, token)
        now = await order_status_manager.database_now(session)
        _check_not_over(deal, now, viewer.rules)
        shown = await _show(session, deal, viewer, now)
    if deal.page is not None and deal.page.first_opened_at is None:
        async with resources.database.write() as session:
            await session.execute(
                update(PaymentSession)
                .where(PaymentSession.id == deal.page.id, PaymentSession.first_opened_at.is_(None))
                .values(first_opened_at=func.app_now())
            )
    return shown


async def get_payment_session_version(resources: Resources, token: str) -> int:
    """The deal's version alone, for polling. Raises NotFound, SessionExpired."""
    rules = await resources.config.current()
    async with resources.database.read() as session:
        deal = await get_deal_by_token(session, token)
        _check_not_over(deal, await order_status_manager.database_now(session), rules)
        return deal.version


def _check_not_over(deal: Deal, now: datetime, rules: BusinessSettings) -> None:
    window = timedelta(seconds=rules.late_payment_window_seconds)
    if deal.order is not None:
        window += timedelta(seconds=rules.dispute_window_seconds)
    ended = deal.order.left_unpaid_at if deal.order else None
    if deal.order is None and IncomingOrderStatus(deal.incoming.status).is_terminal:
        ended = deal.incoming.expires_at
    if ended is not None and page_state(deal) in {"expired", "cancelled", "failed"} and now > ended + window:
        raise SessionExpired


async def choose_method(
    resources: Resources, actor: Actor, token: str, choice: MethodChoice, *, wait_seconds: float = CHOICE_WAIT_SECONDS
) -> PaymentSessionRead:
    """Take the customer's choice and look for a requisite; a second time it only shows what came of the first.

    Raises NotFound, ValidationFailed, OrderStateConflict, OpenOrdersLimitExceeded, RateStale, PlatformFrozen.
    """
    rules = await resources.config.current()
    async with resources.database.read() as session:
        incoming_id = (await get_deal_by_token(session, token)).incoming.id
    async with resources.database.write() as session:
        deal = await lock_deal_for_update(session, incoming_id)
        if page_state(deal) == "choose":
            if await _is_over(session, deal):
                await order_status_manager.expire_waiting(session, actor, deal, rules)
            else:
                await _take_choice(session, actor, deal, choice, rules)
        elif page_state(deal) not in {"searching", "pay"}:
            raise OrderStateConflict(deal.order.status if deal.order else deal.incoming.status)
    await wait_for_requisite(resources.database, incoming_id, wait_seconds)
    return await get_payment_session_details(resources, token)


async def _is_over(session: WriteSession, deal: Deal) -> bool:
    """Its time has passed and nobody has come by to say so: whoever chooses now ends it. While money is frozen no
    deadline passes, and nothing new begins. Raises PlatformFrozen.
    """
    if deal.incoming.expires_at > await order_status_manager.database_now(session):
        return False
    await freeze_service.refuse_when_frozen(session)
    return True


async def _take_choice(
    session: WriteSession, actor: Actor, deal: Deal, choice: MethodChoice, rules: BusinessSettings
) -> None:
    incoming = deal.incoming
    now = await order_status_manager.database_now(session)
    store = await _store_of(session, deal, actor)
    amount = incoming.amount_fiat or choice.amount
    if amount is None:
        raise ValidationFailed.at("body", "amount", code="validation.required")
    customer_id = incoming.customer_id or choice.customer_id
    if customer_id is None and store.gateway_require_customer_id_param:
        raise ValidationFailed.at("body", "customer_id", code="validation.required")
    await order_processor.check_open_orders(
        session, store, customer_id, incoming.customer_ip or actor.ip, rules, but=incoming.id
    )
    await order_processor.check_choice(session, store, amount=amount, method=choice.payment_method, bank=choice.bank)
    offered = await order_processor.quote(session, store, amount, choice.payment_method, rules)
    for column, value in offered.columns.items():
        setattr(incoming, column, value)
    incoming.amount_fiat, incoming.customer_id = amount, customer_id
    incoming.customer_ip = incoming.customer_ip or actor.ip
    incoming.payment_method, incoming.bank = choice.payment_method, choice.bank
    incoming.next_attempt_at = now
    await order_processor.offer(session, incoming.id, actor)


async def handle_payment_page_confirmation(
    resources: Resources, actor: Actor, token: str, brought: Brought
) -> Made[PaymentSessionRead]:
    """The customer says that he has paid, with or without a receipt; see `confirm_deal`."""
    async with resources.database.read() as session:
        deal = await get_deal_by_token(session, token)
        store = await _store_of(session, deal, actor)
    replayed = await confirm_deal(resources, actor, deal.incoming.id, brought, receipt_required=store.receipt_required)
    return Made(await get_payment_session_details(resources, token), replayed)


async def cancel_payment_session(resources: Resources, actor: Actor, token: str) -> PaymentSessionRead:
    """The customer gives up before paying. Raises OrderStateConflict afterwards."""
    async with resources.database.read() as session:
        deal = await get_deal_by_token(session, token)
    await cancel_deal(resources, actor, deal.incoming.id, "cancelled by the customer")
    return await get_payment_session_details(resources, token)


async def _store_of(session: AnySession, deal: Deal, actor: Actor) -> StoreContext:
    row = await session.get(MerchantStore, deal.incoming.store_id)
    if row is None:
        raise NotFound
    return StoreContext.of(row, key_id="", actor=actor)


async def _show(session: AnySession, deal: Deal, viewer: Viewer, now: datetime) -> PaymentSessionRead:
    incoming, order = deal.incoming, deal.order
    store = await session.get_one(MerchantStore, incoming.store_id)
    banks = [info for info in await reference_data.list_banks(session) if info.currency == incoming.fiat_currency]
    amount = order.amount_fiat if order else incoming.amount_fiat
    expires_at = order.expires_at if order else incoming.expires_at
    attached = await session.scalar(
        select(UploadedDocument.id)
        .where(
            UploadedDocument.incoming_order_id == incoming.id,
            UploadedDocument.kind == DocumentKind.CUSTOMER_RECEIPT,
        )
        .limit(1)
    )
    lapsed = order is not None and order_status_manager.is_late(deal)
    may_claim_late = order is not None and lapsed and order_status_manager.may_claim_late(order, now, viewer.rules)
    is_disputed, was_claimed = await _cases(session, order) if order is not None and lapsed else (False, False)
    return PaymentSessionRead(
        state="dispute" if is_disputed else page_state(deal),
        order_id=incoming.public_id,
        external_order_id=incoming.external_id,
        store_name=store.name,
        support_url=store.support_url,
        amount=None if amount is None else format_amount(amount, FIAT_SCALE),
        amount_is_open=incoming.amount_fiat is None,
        customer_id_is_open=incoming.customer_id is None and store.gateway_require_customer_id_param,
        amount_min=format_amount(store.lower_limit, FIAT_SCALE),
        amount_max=format_amount(store.upper_limit, FIAT_SCALE),
        currency=incoming.fiat_currency,
        payment_method=incoming.payment_method,
        bank=incoming.bank,
        methods=await _methods(session, banks),
        banks=[BankOffered(code=info.code, name=info.name) for info in banks],
        requisite=await show_requisite(session, order, viewer),
        failure=show_failure(deal),
        expires_at=expires_at,
        total_seconds=store.processing_ttl_seconds or viewer.rules.client_pay_seconds if order else None,
        server_time=now,
        receipt_required=store.receipt_required,
        receipt_attached=attached is not None,
        may_claim_late=may_claim_late,
        may_dispute=lapsed and not may_claim_late and not is_disputed and not was_claimed,
        return_url=incoming.return_url,
        completed_at=order.completed_at if order else None,
        version=deal.version,
        test=incoming.test,
    )


async def _cases(session: AnySession, order: Order) -> tuple[bool, bool]:
    """Whether a dispute about it is open, and whether its payer has had one."""
    of_order = select(Dispute.id).where(Dispute.order_id == order.id)
    row = await session.execute(
        select(
            of_order.where(Dispute.status.not_like("resolved%")).exists(),
            of_order.where(Dispute.opened_by == DisputeSide.CUSTOMER).exists(),
        )
    )
    is_open, was_claimed = row.one()
    return is_open, was_claimed


async def find_incoming_by_token(session: AnySession, token: str) -> int:
    """The incoming order behind a page's token, for a dispute about it. Raises NotFound."""
    return (await get_deal_by_token(session, token)).incoming.id


async def _methods(session: AnySession, banks: list[BankInfo]) -> list[MethodOffered]:
    return [
        MethodOffered(
            code=method.code,
            number_kind=method.number_kind,
            banks=[info.code for info in banks if method.code in info.payment_methods],
        )
        for method in await reference_data.list_payment_methods(session)
        if any(method.code in info.payment_methods for info in banks)
    ]
