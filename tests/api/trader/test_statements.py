"""Statements over HTTP: of store, trader and platform, as JSON and as files, for whom they are."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from factories.office import Office, Person, code_of, open_office
from factories.world import World
from jivapay.database.models.records import AuditLog
from jivapay.schemas_enums.enums import Role
from jivapay.services.statement_service import files

NOBODY = "0199aaaa-0000-7000-8000-000000000000"
EVIL = "=HYPERLINK(1)"


@dataclass
class Books:
    """A world with a history, and everybody who may look at it."""

    world: World
    office: Office
    merchant: Person
    trader: Person
    admin: Person

    @property
    def of_store(self) -> str:
        return f"/stores/{self.world.store.public_id}/balance/history"

    def ways(self) -> list[tuple[Person, str]]:
        """Every statement there is: who asks, and where."""
        of_trader = f"/traders/{self.world.trader.user_public_id}/balances/history"
        return [
            (self.merchant, self.of_store),
            (self.admin, self.of_store),
            (self.trader, "/balances/history?account=crypto"),
            (self.trader, "/balances/history?account=fiat"),
            (self.admin, f"{of_trader}?account=crypto"),
            (self.admin, f"{of_trader}?account=fiat"),
            (self.admin, "/platform/balance/history?currency=USDT"),
        ]


@pytest.fixture
async def books(world: World) -> AsyncIterator[Books]:
    await world.complete(Decimal("4750.00"))
    await world.advance(60)
    await world.complete(Decimal("1000.00"), external_order_id=EVIL)
    await world.advance(60)
    async with open_office(world.resources) as office:
        merchant = await office.shopkeeper(world.store.merchant_id)
        trader = await office.enter(world.trader.user_id, world.trader.user_public_id, Role.TRADER)
        yield Books(world, office, merchant, trader, await office.admin())


def path_of(path: str, more: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{more}"


async def test_every_statement_adds_up(books: Books) -> None:
    for person, path in books.ways():
        shown = (await person.get(path)).json()
        running = Decimal(shown["opening"])
        for item in shown["items"]:
            running += Decimal(item["amount"])
            assert Decimal(item["balance_after"]) == running
        assert Decimal(shown["closing"]) == running
        assert Decimal(shown["opening"]) + Decimal(shown["credited"]) - Decimal(shown["debited"]) == running
        assert shown["total"] == len(shown["items"]) == (3 if "crypto" in path else 2), path
        again, cursor = [], ""
        while True:
            page = (await person.get(path_of(path, f"page_size=1{cursor}"))).json()
            assert (page["opening"], page["closing"]) == (shown["opening"], shown["closing"])
            again += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert again == shown["items"]
        newest = (await person.get(path_of(path, "sort=-created_at"))).json()["items"]
        assert newest == list(reversed(shown["items"]))


async def test_what_an_entry_says(books: Books) -> None:
    shown = (await books.merchant.get(books.of_store)).json()
    assert (shown["owner_type"], shown["account"], shown["currency"]) == ("store", "crypto", "USDT")
    assert (shown["opening"], shown["closing"]) == ("0.000000", f"{(await books.world.store_balance()).total:f}")
    first, second = shown["items"]
    assert (first["kind"], first["amount"], first["balance_after"]) == ("settlement", "49.810810", "49.810810")
    assert (second["external_order_id"], second["reference_type"], second["reverses"]) == (EVIL, "order", None)
    assert second["order_id"] == second["reference_id"]
    only = (await books.merchant.get(path_of(books.of_store, f"from={second['at']}"))).json()
    assert (only["opening"], only["total"], only["from"]) == (first["balance_after"], 1, second["at"])
    earlier = (await books.merchant.get(path_of(books.of_store, f"to={second['at']}"))).json()
    assert (earlier["closing"], earlier["total"]) == (first["balance_after"], 1)
    deposit = (await books.trader.get("/balances/history")).json()["items"][0]
    assert (deposit["kind"], deposit["amount"], deposit["order_id"]) == ("deposit", "10000.000000", None)
    assert deposit["reference_id"] is not None


async def test_files_hold_the_same(books: Books) -> None:
    for person, path in books.ways():
        shown = (await person.get(path)).json()
        where = path.replace("/history", "/history/file")
        answer = await person.get(where, headers={"Accept-Language": "en"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"].startswith('attachment; filename="statement-')
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
        head = next(place for place, row in enumerate(rows) if row[:1] == ["Time"])
        summary = dict(rows[: head - 1])
        assert summary["Opening balance"] == shown["opening"]
        assert summary["Closing balance"] == shown["closing"]
        assert [(row[5], row[6], row[7]) for row in rows[head + 1 :]] == [
            (item["amount"], item["balance_after"], item["id"]) for item in shown["items"]
        ]
        assert [row[3] for row in rows[head + 1 :] if row[3].endswith(EVIL)] in ([], [f"'{EVIL}"])
        book = await person.get(path_of(where, "format=xlsx"))
        with zipfile.ZipFile(io.BytesIO(book.content)) as opened:
            assert b"<f>" not in opened.read("xl/worksheets/sheet2.xml")


async def test_files_speak_russian_unless_asked_otherwise(books: Books) -> None:
    where = f"{books.of_store}/file"
    for header, heading in ((None, "Время;Операция"), ("ru", "Время;Операция"), ("en-GB, ru;q=0.5", "Time,Kind")):
        headers = {"Accept-Language": header} if header else {}
        assert heading in (await books.merchant.get(where, headers=headers)).content.decode("utf-8-sig")
    async with books.world.database.read() as session:
        rows = await session.scalars(select(AuditLog.details).where(AuditLog.action == "statement.exported"))
        taken: list[dict[str, Any]] = list(rows)
    assert [(row["account"], row["entries"]) for row in taken] == [("store:crypto:USDT", 2)] * 3


async def test_a_file_has_an_end(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "ROWS_MAX", 1)
    refused = await books.merchant.get(f"{books.of_store}/file")
    assert code_of(refused) == (422, "statement.too_long")


async def test_nobody_reads_what_is_not_his(books: Books) -> None:
    merchant, trader = await books.office.merchant(), await books.office.trader()
    support = await books.office.admin("platform:read:any")
    for where in (books.of_store, f"{books.of_store}/file"):
        assert code_of(await merchant.get(where)) == (404, "not_found")
        assert code_of(await support.get(where)) == (403, "permission.denied")
    assert (await trader.get("/balances/history")).json()["total"] == 0
    for path in (f"/stores/{NOBODY}/balance/history", f"/traders/{NOBODY}/balances/history"):
        assert code_of(await books.admin.get(path)) == (404, "not_found")
        assert code_of(await books.admin.get(f"{path}/file")) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "range.invalid"),
        ("from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "range.invalid"),
        ("from=yesterday", "range.invalid"),
        ("to=0001-01-01T00:00:00Z", "range.invalid"),
        ("from=9999-12-31T23:59:59Z", "range.invalid"),
        ("sort=amount", "sort.unknown_field"),
        ("cursor=nothing", "cursor.invalid"),
        ("cursor=Y3JlYXRlZF9hdDowMTk5YWFhYTAwMDA3MDAwODAwMDAwMDAwMDAwMDAwMA", "cursor.invalid"),
        ("colour=red", "validation.unknown_field"),
    ],
)
async def test_refused(books: Books, query: str, code: str) -> None:
    refused = await books.merchant.get(path_of(books.of_store, query))
    assert code_of(refused)[0] == 422
    assert refused.json()["errors"][0]["code"] == code


async def test_balances_of_the_past(books: Books) -> None:
    shown = (await books.merchant.get(books.of_store)).json()
    between = shown["items"][0]["at"]
    where = f"/stores/{books.world.store.public_id}/balance"
    assert (await books.merchant.get(path_of(where, f"at={between}"))).json()["total"] == "49.810810"
    assert (await books.merchant.get(where)).json()["total"] == shown["closing"]
    then = (await books.trader.get(f"/balances?at={between}")).json()["items"]
    assert [(item["account"], item["total"], item["held"]) for item in then] == [
        ("crypto", "9949.162163", "0.000000"),
        ("fiat", "4750.00", "0.00"),
    ]
    long_ago = (books.world.clock.now() - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (await books.merchant.get(path_of(where, f"at={long_ago}"))).json()["total"] == "0.000000"
    platform = (await books.admin.get("/platform/balance")).json()
    live = next(item for item in platform["items"] if not item["test"])
    whole = (await books.admin.get("/platform/balance/history")).json()
    assert (live["currency"], live["total"], live["held"]) == ("USDT", whole["closing"], "0.000000")
    past = (await books.admin.get(f"/platform/balance?at={between}")).json()
    assert [item["total"] for item in past["items"]] == ["1.027027", "0.000000"]
    unknown = await books.admin.get("/platform/balance/history?currency=DOGE")
    assert code_of(unknown) == (422, "currency.unknown")


async def test_profit(books: Books) -> None:
    closing = (await books.admin.get("/platform/balance/history")).json()["closing"]
    by_day = (await books.admin.get("/platform/profit")).json()
    assert by_day["totals"] == {"USDT": closing}
    for by, owner in (("store", books.world.store.public_id), ("trader", books.world.trader.user_public_id)):
        shown = (await books.admin.get(f"/platform/profit?by={by}")).json()
        assert [(item["id"], item["profit"], item["orders"]) for item in shown["items"]] == [(str(owner), closing, 2)]
    assert (await books.admin.get("/platform/profit?test=true")).json()["items"] == []
    assert (await books.admin.get("/platform/profit?by=moon")).status_code == 422
    stranger = await books.office.admin("statements:read:any")
    for path in ("/platform/profit", "/platform/balance", "/platform/balance/history"):
        assert code_of(await stranger.get(path)) == (403, "permission.denied")
