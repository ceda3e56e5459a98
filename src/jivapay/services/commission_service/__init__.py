"""Commissions of stores and traders: what is in force, what is planned, what was changed by whom (decision 13, ENT-15).

`commission_changes` decides; `store_commissions` and `trader_commissions` keep the default that was last set to hold at
once, for those who have no history (`docs/adr/`).
"""

from jivapay.services.commission_service.changes import (
    AT_ONCE,
    When,
    check_trader,
    end_store_method,
    end_trader_method,
    set_store_commission,
    set_trader_commission,
)
from jivapay.services.commission_service.history import Change, list_changes
from jivapay.services.commission_service.in_force import (
    Commission,
    Term,
    Terms,
    find_commissions,
    find_percent,
    find_store_commission,
    find_trader_commission,
    get_terms,
    percent_sql,
)

__all__ = [
    "AT_ONCE",
    "Change",
    "Commission",
    "Term",
    "Terms",
    "When",
    "check_trader",
    "end_store_method",
    "end_trader_method",
    "find_commissions",
    "find_percent",
    "find_store_commission",
    "find_trader_commission",
    "get_terms",
    "list_changes",
    "percent_sql",
    "set_store_commission",
    "set_trader_commission",
]
