"""Statements, balances at a moment and the platform's profit, as they travel."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from jivapay.schemas_enums.base import AnswerModel, Code, ListQuery, QueryModel, Timestamp
from jivapay.schemas_enums.money import AmountText
from jivapay.schemas_enums.stores import BalanceRead

From = Annotated[
    Timestamp | None,
    Field(alias="from", description="Included; 30 days before the end unless said otherwise, at most 366"),
]
To = Annotated[Timestamp | None, Field(alias="to", description="Not included; now unless said otherwise")]
TestWorld = Annotated[Literal["true", "false"], Field(description="Of the trial world")]


class StatementQuery(ListQuery):
    start: From = None
    end: To = None


class StatementFileQuery(QueryModel):
    start: From = None
    end: To = None
    format: Literal["csv", "xlsx"] = "csv"


class TraderStatementQuery(StatementQuery):
    account: Literal["crypto", "fiat"] = "crypto"


class TraderStatementFileQuery(StatementFileQuery):
    account: Literal["crypto", "fiat"] = "crypto"


class PlatformStatementQuery(StatementQuery):
    currency: Code = "USDT"
    test: TestWorld = "false"


class PlatformStatementFileQuery(StatementFileQuery):
    currency: Code = "USDT"
    test: TestWorld = "false"


class AtQuery(QueryModel):
    at: Timestamp | None = Field(default=None, description="Now unless said otherwise")


class StatementEntry(AnswerModel):
    """One movement. `id` is its transfer's; `reference_id` what it was for, where that has an id."""

    id: UUID
    at: datetime
    kind: str
    order_id: UUID | None
    external_order_id: str | None
    reference_type: str
    reference_id: UUID | None
    reverses: UUID | None
    """The transfer it takes back."""
    amount: AmountText
    balance_after: AmountText


class StatementRead(AnswerModel):
    """`opening + credited - debited = closing`, over the whole period; `items` are some of its entries."""

    owner_type: Literal["store", "trader", "platform"]
    owner_id: UUID | None
    account: Literal["crypto", "fiat"]
    currency: str
    test: bool
    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    opening: AmountText
    credited: AmountText
    debited: AmountText
    closing: AmountText
    items: list[StatementEntry]
    total: int
    page: int
    page_size: int
    next_cursor: str | None


class PlatformBalanceRead(BalanceRead):
    test: bool


class PlatformBalances(AnswerModel):
    at: datetime
    items: list[PlatformBalanceRead]


class ProfitQuery(QueryModel):
    by: Literal["day", "store", "trader"] = "day"
    start: From = None
    end: To = None
    test: TestWorld = "false"


class ProfitEntry(AnswerModel):
    """`day` in UTC when asked by day, else whose orders brought it."""

    day: date | None
    id: UUID | None
    name: str | None
    currency: str
    profit: AmountText
    orders: int


class ProfitRead(AnswerModel):
    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    items: list[ProfitEntry]
    totals: dict[str, AmountText]
    """Of the whole period, by currency."""
