"""What stores are told: booked with the status step, numbered after commit, sent until the shop answers 2xx.

The row in `callback_deliveries` is the intention itself; nothing else has to survive a crash. A delivery is
booked in the status transaction (`book`), given its place in the store's stream by the relay
(`assign_sequence`), leased and sent by workers (`deliver_due`), and may be sent again by hand (`resend`).
Source: CBK-01 to CBK-06, K41 to K44, http-api.md "Callbacks to stores", hard case 19.
"""

from jivapay.services.callback_service.addresses import (
    callback_rules,
    enable_addresses,
    find_start_problems,
    find_url_problem,
    list_disabled,
    open_transport,
)
from jivapay.services.callback_service.booking import assign_sequence, book, resend
from jivapay.services.callback_service.delivery import DeliveryCounts, deliver_due
from jivapay.services.callback_service.sending import send_merchant_callback
from jivapay.services.callback_service.stream import list_events

__all__ = [
    "DeliveryCounts",
    "assign_sequence",
    "book",
    "callback_rules",
    "deliver_due",
    "enable_addresses",
    "find_start_problems",
    "find_url_problem",
    "list_disabled",
    "list_events",
    "open_transport",
    "resend",
    "send_merchant_callback",
]
