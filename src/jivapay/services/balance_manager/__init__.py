"""The only writer of balances: holds, settlements, corrections, covers, deposits, and the roll-up.

Everything here runs in the caller's transaction, after the caller's row locks: accounts are locked last, by id
(hard case 23). Source: BAL-01 to BAL-12, decisions 10 to 13.
"""

from jivapay.services.balance_manager.accounts import (
    AccountKey,
    Balance,
    get_balance,
    list_account_ids,
    list_balances,
    lock_accounts,
    open_account,
)
from jivapay.services.balance_manager.blocking import is_blocked, list_short_disputes
from jivapay.services.balance_manager.corrections import (
    adjust,
    cleared_amount,
    hold_for_dispute,
    prepare_settlement,
    quote_another_amount,
    restate,
    returned_part,
    returning_leg,
    reverse,
)
from jivapay.services.balance_manager.covers import cover_repayment, cover_shortfall, list_repayable_covers
from jivapay.services.balance_manager.holds import (
    COVER_HOLD,
    PLACE_ORDER_HOLD,
    held_for,
    hold_trader_crypto,
    void_hold,
)
from jivapay.services.balance_manager.late_cover import late_cover, withdrawable
from jivapay.services.balance_manager.payouts import (
    held_for_payout,
    hold_payout,
    payout_hold_amount,
    release_clearing,
    restore_payout_hold,
    shrink_payout_hold,
    void_payout_hold,
)
from jivapay.services.balance_manager.roll_up import roll_up
from jivapay.services.balance_manager.settlement import (
    calculate_commissions,
    post_deposit,
    repair_completed_order,
    retake_hold,
    settlement_accounts,
    update_balances_for_completed_order,
    void_order_hold,
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
from jivapay.services.balance_manager.treasury import (
    find_correctable,
    hold_withdrawal,
    lock_owner,
    may_leave,
    owner_account,
    post_adjustment,
    post_correction,
    post_withdrawal,
)
from jivapay.services.balance_manager.unmatched import give_back, take_in

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
    "adjust",
    "calculate_commissions",
    "cleared_amount",
    "count_entries",
    "cover_repayment",
    "cover_shortfall",
    "find_correctable",
    "get_balance",
    "get_balance_at",
    "get_statement_page",
    "give_back",
    "held_for",
    "held_for_payout",
    "hold_for_dispute",
    "hold_payout",
    "hold_trader_crypto",
    "hold_withdrawal",
    "is_blocked",
    "late_cover",
    "list_account_ids",
    "list_balances",
    "list_profit",
    "list_repayable_covers",
    "list_short_disputes",
    "lock_accounts",
    "lock_owner",
    "may_leave",
    "open_account",
    "owner_account",
    "payout_hold_amount",
    "post_adjustment",
    "post_correction",
    "post_deposit",
    "post_withdrawal",
    "prepare_settlement",
    "quote_another_amount",
    "release_clearing",
    "repair_completed_order",
    "restate",
    "restore_payout_hold",
    "retake_hold",
    "returned_part",
    "returning_leg",
    "reverse",
    "roll_up",
    "settlement_accounts",
    "shrink_payout_hold",
    "stream_statement",
    "take_in",
    "update_balances_for_completed_order",
    "void_hold",
    "void_order_hold",
    "void_payout_hold",
    "withdrawable",
]
