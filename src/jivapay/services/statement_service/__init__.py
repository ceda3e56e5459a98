"""The ledger's read side for people: statements as JSON, CSV and XLSX, balances at a moment, the platform's profit
(ENT-14, STA-01).
"""

from jivapay.services.statement_service.accounts import (
    StatedAccount,
    any_store,
    any_trader,
    own_store,
    own_trader,
    platform,
)
from jivapay.services.statement_service.files import FindAccount, StatementFile, make_file
from jivapay.services.statement_service.reading import (
    get_profit,
    get_statement,
    list_platform_balances,
)

__all__ = [
    "FindAccount",
    "StatedAccount",
    "StatementFile",
    "any_store",
    "any_trader",
    "get_profit",
    "get_statement",
    "list_platform_balances",
    "make_file",
    "own_store",
    "own_trader",
    "platform",
]
