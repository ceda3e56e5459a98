"""Who lives in the demo world: plain facts, made real by `demo.py`."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from stdnum import luhn

from jivapay.domain.permissions import PRESETS
from jivapay.schemas_enums.enums import AmountPolicy, Role
from jivapay.services.commission_service import Commission

BANKS = {"sberbank": "220220", "tbank": "220070", "alfabank": "220015"}
"""Where every trader has a card and a phone, with the first digits of that bank's cards."""
METHODS = ("sbp", "card")
STORE_COMMISSION = Commission(Decimal(3), Decimal(2))
TRADER_COMMISSION = Commission(Decimal(1), Decimal(1))
RATE = Decimal("92.50")
DEPOSIT = Decimal(50_000)
"""What each trader begins with, in crypto."""
STORE_DEPOSIT = Decimal(20_000)
"""What each store begins with: it pays out from the first minute on."""
LOWER_LIMIT, UPPER_LIMIT = Decimal(100), Decimal(100_000)
"""What a trader takes as one pay-in or pays as one pay-out, in roubles."""
STORE_UPPER_LIMIT = Decimal(1_000_000)
"""A store may ask for more than anybody takes: that is how orders come before a person."""


@dataclass(frozen=True, slots=True)
class Staff:
    email: str
    role: Role
    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CastTrader:
    """`number` sets his cards and phone apart from the others'."""

    email: str
    name: str
    number: int
    test: bool = False

    @property
    def phone(self) -> str:
        return f"+79{self.number:02}5550{self.number:03}"

    def card(self, bank: str) -> str:
        start = f"{BANKS[bank]}{self.number:02}4815162"
        return start + luhn.calc_check_digit(start)


@dataclass(frozen=True, slots=True)
class CastStore:
    """`options` are what its merchant has set, by column."""

    name: str
    test: bool = False
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CastMerchant:
    email: str
    name: str
    stores: tuple[CastStore, ...]


ADMIN = Staff("admin@demo.example", Role.ADMIN, "Анна Смирнова", PRESETS[Role.ADMIN]["full"])
SECOND_PERSON = Staff(
    "finance@demo.example",
    Role.ADMIN,
    "Борис Лебедев",
    tuple(dict.fromkeys(PRESETS[Role.ADMIN]["finance"] + PRESETS[Role.ADMIN]["operations"])),
)
"""Decides on the deposits the administrator records, and on whatever else takes two."""
SUPPORT = Staff(
    "support@demo.example",
    Role.SUPPORT,
    "Вера Козлова",
    (*PRESETS[Role.SUPPORT]["orders"], "orders:decide:any", "unmatched:decide:any"),
)
"""She also decides what waits for a person."""
TEAM_LEAD = Staff("teamlead@demo.example", Role.TEAMLEAD, "Глеб Орлов", PRESETS[Role.TEAMLEAD]["team"])
STAFF = (ADMIN, SECOND_PERSON, SUPPORT, TEAM_LEAD)

TRADERS = (
    CastTrader("trader1@demo.example", "Соколов Дмитрий Павлович", 11),
    CastTrader("trader2@demo.example", "Новикова Елена Сергеевна", 12),
    CastTrader("trader3@demo.example", "Морозов Захар Ильич", 13),
    CastTrader("trader4@demo.example", "Волкова Ирина Олеговна", 14),
    CastTrader("sandbox@demo.example", "Песочников Тест Тестович", 99, test=True),
)
BOTH_WAYS = {"pay_in_enabled": True, "pay_out_enabled": True}
ACCEPTS_A_LITTLE = {"amount_policy": AmountPolicy.ACCEPT_WITHIN_PERCENT, "amount_percent": Decimal(5)}
ALWAYS_ASKS = {"amount_policy": AmountPolicy.ALWAYS_ASK}

MERCHANTS = (
    CastMerchant(
        "merchant1@demo.example",
        "Книги",
        (
            CastStore("Книжный", options=BOTH_WAYS | ACCEPTS_A_LITTLE),
            CastStore("Песочница", test=True, options=BOTH_WAYS | ALWAYS_ASKS),
        ),
    ),
    CastMerchant("merchant2@demo.example", "Игры", (CastStore("Игротека", options=BOTH_WAYS | ALWAYS_ASKS),)),
)
