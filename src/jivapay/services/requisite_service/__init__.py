"""Requisites: traders add and change their own, staff let them into traffic or not (RQS-01 to RQS-05)."""

from jivapay.services.requisite_service.moderation import (
    ModerationView,
    get_requisite_details_for_moderation,
    list_requisites_for_moderation,
    set_requisite_status,
)
from jivapay.services.requisite_service.own import (
    Limits,
    NewRequisite,
    archive_requisite,
    create_requisite,
    get_requisite,
    list_requisites,
    update_requisite,
)
from jivapay.services.requisite_service.revealing import Revealed, allow_reveals, reveal_requisite
from jivapay.services.requisite_service.views import RequisiteView

__all__ = [
    "Limits",
    "ModerationView",
    "NewRequisite",
    "RequisiteView",
    "Revealed",
    "allow_reveals",
    "archive_requisite",
    "create_requisite",
    "get_requisite",
    "get_requisite_details_for_moderation",
    "list_requisites",
    "list_requisites_for_moderation",
    "reveal_requisite",
    "set_requisite_status",
    "update_requisite",
]
