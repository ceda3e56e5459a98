import asyncio
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from jivapay.config.clock import Clock, ShiftedClock
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.models.orders import IncomingOrder
from jivapay.database.models.people import Merchant, MerchantStore, User
from jivapay.database.models.reference import Currency
from jivapay.database.session import Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import NotFound, StorageError
from jivapay.schemas_enums.enums import DocumentKind
from jivapay.services import document_service, steps
from jivapay.services.document_service import LinkedReceipt, StoredReceipt
from jivapay.utils.s3_client import MemoryStorage
from support import receipt_files

NUMBERS = count(1)
CUSTOMER = Actor.customer(ip="203.0.113.7")


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture(scope="module")
async def store_id(database: Database) -> int:
    async with database.write() as session:
        for code, kind, scale in (("RUB", "fiat", 2), ("USDT", "crypto", 6)):
            await session.execute(upsert(Currency).values(code=code, kind=kind, scale=scale).on_conflict_do_nothing())
        user = await session.scalar(
            insert(User)
            .values(public_id=new_id(), email="m@example.com", role="merchant", password_hash="x")
            .returning(User.id)
        )
        merchant = await session.scalar(insert(Merchant).values(user_id=user).returning(Merchant.id))
        store = await session.scalar(
            insert(MerchantStore)
            .values(
                public_id=new_id(),
                merchant_id=merchant,
                name="Shop",
                fiat_currency="RUB",
                crypto_currency="USDT",
                upper_limit=1000,
                callback_secret=b"x",
            )
            .returning(MerchantStore.id)
        )
    assert store is not None
    return store


async def add_order(database: Database, store_id: int) -> int:
    async with database.write() as session:
        await steps.announce(session, Actor.system("tests"), "a test needs an order")
        found = await session.scalar(
            insert(IncomingOrder)
            .values(
                public_id=new_id(),
                store_id=store_id,
                direction="pay_in",
                external_id=f"A-{next(NUMBERS)}",
                request_hash=b"x",
                fiat_currency="RUB",
                crypto_currency="USDT",
                hosted=True,
                expires_at=Clock().now() + timedelta(hours=1),
            )
            .returning(IncomingOrder.id)
        )
    assert found is not None
    return found


async def staged(storage: MemoryStorage, clock: Clock, *, shade: int = 1) -> StoredReceipt:
    raw = receipt_files.picture("PNG", (shade, 7))
    return await document_service.stage(storage, await document_service.prepare_receipt(raw), clock=clock)


async def link(session: WriteSession, order: int, stored: StoredReceipt) -> LinkedReceipt:
    return await document_service.link(
        session, incoming_order_id=order, order_id=None, stored=stored, uploader=CUSTOMER
    )


async def count_documents(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(UploadedDocument)) or 0


async def test_a_receipt_goes_from_bytes_to_order_and_back(
    database: Database, storage: MemoryStorage, clock: ShiftedClock, store_id: int
) -> None:
    order = await add_order(database, store_id)
    stored = await staged(storage, clock)
    assert stored.object_key.startswith(f"receipts/{clock.now():%Y/%m/%d}/")
    assert stored.size == len(storage.objects[stored.object_key])
    async with database.write() as session:
        linked = await link(session, order, stored)
    assert (linked.repeated, linked.duplicate) == (False, False)
    async with database.read() as session:
        document = await document_service.get_document(session, linked.public_id)
        assert await document_service.list_for_incoming_order(session, order) == [document]
    assert (document.incoming_order_id, document.uploader_kind, document.uploader_id) == (order, "customer", None)
    assert (document.kind, document.state, document.content_type) == ("customer_receipt", "stored", "image/png")
    assert (document.size, document.sha256) == (stored.size, stored.sha256)
    received = await document_service.load_for_download(storage, document)
    assert received.data == storage.objects[stored.object_key]
    assert (received.content_type, received.file_name) == ("image/png", f"receipt-{document.public_id}.png")


async def test_the_same_file_twice_for_one_order_is_one_document(
    database: Database, storage: MemoryStorage, clock: ShiftedClock, store_id: int
) -> None:
    order = await add_order(database, store_id)
    before = await count_documents(database)
    answers = []
    for _ in range(2):
        stored = await staged(storage, clock, shade=2)
        async with database.write() as session:
            answers.append(await link(session, order, stored))
    assert [answer.repeated for answer in answers] == [False, True]
    assert answers[0].public_id == answers[1].public_id
    assert not any(answer.duplicate for answer in answers)
    assert await count_documents(database) == before + 1


async def test_the_trader_may_send_what_the_customer_sent(
    database: Database, storage: MemoryStorage, clock: ShiftedClock, store_id: int
) -> None:
    order = await add_order(database, store_id)
    first, second = await staged(storage, clock, shade=3), await staged(storage, clock, shade=3)
    async with database.write() as session:
        await link(session, order, first)
        again = await document_service.link(
            session,
            incoming_order_id=order,
            order_id=None,
            stored=second,
            uploader=Actor.system("tests"),
            kind=DocumentKind.TRADER_RECEIPT,
        )
    assert (again.repeated, again.duplicate) == (False, False)


async def test_a_file_seen_with_another_order_is_told(
    database: Database, storage: MemoryStorage, clock: ShiftedClock, store_id: int
) -> None:
    first, second = await add_order(database, store_id), await add_order(database, store_id)
    for order, expected in ((first, False), (second, True), (first, True)):
        stored = await staged(storage, clock, shade=4)
        async with database.write() as session:
            assert (await link(session, order, stored)).duplicate is expected


async def test_of_two_orders_at_once_with_one_file_the_second_is_told(
    database: Database, storage: MemoryStorage, clock: ShiftedClock, store_id: int
) -> None:
    orders = [await add_order(database, store_id) for _ in range(6)]
    files = [await staged(storage, clock, shade=5) for _ in orders]

    async def claim(order: int, stored: StoredReceipt) -> bool:
        async with database.write() as session:
            linked = await link(session, order, stored)
            await asyncio.sleep(0.02)
            return linked.duplicate

    seen = await asyncio.gather(*(claim(*pair) for pair in zip(orders, files, strict=True)))
    assert sorted(seen) == [False, True, True, True, True, True]


async def test_a_rolled_back_link_leaves_only_the_staged_object(
    database: Database, storage: MemoryStorage, clock: ShiftedClock, store_id: int
) -> None:
    order = await add_order(database, store_id)
    before = await count_documents(database)
    stored = await staged(storage, clock, shade=6)

    async def fail() -> None:
        async with database.write() as session:
            await link(session, order, stored)
            raise NotFound

    with pytest.raises(NotFound):
        await fail()
    assert await count_documents(database) == before
    assert stored.object_key in storage.objects


@pytest.mark.parametrize("state", ["quarantined", "rejected", "erased"])
async def test_what_may_not_be_shown_is_not_found(
    database: Database, storage: MemoryStorage, clock: ShiftedClock, store_id: int, state: str
) -> None:
    order = await add_order(database, store_id)
    stored = await staged(storage, clock, shade=7)
    async with database.write() as session:
        linked = await link(session, order, stored)
        document = await document_service.get_document(session, linked.public_id)
        document.state = state
    async with database.read() as session:
        assert await document_service.list_for_incoming_order(session, order) == []
        with pytest.raises(NotFound):
            await document_service.get_document(session, linked.public_id)


async def test_staging_fails_with_the_store(storage: MemoryStorage, clock: ShiftedClock) -> None:
    storage.failing = True
    with pytest.raises(StorageError):
        await staged(storage, clock)
    assert storage.objects == {}


async def test_a_sweep_takes_only_what_is_old_and_unlinked(
    database: Database, storage: MemoryStorage, clock: ShiftedClock, store_id: int
) -> None:
    order = await add_order(database, store_id)
    linked, orphan = await staged(storage, clock, shade=8), await staged(storage, clock, shade=9)
    async with database.write() as session:
        await link(session, order, linked)
    assert await document_service.sweep_staged(database, storage, clock=clock) == 0
    later = ShiftedClock(clock.offset + timedelta(hours=47))
    young = await staged(storage, later, shade=10)
    storage.modified_at = {
        linked.object_key: clock.now(),
        orphan.object_key: clock.now(),
        young.object_key: later.now(),
    }
    assert await document_service.sweep_staged(database, storage, clock=later) == 1
    assert storage.objects.keys() == {linked.object_key, young.object_key}
    assert await document_service.sweep_staged(database, storage, clock=later) == 0
    later.advance(timedelta(hours=25))
    assert await document_service.sweep_staged(database, storage, clock=later) == 1
    assert storage.objects.keys() == {linked.object_key}
