"""What a store is told about an order: the event's name and the body's fields (http-api, "Callbacks to stores").

The same facts answer the status question, so both are built here from plain values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from jivapay.domain.money import FIAT_SCALE, ZERO, format_amount, format_rate
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus

ORDER_EVENTS = {
    OrderStatus.PENDING: "order.assigned",
    OrderStatus.PENDING_TRADER_CONFIRMATION: "order.pending_trader_confirmation",
    OrderStatus.IN_PROGRESS: "order.in_progress",
    OrderStatus.COMPLETED: "order.completed",
    OrderStatus.CANCELLED: "order.cancelled",
    OrderStatus.EXPIRED: "order.expired",
    OrderStatus.FAILED: "order.failed",
    OrderStatus.DISPUTE: "order.dispute",
    OrderStatus.REQUIRES_ATTENTION: "order.requires_attention",
    OrderStatus.REVERSED: "order.reversed",
}
ADJUSTED = "order.adjusted"
"""Another amount of a completed order: it stays `completed`, and the store is told in its own words."""
INCOMING_EVENTS = {
    IncomingOrderStatus.FAILED: "order.failed",
    IncomingOrderStatus.EXPIRED: "order.expired",
    IncomingOrderStatus.CANCELLED: "order.cancelled",
    IncomingOrderStatus.MANUAL_REVIEW: "order.requires_attention",
}
"""Only while there is no order: afterwards its own steps speak."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What of an order concerns the store. `order_status` and the amounts below it are None without an order."""

    order_id: UUID
    external_order_id: str
    direction: Direction
    status: IncomingOrderStatus
    amount_fiat: Decimal | None
    currency_fiat: str
    amount_crypto: Decimal | None
    currency_crypto: str
    crypto_scale: int
    rate: Decimal | None
    metadata: Mapping[str, Any]
    version: int
    test: bool
    order_status: OrderStatus | None = None
    amount_agreed: Decimal | None = None
    amount_exceptions: tuple[str, ...] = ()
    commission: Decimal | None = None
    is_final: bool = False
    moved: Decimal | None = None
    """On the store's balance, by a correction: an adjustment or a reversal."""

    @property
    def is_paid(self) -> bool:
        """A settlement is in force."""
        return self.order_status is OrderStatus.COMPLETED

    @property
    def balance_change(self) -> Decimal:
        """What this has moved on the store's balance."""
        if self.moved is not None:
            return self.moved
        if not self.is_paid or self.amount_crypto is None or self.commission is None:
            return ZERO
        sign = 1 if self.direction is Direction.PAY_IN else -1
        return sign * self.amount_crypto - self.commission


def event_type(facts: OrderFacts) -> str | None:
    """The event of the present status; None when the store is not told."""
    if facts.order_status is not None:
        return ORDER_EVENTS.get(facts.order_status)
    return INCOMING_EVENTS.get(facts.status)


def event_body(facts: OrderFacts, name: str) -> dict[str, Any]:
    """The callback's body, but for what the sender adds: event id, sequence, timestamp, signature."""
    fiat = _fiat(facts.amount_fiat)
    agreed = _fiat(facts.amount_agreed) or fiat
    return {
        "type": name,
        "order_id": str(facts.order_id),
        "external_order_id": facts.external_order_id,
        "direction": facts.direction.value,
        "status": facts.status.value,
        "order_history_status": facts.order_status.value if facts.order_status else None,
        "amount_fiat": fiat,
        "currency_fiat": facts.currency_fiat,
        "amount_crypto": _crypto(facts.amount_crypto, facts),
        "currency_crypto": facts.currency_crypto,
        "rate": None if facts.rate is None else format_rate(facts.rate),
        "commission": _crypto(facts.commission, facts),
        "balance_change": _crypto(facts.balance_change, facts),
        "metadata": dict(facts.metadata),
        "paid": facts.is_paid,
        "final": facts.is_final,
        "amount_agreed": agreed,
        "amount_exceptions": list(facts.amount_exceptions),
        "status_version": facts.version,
        "test": facts.test,
    }


def _fiat(value: Decimal | None) -> str | None:
    return None if value is None else format_amount(value, FIAT_SCALE)


def _crypto(value: Decimal | None, facts: OrderFacts) -> str | None:
    return None if value is None else format_amount(value, facts.crypto_scale)
