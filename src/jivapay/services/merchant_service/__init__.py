"""Merchants: their stores, the keys and secrets of these, and their balances (STA-05 to STA-07)."""

from jivapay.services.merchant_service.callbacks import (
    enable_addresses,
    list_callbacks,
    list_disabled_addresses,
    resend_callback,
)
from jivapay.services.merchant_service.keys import (
    KeyMaker,
    issue_api_key,
    list_api_keys,
    revoke_api_key,
    rotate_api_key,
)
from jivapay.services.merchant_service.proofs import StoreProof, get_store_proof
from jivapay.services.merchant_service.stores import (
    CreatedStore,
    NewStore,
    StoreView,
    create_merchant_store,
    delete_merchant_store,
    end_store_method,
    get_any_store,
    get_merchant_store,
    get_merchant_stores,
    get_store_balance,
    list_any_stores,
    rotate_callback_secret,
    set_store_access,
    set_store_terms,
    update_merchant_store,
)

__all__ = [
    "CreatedStore",
    "KeyMaker",
    "NewStore",
    "StoreProof",
    "StoreView",
    "create_merchant_store",
    "delete_merchant_store",
    "enable_addresses",
    "end_store_method",
    "get_any_store",
    "get_merchant_store",
    "get_merchant_stores",
    "get_store_balance",
    "get_store_proof",
    "issue_api_key",
    "list_any_stores",
    "list_api_keys",
    "list_callbacks",
    "list_disabled_addresses",
    "resend_callback",
    "revoke_api_key",
    "rotate_api_key",
    "rotate_callback_secret",
    "set_store_access",
    "set_store_terms",
    "update_merchant_store",
]
