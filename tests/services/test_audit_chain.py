"""The audit chain: nothing committed is left out, nothing is linked twice, and no alteration goes unseen (I22)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import orjson
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from jivapay.database.models.records import AuditChain, AuditLog
from jivapay.database.session import Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.services import audit_chain, audit_service
from jivapay.services.hash_chain import GENESIS, Head
from jivapay.utils.resources import Resources
from support.owner import lift_guards

SYSTEM = Actor.system("tests")


@pytest.fixture
def database(own_resources: Resources) -> Database:
    return own_resources.database


@pytest.fixture
async def owner(own_owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own_owner_url)
    await lift_guards(connection)
    yield connection
    await connection.close()


async def write(session: WriteSession, *actions: str) -> None:
    for action in actions:
        await audit_service.log_event(session, SYSTEM, action, entity="thing", entity_id=1, details={"a": action})


async def commit(database: Database, *actions: str) -> None:
    async with database.write() as session:
        await write(session, *actions)


async def chained(database: Database) -> list[tuple[int, str]]:
    """Number and action of every link, in order."""
    async with database.read() as session:
        rows = await session.execute(
            select(AuditChain.seq, AuditLog.action)
            .join(AuditLog, AuditLog.id == AuditChain.audit_id)
            .order_by(AuditChain.seq)
        )
        return [(seq, action) for seq, action in rows]


async def first_break(database: Database) -> int | None:
    async with database.read() as session:
        return await audit_chain.verify(session)


async def test_an_empty_log_has_an_empty_chain(database: Database) -> None:
    assert await audit_chain.append(database) == 0
    async with database.read() as session:
        assert await audit_chain.get_head(session) == Head(0, GENESIS)
    assert await first_break(database) is None


async def test_rows_are_linked_in_order_and_once(database: Database) -> None:
    await commit(database, "a", "b")
    assert await audit_chain.append(database) == 2
    assert await audit_chain.append(database) == 0
    await commit(database, "c")
    assert await audit_chain.append(database) == 1
    assert await chained(database) == [(1, "a"), (2, "b"), (3, "c")]
    assert await first_break(database) is None


async def test_a_link_can_be_recomputed_without_the_database(database: Database) -> None:
    """The format is public: length, colon, text for each column; nothing of PostgreSQL's is needed."""
    actor = Actor.store(7, ip="2001:db8::1", request_id="r-1")
    async with database.write() as session:
        await audit_service.log_event(session, actor, "дело", entity="order", entity_id=5, details={"b": 1, "aa": "ж"})
    await audit_chain.append(database)
    async with database.read() as session:
        row = (await session.scalars(select(AuditLog))).one()
        link = (await session.scalars(select(AuditChain))).one()
        stored_details = await session.scalar(text("select details::text from audit_log"))
    assert orjson.loads(stored_details or "") == {"b": 1, "aa": "ж"}
    fields = [
        str(row.id), row.at.strftime("%Y-%m-%dT%H:%M:%S.%f"), "INFO", "дело", "order", "5", None, "store", "7", None,
        "2001:db8::1", "r-1", stored_details, str(row.xid),
    ]  # fmt: skip
    parts = [b"-" if field is None else b"%d:%s" % (len(field.encode()), field.encode()) for field in fields]
    digest = hashlib.sha256(b"".join(parts)).digest()
    assert link.prev_hash == b"\0" * 32
    assert link.hash == hashlib.sha256(link.prev_hash + digest).digest()


async def test_a_slower_transaction_with_smaller_ids_is_not_left_out(database: Database) -> None:
    """Hard case 5: by a watermark of ids the row of the slower one would never be linked."""
    async with AsyncExitStack() as early, AsyncExitStack() as late:
        b = await early.enter_async_context(database.write())
        await b.execute(text("select pg_current_xact_id()"))
        a = await late.enter_async_context(database.write())
        await write(a, "first id, slow")
        await write(b, "second id, quick")
        await early.aclose()
        assert await audit_chain.append(database) == 1
        await commit(database, "third")
        assert await audit_chain.append(database) == 0
        await late.aclose()
    assert await audit_chain.append(database) == 2
    assert await chained(database) == [(1, "second id, quick"), (2, "first id, slow"), (3, "third")]
    assert await first_break(database) is None


async def test_a_transaction_larger_than_a_batch_is_linked_whole(database: Database) -> None:
    await commit(database, *(f"a{number}" for number in range(10)))
    await commit(database, "b")
    assert await audit_chain.append(database, batch=3) == 11
    assert [action for _, action in await chained(database)] == [*(f"a{number}" for number in range(10)), "b"]


async def test_a_full_batch_at_the_very_end_loses_nothing(database: Database) -> None:
    await commit(database, "a", "b", "c")
    assert await audit_chain.append(database, batch=3) == 3
    await commit(database, "d")
    assert await audit_chain.append(database, batch=3) == 1


async def test_chainers_at_once_link_each_row_once(database: Database) -> None:
    for number in range(40):
        await commit(database, f"a{number}")
    counts = await asyncio.gather(*(audit_chain.append(database, batch=7) for _ in range(6)))
    assert sum(counts) == 40
    assert [seq for seq, _ in await chained(database)] == list(range(1, 41))
    assert await first_break(database) is None


async def test_an_aborted_transaction_leaves_no_gap(database: Database) -> None:
    await commit(database, "a")
    async with database.write() as session:
        await write(session, "never")
        await session.rollback()
    await commit(database, "b")
    assert await audit_chain.append(database) == 2
    assert await chained(database) == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        pytest.param("update audit_log set details = '{}' where action = 'c'", 3, id="a row altered"),
        pytest.param("update audit_log set entity = '' where action = 'a'", 1, id="a word emptied"),
        pytest.param("update audit_log set ip = '' where action = 'b'", 2, id="nothing made an empty word"),
        pytest.param("delete from audit_log where action = 'd'", 4, id="a row removed"),
        pytest.param("delete from audit_chain where seq = 2", 3, id="a link removed"),
        pytest.param("delete from audit_chain where seq = 1", 2, id="the first link removed"),
        pytest.param("update audit_chain set hash = sha256('x') where seq = 5", 5, id="the last link altered"),
        pytest.param("update audit_chain set seq = seq + 10 where seq > 3", 14, id="a gap"),
    ],
)
async def test_an_alteration_is_found(
    database: Database, owner: asyncpg.Connection, statement: str, broken: int
) -> None:
    await commit(database, "a", "b", "c", "d", "e")
    await audit_chain.append(database)
    assert (await owner.execute(statement)).split()[-1] != "0"
    assert await first_break(database) == broken


async def test_two_rows_that_changed_places_are_found(database: Database, owner: asyncpg.Connection) -> None:
    await commit(database, "a", "b", "c")
    await audit_chain.append(database)
    await owner.execute("update audit_chain set audit_id = -audit_id where seq in (2, 3)")
    await owner.execute("update audit_chain set audit_id = (select max(id) from audit_log) where seq = 2")
    await owner.execute("update audit_chain set audit_id = (select max(id) - 1 from audit_log) where seq = 3")
    assert await first_break(database) == 2


async def test_rows_never_chained_are_listed(database: Database, owner: asyncpg.Connection) -> None:
    await commit(database, "a")
    await audit_chain.append(database)
    await owner.execute(
        "insert into audit_log (action, actor_kind, at, xid)"
        " values ('slipped in', 'system', now() - interval '2 minutes', '700')"
    )
    await commit(database, "fresh")
    assert await audit_chain.append(database) == 1
    async with database.read() as session:
        assert len(await audit_chain.list_unchained(session)) == 1
    assert await first_break(database) is None


@pytest.mark.parametrize("table", ["audit_chain", "audit_log"])
async def test_the_application_can_change_neither_log_nor_chain(database: Database, table: str) -> None:
    for statement in (f"delete from {table}", f"truncate {table} cascade"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.write() as session:
                await session.execute(text(statement))


@pytest.mark.parametrize("table", ["audit_chain", "audit_log"])
async def test_even_the_owner_is_refused_by_a_trigger(database: Database, own_owner_url: str, table: str) -> None:
    await commit(database, "a")
    await audit_chain.append(database)
    connection = await asyncpg.connect(own_owner_url)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await connection.execute(f"delete from {table}")
    await connection.close()
    assert refused.value.sqlstate == "JP004"
