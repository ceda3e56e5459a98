"""Reference data as it travels."""

from datetime import datetime

from jivapay.schemas_enums.base import AnswerModel
from jivapay.schemas_enums.enums import CurrencyKind
from jivapay.schemas_enums.money import RateText


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
