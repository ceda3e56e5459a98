"""Everything merchants call, under one prefix."""

from jivapay.api_routers.common import (
    disputes,
    merchant_callbacks,
    merchant_orders,
    own_deposits,
    store_statements,
    stores,
    withdrawals,
)
from jivapay.schemas_enums.enums import Role
from jivapay.security.access import bearer_scheme
from jivapay.utils.routing import api_router

router = api_router("/api/merchant", tags=("merchant",), dependencies=[bearer_scheme(Role.MERCHANT)])
router.include_router(stores.router)
router.include_router(store_statements.router)
router.include_router(merchant_orders.router)
router.include_router(disputes.router)
router.include_router(merchant_callbacks.router)
router.include_router(withdrawals.router)
router.include_router(withdrawals.of_merchants)
router.include_router(own_deposits.router)
