"""Statements past SQLAlchemy's cursor: the same transaction, types and errors as the session's own."""

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.types import Numeric

from jivapay.database.direct import fetch_one
from jivapay.database.session import Database

ADD = text("insert into currencies (code, kind, scale) values (:code, 'fiat', 2) returning code")
COUNT = text("select count(*) from currencies where code = :code")
TYPED = text("select :amount as amount, :amount + 1 as more, :details as details").bindparams(
    bindparam("amount", type_=Numeric()), bindparam("details", type_=JSONB())
)
KILL = text("select pg_terminate_backend(pg_backend_pid())")


async def count(database: Database, code: str) -> int:
    async with database.read() as session:
        return int((await fetch_one(session, COUNT, {"code": code}))[0])


async def test_values_keep_their_types(database: Database) -> None:
    async with database.read() as session:
        row = await fetch_one(session, TYPED, {"amount": None, "details": {"a": "é"}})
    assert dict(row) == {"amount": None, "more": None, "details": {"a": "é"}}


async def test_what_it_writes_is_the_transactions(database: Database) -> None:
    async with database.write() as session:
        assert (await fetch_one(session, ADD, {"code": "AAA"}))["code"] == "AAA"
    assert await count(database, "AAA") == 1


async def test_what_it_writes_is_rolled_back_with_the_transaction(database: Database) -> None:
    async def write_and_fail() -> None:
        async with database.write() as session:
            await fetch_one(session, ADD, {"code": "BBB"})
            raise LookupError

    with pytest.raises(LookupError):
        await write_and_fail()
    assert await count(database, "BBB") == 0


async def test_a_reading_session_cannot_write(database: Database) -> None:
    async with database.read() as session:
        with pytest.raises(DBAPIError, match="read-only"):
            await fetch_one(session, ADD, {"code": "CCC"})


async def test_a_violated_constraint_is_an_integrity_error(database: Database) -> None:
    async def add_twice() -> None:
        async with database.write(is_repeated=True) as session:
            await fetch_one(session, ADD, {"code": "DDD"})
            await fetch_one(session, ADD, {"code": "DDD"})

    with pytest.raises(IntegrityError):
        await add_twice()
    assert await count(database, "DDD") == 0


async def test_a_lost_connection_is_said_to_be_lost_and_replaced(database: Database) -> None:
    async def die() -> None:
        async with database.write(is_repeated=True) as session:
            await fetch_one(session, KILL, {})

    with pytest.raises(DBAPIError) as raised:
        await die()
    assert raised.value.connection_invalidated
    assert await count(database, "EEE") == 0


async def test_two_transactions_of_one_session_do_not_share_a_connection_by_mistake(database: Database) -> None:
    async with database.write() as session:
        await fetch_one(session, ADD, {"code": "FFF"})
        await session.rollback()
        await fetch_one(session, ADD, {"code": "FFF"})
    assert await count(database, "FFF") == 1
