"""The sole writer of statuses of incoming orders, orders and payment sessions (STM-01 to STM-14).

Rows come locked (`database/locks.py`). Every step is checked against `domain/order_states.py`, versioned,
audited, and told to the store, in the caller's transaction.
"""

from jivapay.services.order_status_manager.answers import (
    AS_AGREED,
    MAY_STATE_AMOUNT,
    TraderAnswer,
    attach_unmatched,
    confirm_order_by_trader,
    state_amount,
)
from jivapay.services.order_status_manager.assignment import Assignment, assign
from jivapay.services.order_status_manager.deciding import check_decidable, decide
from jivapay.services.order_status_manager.disputes import (
    LAPSED,
    adjust_order,
    complete_disputed,
    dispute_order,
    end_disputed,
    fail_order,
    reverse_order,
)
from jivapay.services.order_status_manager.payin import (
    NOTHING_MORE,
    Confirmation,
    PayerSaid,
    attach_receipt,
    cancel_order,
    check_late_window,
    confirm_payment_from_gateway_page,
    expire_order,
    is_late,
    may_claim_late,
    require_attention,
    require_order,
)
from jivapay.services.order_status_manager.payout import (
    accept_order,
    clear_order,
    confirm_receipt,
    decline_order,
    leave_unpaid,
)
from jivapay.services.order_status_manager.step import database_now, order_facts, tell_store
from jivapay.services.order_status_manager.unmatched import Received, check_open, close_unmatched, keep_unmatched
from jivapay.services.order_status_manager.waiting import (
    Failure,
    approve_review,
    cancel_waiting,
    create_incoming,
    expire_waiting,
    fail_waiting,
    open_page,
    postpone,
    send_to_review,
)

__all__ = [
    "AS_AGREED",
    "LAPSED",
    "MAY_STATE_AMOUNT",
    "NOTHING_MORE",
    "Assignment",
    "Confirmation",
    "Failure",
    "PayerSaid",
    "Received",
    "TraderAnswer",
    "accept_order",
    "adjust_order",
    "approve_review",
    "assign",
    "attach_receipt",
    "attach_unmatched",
    "cancel_order",
    "cancel_waiting",
    "check_decidable",
    "check_late_window",
    "check_open",
    "clear_order",
    "close_unmatched",
    "complete_disputed",
    "confirm_order_by_trader",
    "confirm_payment_from_gateway_page",
    "confirm_receipt",
    "create_incoming",
    "database_now",
    "decide",
    "decline_order",
    "dispute_order",
    "end_disputed",
    "expire_order",
    "expire_waiting",
    "fail_order",
    "fail_waiting",
    "is_late",
    "keep_unmatched",
    "leave_unpaid",
    "may_claim_late",
    "open_page",
    "order_facts",
    "postpone",
    "require_attention",
    "require_order",
    "reverse_order",
    "send_to_review",
    "state_amount",
    "tell_store",
]
