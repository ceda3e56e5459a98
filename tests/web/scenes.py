"""Every screen of the payment page as a value: what the gateway service tells when a deal is there."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from jivapay.schemas_enums.gateway import BankOffered, FailureShown, MethodOffered, PaymentSessionRead, RequisiteShown

TOKEN = "tok_scene_000000000000000000000000"
ORDER_ID = UUID("01993f6e-5b7a-7c1e-9f00-3a5c2d1e4b60")
NOW = datetime(2026, 11, 21, 6, 50, 5, tzinfo=UTC)

BANKS = [
    BankOffered(code="sber", name="Сбербанк"),
    BankOffered(code="tbank", name="Т-Банк"),
    BankOffered(code="alfa", name="Альфа-Банк"),
]
METHODS = [
    MethodOffered(code="sbp", number_kind="phone", banks=["sber", "tbank", "alfa"]),
    MethodOffered(code="card", number_kind="card", banks=["sber", "tbank"]),
    MethodOffered(code="account", number_kind="account", banks=["alfa"]),
]
PHONE = RequisiteShown(method="sbp", bank="sber", bank_name="Сбербанк", number="+79001234567", holder="Иван П.")
CARD = RequisiteShown(
    method="card", bank="tbank", bank_name="Т-Банк", number="2200700123456789", holder="Константин Е."
)
MASKED = RequisiteShown(method="sbp", bank="sber", bank_name="Сбербанк", number="•• 4567", holder="Иван П.")
RETURN_URL = "https://shop.example/thanks?cart=9"


def session(state: str, **changes: object) -> PaymentSessionRead:
    """A session of 4 750 roubles in `state`, with `changes`."""
    usual: dict[str, Any] = {
        "state": state,
        "order_id": ORDER_ID,
        "external_order_id": "A-20417",
        "store_name": "Northwind Games",
        "support_url": "mailto:help@shop.example",
        "amount": "4750.00",
        "amount_is_open": False,
        "customer_id_is_open": False,
        "amount_min": "100.00",
        "amount_max": "100000.00",
        "currency": "RUB",
        "payment_method": "sbp",
        "bank": None,
        "methods": METHODS,
        "banks": BANKS,
        "requisite": None,
        "failure": None,
        "expires_at": NOW + timedelta(seconds=900),
        "total_seconds": None,
        "server_time": NOW,
        "receipt_required": False,
        "receipt_attached": False,
        "may_claim_late": False,
        "return_url": RETURN_URL,
        "completed_at": None,
        "version": 3,
        "test": False,
    }
    return PaymentSessionRead(**{**usual, **changes})


def at(moment: datetime, scene: PaymentSessionRead) -> PaymentSessionRead:
    """The same screen seen at another time."""
    shift = moment - scene.server_time
    later = {"server_time": moment, "expires_at": scene.expires_at and scene.expires_at + shift}
    return scene.model_copy(update=later)


NONE_AVAILABLE = FailureShown(code="requisite.none_available", detail="No requisite can take this order now.")
NOT_STORED = FailureShown(code="receipt.not_stored", detail="The receipt could not be stored; please send it again.")
ORDERED: Mapping[str, Any] = {"requisite": PHONE, "total_seconds": 900}
ENDED: Mapping[str, Any] = {"requisite": MASKED, "total_seconds": 900}

SCENES: Mapping[str, PaymentSessionRead] = {
    "choose": session("choose", payment_method=None),
    "choose-open": session(
        "choose", payment_method=None, amount=None, amount_is_open=True, customer_id_is_open=True, test=True
    ),
    "choose-none": session("choose", failure=NONE_AVAILABLE),
    "choose-closed": session("choose", payment_method=None, methods=[], banks=[]),
    "searching": session("searching"),
    "pay": session("pay", **ORDERED),
    "pay-card": session(
        "pay", payment_method="card", requisite=CARD, total_seconds=900, amount="12500.50", receipt_required=True
    ),
    "check": session("check", **ORDERED, receipt_attached=True),
    "check-lost": session("check", **ORDERED, failure=NOT_STORED),
    "review": session("review", **ORDERED),
    "review-first": session("review"),
    "paid": session("paid", **ENDED, completed_at=NOW),
    "paid-test": session("paid", **ENDED, completed_at=NOW, test=True),
    "expired": session("expired", **ENDED, may_claim_late=True),
    "expired-early": session("expired"),
    "cancelled": session("cancelled", **ENDED, may_claim_late=True),
    "cancelled-early": session("cancelled"),
    "failed": session("failed", **ENDED),
    "failed-none": session("failed", failure=NONE_AVAILABLE),
    "reversed": session("reversed", **ENDED),
    "expired-over": session("expired", **ENDED, may_dispute=True),
    "dispute": session("dispute", **ENDED),
}
