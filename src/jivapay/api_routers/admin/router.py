"""Everything administrators call, under one prefix."""

from jivapay.api_routers.admin import (
    adjustment_management_router,
    chain_head_router,
    commission_management_router,
    deposit_management_router,
    fraud_list_router,
    permission_management_router,
    platform_stats_router,
    rate_management_router,
    reconciliation_router,
    requisite_management_router,
    settings_management_router,
    store_management_router,
    task_router,
    user_management_router,
    withdrawal_management_router,
)
from jivapay.api_routers.common import approvals, staff_disputes, staff_orders, staff_requisites, unmatched_payments
from jivapay.schemas_enums.enums import Role
from jivapay.security.access import bearer_scheme
from jivapay.utils.routing import api_router

router = api_router("/api/admin", dependencies=[bearer_scheme(Role.ADMIN)])
for part in (
    user_management_router,
    commission_management_router,
    permission_management_router,
    staff_requisites,
    requisite_management_router,
    deposit_management_router,
    fraud_list_router,
    platform_stats_router,
    withdrawal_management_router,
    adjustment_management_router,
    store_management_router,
    task_router,
    staff_orders,
    staff_disputes,
    approvals,
    unmatched_payments,
    rate_management_router,
    reconciliation_router,
    settings_management_router,
    chain_head_router,
):
    router.include_router(part.router)
