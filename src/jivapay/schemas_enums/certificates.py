"""The rate certificate: everything an order's amounts were computed from, enough to compute them again."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from jivapay.schemas_enums.base import AnswerModel
from jivapay.schemas_enums.money import AmountText, RateText
from jivapay.schemas_enums.people_types import PercentText


class RoundingRead(AnswerModel):
    """How every step is rounded: amounts to the currency's decimals, rates to `rate_decimals`."""

    mode: Literal["half_even"] = "half_even"
    rate_decimals: int
    fiat_decimals: int
    crypto_decimals: int


class CertifiedRate(AnswerModel):
    """Fiat per crypto, as it was frozen when the requisite was assigned, or taken anew for a late payment."""

    base_rate: RateText
    margin_percent: PercentText | None
    """Null for the trader, and for orders from before it was kept."""
    rate: RateText | None
    """With the store's margin: dearer crypto for a pay-in, cheaper for a pay-out. Null for the trader."""
    source: str
    stamped_at: datetime
    """When its source last said that it holds."""
    taken_at: datetime
    age_seconds: int
    """How old it was then."""
    is_late: bool
    """Taken anew: the frozen one no longer covered the payment."""


class CertifiedLeg(AnswerModel):
    """`amount_crypto` is the fiat amount at this side's rate, `commission` its percentage of that."""

    rate: RateText
    amount_crypto: AmountText
    percent: PercentText
    commission: AmountText
    moves: AmountText
    """What settling the order changes on this side's balance."""


class RateCertificateRead(AnswerModel):
    """Merchants see the store's leg, traders their own, staff both and what is left for the platform."""

    order_id: UUID
    direction: str
    status: str
    amount_fiat: AmountText
    amount_agreed: AmountText
    fiat_currency: str
    crypto_currency: str
    rate: CertifiedRate
    rounding: RoundingRead
    store: CertifiedLeg | None
    trader: CertifiedLeg | None
    platform_profit: AmountText | None
    test: bool
