"""The only writer of balances: holds, settlements, deposits, and the roll-up of insert-only accounts.

Everything here runs in the caller's transaction, after the caller's row locks: accounts are locked last, by id
(hard case 23). Source: BAL-01 to BAL-12, decisions 10 to 13.
"""

from jivapay.services.balance_manager.accounts import (
    AccountKey,
    Balance,
    get_balance,
    list_balances,
    lock_accounts,
    open_account,
)
from jivapay.services.balance_manager.holds import COVER_HOLD, PLACE_ORDER_HOLD, hold_trader_crypto, void_hold
from jivapay.services.balance_manager.late_cover import late_cover, withdrawable
from jivapay.services.balance_manager.roll_up import roll_up
from jivapay.services.balance_manager.settlement import (
    calculate_commissions,
    post_deposit,
    repair_completed_order,
    retake_hold,
    update_balances_for_completed_order,
)
from jivapay.services.balance_manager.statements import (
    Entry,
    Period,
    Profit,
    ProfitBy,
    Totals,
    count_entries,
    get_balance_at,
    get_statement_page,
    list_profit,
    stream_statement,
)

__all__ = [
    "COVER_HOLD",
    "PLACE_ORDER_HOLD",
    "AccountKey",
    "Balance",
    "Entry",
    "Period",
    "Profit",
    "ProfitBy",
    "Totals",
    "calculate_commissions",
    "count_entries",
    "get_balance",
    "get_balance_at",
    "get_statement_page",
    "hold_trader_crypto",
    "late_cover",
    "list_balances",
    "list_profit",
    "lock_accounts",
    "open_account",
    "post_deposit",
    "repair_completed_order",
    "retake_hold",
    "roll_up",
    "stream_statement",
    "update_balances_for_completed_order",
    "void_hold",
    "withdrawable",
]
