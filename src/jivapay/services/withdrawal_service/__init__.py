"""Withdrawals: asked for by merchants and traders, and for the platform's profit by staff (UND-09; hard case 14).

Only to an address of one's own book that has cooled off. Held with the network's fee from the request on; approved by
staff, above `FOUR_EYES_AMOUNT` by two; sent by one person who has claimed it. The one writer of their statuses.
"""

from jivapay.services.withdrawal_service.book import add_address, list_addresses, remove_address
from jivapay.services.withdrawal_service.deciding import (
    approve_withdrawal,
    cancel_withdrawal,
    claim_withdrawal,
    execute_approval,
    execute_return,
    reject_requested,
    reject_withdrawal,
    return_withdrawal,
    send_withdrawal,
)
from jivapay.services.withdrawal_service.looking import (
    WithdrawalView,
    get_own_withdrawal,
    get_withdrawal,
    list_own_withdrawals,
    list_withdrawals,
)
from jivapay.services.withdrawal_service.requesting import (
    NewWithdrawal,
    PlatformWithdrawal,
    request_platform_withdrawal,
    request_withdrawal,
)

__all__ = [
    "NewWithdrawal",
    "PlatformWithdrawal",
    "WithdrawalView",
    "add_address",
    "approve_withdrawal",
    "cancel_withdrawal",
    "claim_withdrawal",
    "execute_approval",
    "execute_return",
    "get_own_withdrawal",
    "get_withdrawal",
    "list_addresses",
    "list_own_withdrawals",
    "list_withdrawals",
    "reject_requested",
    "reject_withdrawal",
    "remove_address",
    "request_platform_withdrawal",
    "request_withdrawal",
    "return_withdrawal",
    "send_withdrawal",
]
