"""Everything support staff calls, under one prefix."""

from jivapay.api_routers.common import approvals, staff_disputes, staff_orders, staff_requisites, unmatched_payments
from jivapay.schemas_enums.enums import Role
from jivapay.security.access import bearer_scheme
from jivapay.utils.routing import api_router

router = api_router("/api/support", tags=("support",), dependencies=[bearer_scheme(Role.SUPPORT)])
router.include_router(staff_orders.router)
router.include_router(staff_disputes.router)
router.include_router(approvals.router)
router.include_router(unmatched_payments.router)
router.include_router(staff_requisites.router)
