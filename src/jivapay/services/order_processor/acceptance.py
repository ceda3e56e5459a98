"""Taking an order from a store: the store's rules, a quote, and rows that are the queue of record (walk, row 1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher, new_token, token_hash
from jivapay.database.models.orders import IncomingOrder
from jivapay.database.models.reference import Currency
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.commissions import rate_with_margin
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import FIAT_SCALE, crypto_amount, fits_scale, percent_of
from jivapay.domain.urls import CallbackRules, find_return_url_problem
from jivapay.exceptions import (
    ConfigurationError,
    ExternalIdExists,
    PermissionDenied,
    ValidationFailed,
)
from jivapay.schemas_enums.enums import Direction, OwnerType
from jivapay.services import (
    callback_service,
    commission_service,
    freeze_service,
    order_status_manager,
    outbox,
    rate_service,
    reference_data,
)
from jivapay.services.api_key_service import StoreContext
from jivapay.services.order_processor.open_orders import check_open_orders
from jivapay.services.rate_service import Rate


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a pay-out pays."""

    number: str = field(repr=False)
    holder: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """A store's request, parsed.

    `hosted` asks for a payment page; `amount` and `payment_method` may then be left to the customer. A pay-out has a
    recipient and no page.
    """

    external_order_id: str
    currency: str
    hosted: bool
    request_hash: bytes
    amount: Decimal | None = None
    payment_method: str | None = None
    bank: str | None = None
    customer_id: str | None = None
    customer_ip: str | None = None
    return_url: str | None = None
    callback_url: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    recipient: Recipient | None = None
    payout_id: int | None = None
    """Whose order it is, when a payout request asks for it."""

    @property
    def direction(self) -> Direction:
        return Direction.PAY_IN if self.recipient is None else Direction.PAY_OUT


@dataclass(frozen=True, slots=True)
class UrlRules:
    """Which addresses this installation lets stores name."""

    callbacks: CallbackRules
    allow_loopback_http: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """`created` is False when the same request had been accepted before."""

    incoming_order_id: int
    created: bool


async def accept(
    session: WriteSession,
    actor: Actor,
    store: StoreContext,
    request: Request,
    *,
    rules: BusinessSettings,
    urls: UrlRules,
    cipher: Cipher,
) -> Accepted:
    """Keep the request as a new incoming order, due at once when amount and method are known.

    The external id is the natural key: the same request again gives the order it made. Raises ExternalIdExists,
    ValidationFailed, PermissionDenied, OpenOrdersLimitExceeded, RateStale, PlatformFrozen.
    """
    existing = await find_by_external_id(session, store.id, request)
    if existing is not None:
        return Accepted(existing, created=False)
    await freeze_service.refuse_when_frozen(session)
    check_addresses(store, request, urls)
    await check_choice(session, store, amount=request.amount, method=request.payment_method, bank=request.bank)
    await check_open_orders(session, store, request.customer_id, request.customer_ip, rules)
    now = await order_status_manager.database_now(session)
    offered = None
    if request.amount is not None:
        offered = await quote(session, store, request.amount, request.payment_method, rules)
    values = incoming_values(store, request, offered, rules, now)
    incoming_id = await order_status_manager.create_incoming(session, actor, values)
    if incoming_id is None:
        # Somebody with the same external id was first, and has committed since our look.
        existing = await find_by_external_id(session, store.id, request)
        if existing is None:
            raise AssertionError("a conflicting row exists")
        return Accepted(existing, created=False)
    if request.hosted:
        await _open_page(session, actor, incoming_id, cipher)
    if values["next_attempt_at"] is not None:
        await offer(session, incoming_id, actor)
    return Accepted(incoming_id, created=True)


async def offer(session: WriteSession, incoming_order_id: int, actor: Actor) -> None:
    """Ask the workers to process a due incoming order."""
    await outbox.put(
        session,
        outbox.Topic.ORDER_PROCESS,
        ref_type="incoming_order",
        ref_id=incoming_order_id,
        request_id=actor.request_id,
    )


async def find_by_external_id(session: AnySession, store_id: int, request: Request) -> int | None:
    """The order this store made with the same external id. Raises ExternalIdExists when the request differs."""
    row = (
        await session.execute(
            select(IncomingOrder.id, IncomingOrder.request_hash).where(
                IncomingOrder.store_id == store_id,
                IncomingOrder.direction == request.direction,
                IncomingOrder.external_id == request.external_order_id,
            )
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != request.request_hash:
        raise ExternalIdExists
    return int(row.id)


async def check_choice(
    session: AnySession,
    store: StoreContext,
    *,
    amount: Decimal | None,
    method: str | None,
    bank: str | None,
    direction: Direction = Direction.PAY_IN,
) -> None:
    """The store takes orders, the amount is within its limits, method and bank are on offer.

    Unset values are not checked. Raises PermissionDenied, ValidationFailed.
    """
    _check_store(store, direction)
    if amount is not None:
        if not fits_scale(amount, FIAT_SCALE):
            raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")
        if amount < store.lower_limit:
            raise ValidationFailed.at("body", "amount", code="order.amount_below_limit")
        if amount > store.upper_limit:
            raise ValidationFailed.at("body", "amount", code="order.amount_above_limit")
    await reference_data.check_method_and_bank(session, store.fiat_currency, method, bank)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the store is offered now: what it will get (pay-in) or what it will cost (pay-out)."""

    amount_crypto: Decimal
    store_percent: Decimal
    store_net: Decimal
    crypto_scale: int
    shown_rate: Decimal
    rate: Rate

    @property
    def columns(self) -> dict[str, Any]:
        """Of the incoming order that keeps it."""
        return {
            "amount_crypto": self.amount_crypto,
            "quoted_rate": self.shown_rate,
            "quoted_base_rate": self.rate.value,
            "quoted_source": self.rate.source,
            "quoted_at": self.rate.at,
        }


async def quote(
    session: AnySession,
    store: StoreContext,
    amount: Decimal,
    method: str | None,
    rules: BusinessSettings,
    direction: Direction = Direction.PAY_IN,
) -> Offer:
    """Raises RateStale; ValidationFailed `amount.too_small` when nothing would be left; ConfigurationError."""
    rate = await rate_service.get_rate(
        session,
        fiat=store.fiat_currency,
        crypto=store.crypto_currency,
        direction=direction,
        rules=rules,
    )
    is_payin = direction is Direction.PAY_IN
    scale = await session.scalar(select(Currency.scale).where(Currency.code == store.crypto_currency))
    percent = await commission_service.find_percent(session, OwnerType.STORE, store.id, direction, method)
    if scale is None or percent is None:
        raise ConfigurationError("The store has no commission.", code="configuration.commission_missing")
    shown = rate_with_margin(rate.value, store.rate_margin_percent, direction)
    crypto = crypto_amount(amount, shown, scale)
    commission = percent_of(crypto, percent, scale)
    if crypto <= (commission if is_payin else 0):
        raise ValidationFailed.at("body", "amount", code="amount.too_small")
    net = crypto - commission if is_payin else crypto + commission
    return Offer(crypto, percent, net, scale, shown, rate)


def _check_store(store: StoreContext, direction: Direction) -> None:
    is_payin = direction is Direction.PAY_IN
    if not store.traffic_access or not (store.pay_in_enabled if is_payin else store.pay_out_enabled):
        raise PermissionDenied(f"{'Pay-ins' if is_payin else 'Pay-outs'} are switched off for this store.")


def check_addresses(store: StoreContext, request: Request, urls: UrlRules) -> None:
    if request.currency != store.fiat_currency:
        raise ValidationFailed.at("body", "currency", code="currency.unknown")
    if request.direction is Direction.PAY_IN:
        _check_required(store, request)
    if request.callback_url is not None:
        problem = callback_service.find_url_problem(request.callback_url, urls.callbacks)
        if problem is not None:
            raise ValidationFailed.at("body", "callback_url", code=problem)
    if request.return_url is not None:
        problem = find_return_url_problem(
            request.return_url, return_hosts=store.return_hosts, allow_loopback_http=urls.allow_loopback_http
        )
        if problem is not None:
            raise ValidationFailed.at("body", "return_url", code=problem)


def _check_required(store: StoreContext, request: Request) -> None:
    if store.gateway_require_customer_id_param and request.customer_id is None:
        raise ValidationFailed.at("body", "customer_id", code="validation.required")
    if store.gateway_require_amount_param and request.amount is None:
        raise ValidationFailed.at("body", "amount", code="validation.required")


def incoming_values(
    store: StoreContext, request: Request, offered: Offer | None, rules: BusinessSettings, now: datetime
) -> dict[str, Any]:
    """The columns of a new incoming order."""
    quoted = offered.columns if offered else {}
    is_due = request.amount is not None and request.payment_method is not None
    return {
        "public_id": new_id(),
        "store_id": store.id,
        "test": store.test,
        "direction": request.direction.value,
        "external_id": request.external_order_id,
        "request_hash": request.request_hash,
        "amount_fiat": request.amount,
        "fiat_currency": store.fiat_currency,
        "crypto_currency": store.crypto_currency,
        **quoted,
        "payment_method": request.payment_method,
        "bank": request.bank,
        "customer_id": request.customer_id,
        "customer_ip": request.customer_ip,
        "return_url": request.return_url,
        "callback_url": request.callback_url,
        "order_metadata": dict(request.metadata),
        "hosted": request.hosted,
        "payout_id": request.payout_id,
        "next_attempt_at": now if is_due else None,
        "expires_at": now + timedelta(seconds=rules.session_ttl_seconds),
    }


def payment_token_context(public_id: object) -> str:
    """What a payment token's encrypted copy is bound to: its session's public id."""
    return f"payment_sessions.token:{public_id}"


async def _open_page(session: WriteSession, actor: Actor, incoming_id: int, cipher: Cipher) -> None:
    public_id, token = new_id(), new_token()
    await order_status_manager.open_page(
        session,
        actor,
        {
            "public_id": public_id,
            "incoming_order_id": incoming_id,
            "token_hash": token_hash(token),
            "token": cipher.encrypt(token, payment_token_context(public_id)),
        },
    )
