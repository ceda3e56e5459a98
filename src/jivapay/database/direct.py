"""The statements that every order takes, put to the driver without SQLAlchemy's cursor and result layers.

They are text already, and adapting and buffering them cost Python more than the statements cost the server
(`docs/performance.md`, P1). Transaction, connection, types and the family of errors stay SQLAlchemy's.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import asyncpg  # type: ignore[import-untyped]  # ships no types
from sqlalchemy import TextClause
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, IntegrityError

from jivapay.database.session import AnySession

DRIVER = "direct_driver"
"""Where a session keeps its transaction and the driver's connection that belongs to it."""
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

Processor = Callable[[Any], Any]


async def fetch_one(session: AnySession, statement: TextClause, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - asyncpg is untyped
    """The first row, by name or place, or None. As `fetch_all`."""
    rows = await fetch_all(session, statement, values)
    return rows[0] if rows else None


async def fetch_all(session: AnySession, statement: TextClause, values: Mapping[str, Any]) -> list[Any]:
    """The rows, by name or place.

    `statement` is a constant: it is compiled once. Raises IntegrityError and DBAPIError, as a session does.
    """
    driver = await _driver(session)
    sql, parameters = _compiled(statement, session.get_bind().dialect)
    given = [process(values[name]) if process else values[name] for name, process in parameters]
    try:
        rows: list[Any] = await driver.fetch(sql, *given)
    except DRIVER_ERRORS as error:
        _raise_as_session(sql, error, is_lost=driver.is_closed())
    return rows


async def _driver(session: AnySession) -> Any:  # noqa: ANN401 - as above
    """The connection under this session's transaction, which has begun on the server."""
    transaction = session.sync_session.get_transaction()
    known, driver = session.info.get(DRIVER, (None, None))
    if transaction is not None and known is transaction:
        return driver
    raw = await (await session.connection()).get_raw_connection()
    adapted, driver = raw.dbapi_connection, raw.driver_connection
    if adapted is None or driver is None:
        raise AssertionError("a session's connection has a driver")
    if not driver.is_in_transaction():
        # SQLAlchemy begins with its own first statement, and knows of no other way to be asked.
        await adapted._start_transaction()  # noqa: SLF001
    session.info[DRIVER] = (session.sync_session.get_transaction(), driver)
    return driver


@lru_cache(maxsize=64)
def _compiled(statement: TextClause, dialect: Dialect) -> tuple[str, tuple[tuple[str, Processor | None], ...]]:
    """In the driver's words; its parameters in order, each with what turns a value into the driver's."""
    compiled = statement.compile(dialect=dialect)
    kinds = {name: bound.type.dialect_impl(dialect) for name, bound in statement._bindparams.items()}  # noqa: SLF001 - no other way to ask
    names = getattr(compiled, "positiontup", None) or ()
    return str(compiled), tuple((name, kinds[name].bind_processor(dialect)) for name in names)


def _raise_as_session(sql: str, error: Exception, *, is_lost: bool) -> NoReturn:
    kind = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
    raise kind(sql, None, error, hide_parameters=True, connection_invalidated=is_lost) from error
