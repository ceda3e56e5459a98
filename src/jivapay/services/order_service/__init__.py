"""Orders for those who work with them: a trader's own, a merchant's own, and staff's decisions (OSV-01 to OSV-05)."""

from jivapay.services.order_service.assignments import release_case, take_case
from jivapay.services.order_service.cases import (
    Decision,
    decide_case,
    decide_review,
    execute_decision,
    list_cases,
)
from jivapay.services.order_service.own import (
    download_receipt_for_trader,
    get_order_for_trader,
    get_receipt_for_trader,
    list_orders_for_merchant,
    list_orders_for_trader,
)
from jivapay.services.order_service.trading import (
    accept_order_for_trader,
    cancel_order_for_trader,
    confirm_order_for_trader,
    confirm_order_with_receipt,
    decline_order_for_trader,
    show_order_to_trader,
)

__all__ = [
    "Decision",
    "accept_order_for_trader",
    "cancel_order_for_trader",
    "confirm_order_for_trader",
    "confirm_order_with_receipt",
    "decide_case",
    "decide_review",
    "decline_order_for_trader",
    "download_receipt_for_trader",
    "execute_decision",
    "get_order_for_trader",
    "get_receipt_for_trader",
    "list_cases",
    "list_orders_for_merchant",
    "list_orders_for_trader",
    "release_case",
    "show_order_to_trader",
    "take_case",
]
