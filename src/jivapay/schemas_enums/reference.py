"""Reference data as it travels."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from jivapay.schemas_enums.base import AnswerModel, Code, Flag, RequestModel
from jivapay.schemas_enums.enums import CurrencyKind
from jivapay.schemas_enums.money import Amount, RateText


class CurrencyRead(AnswerModel):
    code: str
    kind: CurrencyKind
    scale: int


class CurrencyList(AnswerModel):
    items: list[CurrencyRead]


class PaymentMethodRead(AnswerModel):
    code: str
    number_kind: str


class PaymentMethodList(AnswerModel):
    items: list[PaymentMethodRead]


class BankRead(AnswerModel):
    code: str
    name: str
    currency: str
    payment_methods: list[str]


class BankList(AnswerModel):
    items: list[BankRead]


class ExchangeRateRead(AnswerModel):
    """Fiat per crypto."""

    fiat: str
    crypto: str
    buy_rate: RateText
    sell_rate: RateText
    source: str
    set_at: datetime


class ExchangeRateList(AnswerModel):
    items: list[ExchangeRateRead]


class RateWrite(RequestModel):
    """Both rates of a pair. A change larger than RATE_JUMP_PERCENT_MAX has to be confirmed."""

    fiat: Code
    crypto: Code
    rate: Annotated[Decimal, Amount(decimals_max=8)]
    confirm_jump: Flag = False


class KnownRateRead(ExchangeRateRead):
    stamped_at: datetime
    """Its source's last word that it still holds."""
    is_fresh: bool
    """Whether orders are priced with it; a stale rate is never used."""


class KnownRateList(AnswerModel):
    items: list[KnownRateRead]
