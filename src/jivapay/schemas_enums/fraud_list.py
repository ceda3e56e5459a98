"""The block and allow lists as they travel."""

from datetime import datetime
from uuid import UUID

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from jivapay.schemas_enums.base import AnswerModel, ExternalId, PageQuery, QueryModel, Reason, RequestModel, Timestamp
from jivapay.schemas_enums.enums import FraudListKind, FraudListType
from jivapay.schemas_enums.gateway import CustomerIp


class FraudEntryCreate(RequestModel):
    """Either `ip`, or `store_id` and `customer_id`."""

    list_type: FraudListType
    ip: CustomerIp | None = None
    store_id: UUID | None = None
    customer_id: ExternalId | None = None
    reason: Reason
    expires_at: Timestamp | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "FraudEntryCreate":
        customer = (self.store_id is not None, self.customer_id is not None)
        if customer != ((self.ip is None,) * 2):
            raise PydanticCustomError("validation.inconsistent", "name an address, or a customer of a store")
        return self


class FraudEntryRead(AnswerModel):
    id: UUID
    list_type: FraudListType
    kind: FraudListKind
    ip: str | None
    store_id: UUID | None
    customer_id: str | None
    reason: str
    expires_at: datetime | None
    created_at: datetime


class FraudEntryFilter(PageQuery):
    list_type: FraudListType | None = None


class FraudEntryRemoval(QueryModel):
    reason: Reason
