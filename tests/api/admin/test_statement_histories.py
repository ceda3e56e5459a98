"""Every statement of a platform on which everything has happened, to the digit what an independent sum says.

The sum is made here, over the postings themselves: nothing of the statements' own SQL takes part.
"""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest
from sqlalchemy import text

from factories import disputes, people
from factories.office import Office, Person, open_office
from factories.payouts import PAYS
from factories.people import CRYPTO
from factories.treasury import ADDRESS, OTHER_ADDRESS, Till, make_till, merchant_of
from factories.world import World, make_world
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import DepositNetwork, OwnerType, Role
from jivapay.services import adjustment_service, approval_service, withdrawal_service
from jivapay.services.adjustment_service import AdjustmentView, NewAdjustment, NewCorrection
from jivapay.services.withdrawal_service import NewWithdrawal, PlatformWithdrawal
from jivapay.utils.resources import Resources

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

SCALES = {"USDT": 6, "RUB": 2}
ACCOUNTS = """
select a.id, a.owner_type, a.kind, a.currency, a.test, a.balance, s.public_id as store_id, s.merchant_id,
       u.public_id as trader_user_id, u.id as user_id
  from accounts a
  left join merchant_stores s on a.owner_type = 'store' and s.id = a.owner_id
  left join traders t on a.owner_type = 'trader' and t.id = a.owner_id
  left join users u on u.id = t.user_id
 where a.owner_type <> 'world' order by a.id
"""
POSTINGS = """
select t.public_id, t.kind, p.amount, p.created_at from postings p join transfers t on t.id = p.transfer_id
 where p.account_id = :id order by p.created_at, p.id
"""
KINDS = {
    "settlement", "settlement_reversal", "adjustment", "adjustment_reversal", "deposit", "withdrawal",
    "withdrawal_reversal", "cover", "cover_repayment", "unmatched", "unmatched_reversal",
}  # fmt: skip


async def live(world: World) -> None:
    """Both directions settled, corrected and taken back; money in, out, set right, lent, and without an order."""
    await world.fund(Decimal(1000))
    await world.complete(Decimal("475000.00"))
    await world.complete_payout(Decimal("1234.56"))
    await world.confirm_payout(await world.complete_payout(Decimal("777.77")))
    await world.roll_up()
    await world.advance(60)
    await _correct_orders(world)
    till = await make_till(world)
    await _take_out(world, till)
    await world.advance(60)
    await _find_money(world)
    await _lend(world)
    await world.roll_up()
    await world.advance(60)
    await _set_right(world, till)
    await world.assign(Decimal("500.00"))
    await world.offer_payout(Decimal("300.00"))


async def _correct_orders(world: World) -> None:
    adjusted, reversed_, wrong = [await world.complete(Decimal(amount)) for amount in ("999.99", "1001.00", "31415.92")]
    for one in (adjusted, reversed_):
        case = await disputes.open_dispute(world, one)
        assert await disputes.resolve(world, case, "adjusted", amount="810.50") == "resolved_adjusted"
    for one in (reversed_, wrong, await world.complete_payout(Decimal("2222.22"))):
        case = await disputes.open_dispute(world, one)
        assert await disputes.resolve(world, case, "cancelled") == "resolved_cancelled"


async def _find_money(world: World) -> None:
    """More than was agreed, and payments without an order: attached, returned, waiting."""
    larger, attached = [await world.assign(Decimal(amount)) for amount in ("301.00", "302.00")]
    for incoming in (larger, attached):
        trader, _ = await world.trader_of(incoming)
        if incoming == larger:
            await world.confirm_by_trader(larger, amount=Decimal("400.40"))
        else:
            await world.attach(await world.declare(Decimal("310.10"), trader=trader), attached)
    await world.return_unmatched(await world.declare(Decimal("320.20")))
    await world.declare(Decimal("330.30"))


async def _lend(world: World) -> None:
    poor = await world.add_store(pay_out_enabled=True)
    returned = await world.complete(Decimal("4750.00"), store=poor)
    await world.accept_payout(Decimal("2000.00"), store=poor)
    case = await disputes.open_dispute(world, returned)
    assert await disputes.resolve(world, case, "cancelled") == "waiting_funds"
    assert await disputes.lend(world, case) == "resolved_cancelled"
    await disputes.deposit_to_store(world, "1.5", poor)
    assert await disputes.repay_covers(world) == Decimal("1.5")


async def _take_out(world: World, till: Till) -> None:
    """Of the trader, of the store, and of the platform's profit; one transaction came back."""
    rules = world.rules.model_copy(update={"withdrawal_address_cooling_seconds": 0})
    merchant = await merchant_of(world)
    platform = PlatformWithdrawal(Decimal("0.5"), CRYPTO, DepositNetwork.TRON, ADDRESS, "profit")
    async with world.database.write() as session:
        book = await withdrawal_service.add_address(session, merchant, DepositNetwork.TRON, OTHER_ADDRESS, "his", rules)
    async with world.database.write() as session:
        new = NewWithdrawal(Decimal("12.345678"), CRYPTO, book.public_id, world.store.public_id)
        of_store = await withdrawal_service.request_withdrawal(session, merchant, new, world.rules)
        of_platform = await withdrawal_service.request_platform_withdrawal(session, till.first, platform, world.rules)
    wanted = [of_store.thing.withdrawal.public_id, of_platform.thing.withdrawal.public_id]
    wanted += [await till.request(Decimal(amount)) for amount in ("100", "0.000001")]
    for withdrawal_id in wanted:
        if withdrawal_id == wanted[1]:
            await till.agree(withdrawal_id)
        else:
            await till.approve(withdrawal_id)
        await till.claim(withdrawal_id)
        await till.send(withdrawal_id)
    back = NewCorrection("withdrawal", wanted[2], "the chain gave it back")
    async with world.database.write() as session:
        made = await adjustment_service.request_correction(session, till.first, back, world.rules)
    await _agree(world, made.thing)


async def _set_right(world: World, till: Till) -> None:
    owners = (
        (OwnerType.TRADER, world.trader.user_public_id, "7"),
        (OwnerType.STORE, world.store.public_id, "-3.000003"),
        (OwnerType.PLATFORM, None, "0.25"),
    )
    adjusted = []
    for owner_type, owner_id, amount in owners:
        new = NewAdjustment(owner_type, owner_id, Decimal(amount), CRYPTO, "by hand")
        async with world.database.write() as session:
            made = await adjustment_service.request_adjustment(session, till.first, new, world.rules)
        await _agree(world, made.thing)
        adjusted.append(made.thing.adjustment.public_id)
    async with world.database.write() as session:
        undo = NewCorrection("balance_adjustment", adjusted[-1], "was wrong")
        undone = await adjustment_service.request_correction(session, till.first, undo, world.rules)
    await _agree(world, undone.thing)


async def _agree(world: World, view: AdjustmentView) -> None:
    assert view.approval_id is not None
    async with world.database.write() as session:
        other: Actor = await people.add_admin(session)
        approval = await approval_service.take(session, other, view.approval_id)
        await adjustment_service.execute_adjustment(session, other, approval, world.rules)


@dataclass(frozen=True)
class Account:
    """One account that has a statement: its row, and what was posted to it, oldest first."""

    row: Any
    postings: list[Any]

    def written(self, amount: Decimal) -> str:
        return f"{amount:.{SCALES[self.row.currency]}f}"

    def expected(self, postings: list[Any], opening: Decimal) -> list[tuple[str, str, str]]:
        """(transfer, amount, balance after) of each of these postings."""
        running = list(accumulate((posting.amount for posting in postings), initial=opening))[1:]
        return [
            (str(posting.public_id), self.written(posting.amount), self.written(after))
            for posting, after in zip(postings, running, strict=True)
        ]

    def path(self, *, own: bool) -> str:
        row = self.row
        match row.owner_type:
            case "store":
                return f"/stores/{row.store_id}/balance/history"
            case "trader":
                whose = "" if own else f"/traders/{row.trader_user_id}"
                return f"{whose}/balances/history?account={row.kind}"
            case _:
                return f"/platform/balance/history?currency={row.currency}&test={str(row.test).lower()}"


async def accounts_of(world: World) -> list[Account]:
    async with world.database.read() as session:
        rows = (await session.execute(text(ACCOUNTS))).all()
        return [Account(row, list((await session.execute(text(POSTINGS), {"id": row.id})).all())) for row in rows]


async def owner_of(office: Office, account: Account, staff: Person) -> Person:
    row = account.row
    if row.owner_type == "store":
        return await office.shopkeeper(row.merchant_id)
    if row.owner_type == "trader":
        return await office.enter(row.user_id, row.trader_user_id, Role.TRADER)
    return staff


def more(path: str, addition: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{addition}"


async def check_json(person: Person, account: Account, path: str) -> None:
    """The whole, and each half of it with its own opening balance."""
    cut = len(account.postings) // 2
    middle = account.postings[cut].created_at.isoformat().replace("+00:00", "Z")
    halves = [
        ("", account.postings, []),
        (f"&to={middle}", [one for one in account.postings if one.created_at < account.postings[cut].created_at], []),
        (
            f"&from={middle}",
            [one for one in account.postings if one.created_at >= account.postings[cut].created_at],
            [one for one in account.postings if one.created_at < account.postings[cut].created_at],
        ),
    ]
    for query, postings, before in halves:
        answer = await person.get(more(path, f"page_size=200{query}"))
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        opening = sum((one.amount for one in before), Decimal(0))
        closing = opening + sum((one.amount for one in postings), Decimal(0))
        expected = account.expected(postings, opening)
        assert [(item["id"], item["amount"], item["balance_after"]) for item in shown["items"]] == expected
        assert [item["kind"] for item in shown["items"]] == [one.kind for one in postings]
        assert (shown["opening"], shown["closing"]) == (account.written(opening), account.written(closing))
        credited = sum((one.amount for one in postings if one.amount > 0), Decimal(0))
        debited = -sum((one.amount for one in postings if one.amount < 0), Decimal(0))
        assert (shown["credited"], shown["debited"]) == (account.written(credited), account.written(debited))
        assert shown["total"] == len(postings)


async def check_files(person: Person, account: Account, path: str) -> None:
    expected = account.expected(account.postings, Decimal(0))
    closing = account.written(sum((one.amount for one in account.postings), Decimal(0)))
    where = path.replace("/history", "/history/file")
    plain = await person.get(where, headers={"Accept-Language": "en"})
    rows = list(csv.reader(io.StringIO(plain.content.decode("utf-8-sig"), newline="")))
    head = next(place for place, row in enumerate(rows) if row[:1] == ["Time"])
    assert [(row[7], row[5], row[6]) for row in rows[head + 1 :]] == expected
    assert dict(rows[: head - 1])["Closing balance"] == closing
    book = await person.get(more(where, "format=xlsx"))
    summary, table = sheets(book.content)
    found = [(row["H"], account.written(Decimal(row["F"])), account.written(Decimal(row["G"]))) for row in table[1:]]
    assert found == expected
    assert account.written(Decimal(summary[7]["B"])) == closing


def sheets(content: bytes) -> list[list[dict[str, str]]]:
    """Column → what stands there, for every row of the summary and of the table."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        pages = [book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (1, 2)]
    cell = re.compile(r'<c r="([A-Z])\d+"[^>]*><(?:v|is)>(?:<t[^>]*>)?([^<]*)')
    return [[dict(cell.findall(row)) for row in re.findall(r"<row .*?</row>", page)] for page in pages]


async def test_every_statement_is_what_the_postings_say(own_resources: Resources) -> None:
    world = await make_world(own_resources, traders=2, limits=PAYS, pay_out_enabled=True)
    await live(world)
    found = await accounts_of(world)
    kinds = {posting.kind for account in found for posting in account.postings}
    assert kinds == KINDS
    async with open_office(world.resources) as office:
        staff = await office.admin()
        for account in found:
            await check_json(staff, account, account.path(own=False))
            await check_files(await owner_of(office, account, staff), account, account.path(own=True))
    assert {(one.row.owner_type, one.row.kind) for one in found} == {
        ("store", "crypto"), ("trader", "crypto"), ("trader", "fiat"), ("platform", "crypto"),
    }  # fmt: skip
