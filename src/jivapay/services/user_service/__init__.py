"""People: accounts with the profile of their role, signing in, passwords and second factors (USR-01 to USR-07,
AUT-05 to AUT-12).
"""

from jivapay.services.user_service.accounts import (
    Created,
    NewTrader,
    NewUser,
    block_user,
    create_first_administrator,
    create_user,
    create_user_once,
    get_all_users_basic,
    get_user,
    get_user_by_id,
    reset_password,
    unblock_user,
)
from jivapay.services.user_service.factors import begin_totp, confirm_totp, remove_totp
from jivapay.services.user_service.passwords import change_password
from jivapay.services.user_service.sign_in import (
    Caller,
    Credentials,
    authenticate_user,
    refresh,
    sign_in,
    sign_out,
    step_up,
)

__all__ = [
    "Caller",
    "Created",
    "Credentials",
    "NewTrader",
    "NewUser",
    "authenticate_user",
    "begin_totp",
    "block_user",
    "change_password",
    "confirm_totp",
    "create_first_administrator",
    "create_user",
    "create_user_once",
    "get_all_users_basic",
    "get_user",
    "get_user_by_id",
    "refresh",
    "remove_totp",
    "reset_password",
    "sign_in",
    "sign_out",
    "step_up",
    "unblock_user",
]
