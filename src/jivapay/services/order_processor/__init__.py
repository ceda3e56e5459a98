"""The orchestrator of an order's life: accepted, matched with a requisite, finalised, lapsed (ORD, FIN).

`process_incoming_order` is the straight line, which `assign_together` walks with several at once; engines only give
values and `order_status_manager` alone writes statuses. A refusal is a value that is kept, a failure is recorded in a
transaction of its own (decisions 8, 9).
"""

from jivapay.services.order_processor.acceptance import (
    Accepted,
    Recipient,
    Request,
    UrlRules,
    accept,
    check_choice,
    offer,
    payment_token_context,
    quote,
)
from jivapay.services.order_processor.cancelling import cancel
from jivapay.services.order_processor.deadlines import expire_due, give_grace
from jivapay.services.order_processor.finalisation import finalize_order_after_client_confirmation, is_confirmed
from jivapay.services.order_processor.matching import process_incoming_order, record_failure
from jivapay.services.order_processor.open_orders import check_open_orders
from jivapay.services.order_processor.payouts import (
    accept_payout,
    clear_due,
    get_number_kind,
    mask_recipient,
    pass_on,
    show_whole_recipient,
)
from jivapay.services.order_processor.review import decide_review
from jivapay.services.order_processor.together import assign_together

__all__ = [
    "Accepted",
    "Recipient",
    "Request",
    "UrlRules",
    "accept",
    "accept_payout",
    "assign_together",
    "cancel",
    "check_choice",
    "check_open_orders",
    "clear_due",
    "decide_review",
    "expire_due",
    "finalize_order_after_client_confirmation",
    "get_number_kind",
    "give_grace",
    "is_confirmed",
    "mask_recipient",
    "offer",
    "pass_on",
    "payment_token_context",
    "process_incoming_order",
    "quote",
    "record_failure",
    "show_whole_recipient",
]
