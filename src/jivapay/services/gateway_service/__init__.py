"""What a store and its customers ask of the gateway (GTW-01 to GTW-20).

Every function here is a phased door: it opens short transactions one after another and holds neither a
transaction nor a connection while it waits, checks a receipt or stores it.
"""

from jivapay.services.gateway_service.capacity import get_capacity
from jivapay.services.gateway_service.confirming import Brought, cancel_payin, confirm_payin
from jivapay.services.gateway_service.merchants import confirm_payment_for_merchant, create_order_from_incoming
from jivapay.services.gateway_service.page import (
    cancel_payment_session,
    choose_method,
    find_incoming_by_token,
    get_payment_session_details,
    get_payment_session_version,
    handle_payment_page_confirmation,
)
from jivapay.services.gateway_service.payin import (
    Answer,
    get_balance,
    get_incoming_order_status,
    initialize_payin,
    initiate_payment_session,
)
from jivapay.services.gateway_service.payout import (
    cancel_payout,
    confirm_payout,
    get_payout_status,
    initialize_payout,
)

__all__ = [
    "Answer",
    "Brought",
    "cancel_payin",
    "cancel_payment_session",
    "cancel_payout",
    "choose_method",
    "confirm_payin",
    "confirm_payment_for_merchant",
    "confirm_payout",
    "create_order_from_incoming",
    "find_incoming_by_token",
    "get_balance",
    "get_capacity",
    "get_incoming_order_status",
    "get_payment_session_details",
    "get_payment_session_version",
    "get_payout_status",
    "handle_payment_page_confirmation",
    "initialize_payin",
    "initialize_payout",
    "initiate_payment_session",
]
