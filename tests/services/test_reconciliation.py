"""Reconciliation: silent on sound books, loud about each kind of difference, frozen by those of money."""

import hashlib
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from factories.world import SYSTEM, World
from invariants.history import chain
from jivapay.config.crypto import HeadSigner
from jivapay.database.invariants import INVARIANTS
from jivapay.database.models.reconciliations import Reconciliation
from jivapay.services import chain_heads, document_service, freeze_service, invariant_service, reconciliation_service
from jivapay.services.document_service import StoredReceipt
from jivapay.utils.s3_client import MemoryStorage
from support.owner import forge

CODES = ["balances", "orders", "holds", "profit", "chains", "days", "documents"]

WRONG_BALANCE = "update accounts set balance = balance + 1 where owner_type = 'trader' and kind = 'fiat'"


def signer_of(world: World) -> HeadSigner:
    return HeadSigner.from_settings(world.resources.settings)


async def reconcile(world: World, day: date | None = None) -> dict[str, tuple[int, int]]:
    """Check → how many were examined, how many differ."""
    async with world.database.write() as session:
        asked = await reconciliation_service.request(session, world.staff, day)
    outcomes = await reconciliation_service.run(
        world.database, world.resources.storage, signer_of(world), SYSTEM, asked.id
    )
    return {one.check.code: (one.examined, one.differences) for one in outcomes}


def differing(found: dict[str, tuple[int, int]]) -> list[str]:
    return [code for code, (_, differences) in found.items() if differences]


async def frozen_by(world: World) -> str | None:
    code: str | None = await world.scalar("select invariant from money_freezes where lifted_at is null")
    return code


async def store_document(world: World, incoming: int, content: bytes) -> str:
    """Put a receipt of an order into the store; its key."""
    key = f"receipts/{hashlib.sha256(content).hexdigest()}"
    await world.resources.storage.put(key, content)
    receipt = StoredReceipt(
        key, "image/png", len(content), hashlib.sha256(b"raw" + content).digest(), hashlib.sha256(content).digest()
    )
    async with world.database.write() as session:
        await document_service.link(session, incoming_order_id=incoming, order_id=None, stored=receipt, uploader=SYSTEM)
    return key


async def seal_a_day(world: World) -> date:
    day: date = await world.scalar("select (app_now() at time zone 'utc')::date")
    await world.advance(86_400 + 16 * 60)
    await chain(world)
    assert day in await chain_heads.seal_due(world.database, signer_of(world))
    await chain_heads.export_due(world.database, world.resources.storage)
    return day


def test_every_invariant_of_money_is_asked_by_one_check() -> None:
    asked = [one.code for check in reconciliation_service.CHECKS for one in check.invariants]
    assert sorted(asked) == sorted(one.code for one in INVARIANTS if one.freezes)
    assert [check.code for check in reconciliation_service.CHECKS] == CODES


async def test_sound_books_agree_and_the_report_is_kept(world: World) -> None:
    await world.complete()
    open_one = await world.assign()
    await store_document(world, open_one, b"picture")
    day = await seal_a_day(world)
    found = await reconcile(world)
    assert differing(found) == []
    assert found["orders"] == (2, 0)  # a deposit and a settlement
    assert (found["holds"], found["profit"], found["days"], found["documents"]) == ((1, 0), (1, 0), (1, 0), (1, 0))
    assert await frozen_by(world) is None
    async with world.database.read() as session:
        (row,), total = await reconciliation_service.list_reconciliations(session)
        report = await reconciliation_service.get_report(session, row.public_id)
    assert (total, row.day, row.differences, row.requested_by) == (1, None, 0, world.staff.id)
    assert row.finished_at is not None
    assert [(check.code, check.differences) for check in report.checks] == [(code, 0) for code in CODES]
    assert differing(await reconcile(world, day)) == []


@pytest.mark.parametrize(
    ("altered", "codes"),
    [
        pytest.param(
            WRONG_BALANCE,
            ["balances"],
            id="a balance",
        ),
        pytest.param(
            "update accounts set held = held + 1 where owner_type = 'trader' and kind = 'crypto'", ["holds"], id="held"
        ),
        pytest.param(
            "update orders set platform_profit = platform_profit + 1 where status = 'completed'",
            ["orders", "profit"],
            id="a profit",
        ),
        pytest.param("update audit_log set action = 'x' where id = 3", ["chains"], id="the audit log"),
        pytest.param("update chain_head_accounts set postings = 1", ["chains"], id="a sealed day's leaf"),
    ],
)
async def test_a_difference_in_money_freezes(world: World, own_owner_url: str, altered: str, codes: list[str]) -> None:
    await world.complete()
    await seal_a_day(world)
    await forge(own_owner_url, altered)
    found = await reconcile(world)
    assert differing(found) == codes
    assert await frozen_by(world) == codes[0]
    async with world.database.read() as session:
        row = (await session.scalars(select(Reconciliation))).one()
        report = await reconciliation_service.get_report(session, row.public_id)
    assert row.differences == sum(differences for _, differences in found.values())
    assert all(check.rows for check in report.checks if check.code in codes)


async def test_a_day_that_computes_to_another_root(world: World, own_owner_url: str) -> None:
    """As if somebody had made posting, leaf and every later link new, after the day was sealed."""
    await world.complete()
    await seal_a_day(world)
    await forge(own_owner_url, "update posting_chain set leaf = sha256('x') where seq = 1")
    assert differing(await reconcile(world)) == ["chains", "days"]


async def test_what_a_person_knows_is_no_difference(world: World, own_owner_url: str) -> None:
    await world.complete()
    await forge(own_owner_url, WRONG_BALANCE)
    assert differing(await reconcile(world)) == ["balances"]
    found = await invariant_service.list_violations(world.database)
    async with world.database.write() as session:
        await freeze_service.unfreeze(session, world.staff, reason="known")
        await freeze_service.acknowledge(session, world.staff, found, reason="known")
    assert differing(await reconcile(world)) == []
    assert await frozen_by(world) is None


async def test_documents_against_the_store(world: World) -> None:
    order = await world.assign()
    assert isinstance(world.resources.storage, MemoryStorage)
    objects = world.resources.storage.objects
    whole, gone, short, other = [await store_document(world, order, content) for content in (b"a", b"b", b"cc", b"dd")]
    del objects[gone]
    objects[short], objects[other] = b"c", b"xx"
    assert (await reconcile(world))["documents"] == (4, 3)
    assert await frozen_by(world) is None
    async with world.database.read() as session:
        row = (await session.scalars(select(Reconciliation))).one()
        report = await reconciliation_service.get_report(session, row.public_id)
    assert [one["difference"] for one in report.checks[-1].rows] == ["missing", "another size", "other content"]
    world.resources.storage.failing = True
    assert (await reconcile(world))["documents"] == (0, 1)
    assert await frozen_by(world) is None
    assert whole in objects


async def test_every_document_has_its_turn_within_a_month(world: World) -> None:
    order = await world.assign()
    for content in (b"a", b"b", b"c"):
        await store_document(world, order, content)
    today: date = await world.scalar("select (app_now() at time zone 'utc')::date")
    assert (await reconcile(world, today))["documents"][0] == 3
    later = [today + timedelta(days=number) for number in range(1, 31)]
    read = 0
    for day in later:
        examined, _ = await reconciliation_service._compare_documents(world.database, world.resources.storage, day)
        read += examined
    assert read == 3


async def test_the_night_asks_once(world: World) -> None:
    asked = []
    for _ in range(3):
        for _ in range(2):
            async with world.database.write() as session:
                asked.append(await reconciliation_service.request_nightly(session, SYSTEM))
        await world.advance(86_400)
    assert asked == [True, False] * 3
    assert await reconciliation_service.run_due(world.database, world.resources.storage, signer_of(world), SYSTEM) == 3
    assert await reconciliation_service.run_due(world.database, world.resources.storage, signer_of(world), SYSTEM) == 0
    days = await world.scalar("select array_agg(day order by id) from reconciliations where differences = 0")
    assert days[1] - days[0] == days[2] - days[1] == timedelta(days=1)
    assert await world.scalar("select count(*) from reconciliation_checks") == 3 * len(CODES)
