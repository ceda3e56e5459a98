"""Reference data for anybody."""

from decimal import Decimal

from sqlalchemy import insert, update

from factories.office import Office, code_of
from jivapay.database.models.reference import Bank, BankMethod, ExchangeRate


async def test_lists(office: Office) -> None:
    get = office.client.get
    assert (await get("/api/public/currencies")).json()["items"] == [
        {"code": "RUB", "kind": "fiat", "scale": 2},
        {"code": "USDT", "kind": "crypto", "scale": 6},
    ]
    assert (await get("/api/public/payment-methods")).json()["items"] == [
        {"code": "card", "number_kind": "card"},
        {"code": "sbp", "number_kind": "phone"},
    ]
    banks = (await get("/api/public/banks")).json()["items"]
    assert [bank["code"] for bank in banks] == ["alfa", "sber", "tbank"]
    assert banks[1] == {"code": "sber", "name": "Сбербанк", "currency": "RUB", "payment_methods": ["card", "sbp"]}


async def test_newest_rate_of_a_pair(office: Office) -> None:
    async with office.resources.database.write() as session:
        for rate in ("91", "92.50"):
            row = {"fiat": "RUB", "crypto": "USDT", "buy_rate": Decimal(rate), "sell_rate": Decimal(rate)}
            await session.execute(insert(ExchangeRate).values(**row, source="manual"))
    items = (await office.client.get("/api/public/exchange-rates")).json()["items"]
    assert [(item["sell_rate"], item["buy_rate"], item["source"]) for item in items] == [("92.50", "92.50", "manual")]


async def test_inactive_ones_are_left_out(office: Office) -> None:
    async with office.resources.database.write() as session:
        await session.execute(update(Bank).where(Bank.code == "alfa").values(is_active=False))
        await session.execute(update(BankMethod).where(BankMethod.bank == "tbank").values(is_active=False))
    banks = (await office.client.get("/api/public/banks")).json()["items"]
    assert [bank["code"] for bank in banks] == ["sber"]


async def test_limited_by_address(office: Office) -> None:
    await office.set(RATE_LIMIT_DEFAULT="2/minute")
    try:
        answers = [await office.client.get("/api/public/banks") for _ in range(6)]
    finally:
        await office.set(RATE_LIMIT_DEFAULT="90000/minute")
    assert code_of(answers[-1]) == (429, "rate_limited")
