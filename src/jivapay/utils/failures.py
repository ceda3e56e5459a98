"""What a driver's error means to a caller: busy, out of reach, or our mistake.

Told by SQLSTATE, never by message. A deadlock or lock time-out has changed nothing and may be tried again; a lost
connection outside COMMIT likewise (the unknown COMMIT is settled in `database/session.py`).
"""

from ssl import SSLError

from asyncpg import InternalClientError  # type: ignore[import-untyped]  # what it raises when cut off in mid-message
from redis.exceptions import RedisError
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jivapay.exceptions import (
    BrokerError,
    DatabaseError,
    DependencyUnavailable,
    JivaPayException,
    ResourceBusy,
    ValidationFailed,
)

DRIVER_ERRORS = (DBAPIError, EmulatedDBAPIException, InternalClientError, PoolTimeout, OSError)
"""Whatever comes of a database that is away, besides defects of ours, which `failure_of` tells apart."""
_BUSY = frozenset({"55P03", "40P01", "40001"})
_OUT_OF_REACH = ("08", "53", "57P", "58")
_STATEMENT_TIMEOUT = "57014"
_BAD_VALUE = "22"
BUSY_RETRY_SECONDS = 1


def failure_of(error: BaseException) -> JivaPayException | None:
    """The failure to answer with, or None when `error` is a defect of ours."""
    if isinstance(error, JivaPayException):
        return error
    if isinstance(error, DBAPIError):
        return _database_failure(error)
    if isinstance(error, EmulatedDBAPIException):
        return _unwrapped_failure(error)
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError | SSLError | InternalClientError):
        return DatabaseError()
    if isinstance(error, RedisError):
        return BrokerError()
    return None


def is_outage(error: BaseException) -> bool:
    """Whether a part we need is away or busy, so that trying again may help."""
    return isinstance(error, OSError) or isinstance(failure_of(error), DependencyUnavailable)


def _database_failure(error: DBAPIError) -> JivaPayException | None:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in _BUSY:
        return ResourceBusy(retry_after_seconds=BUSY_RETRY_SECONDS)
    if error.connection_invalidated or state == _STATEMENT_TIMEOUT or state.startswith(_OUT_OF_REACH):
        return DatabaseError()
    if state.startswith(_BAD_VALUE) or _is_refused_by_driver(error):
        # A net below the schemas: a value that no column holds is the caller's, not a failure of ours.
        return ValidationFailed("A value is out of range.", code="validation.range")
    if not state and isinstance(error.orig, ConnectionError | TimeoutError | OSError):
        return DatabaseError()
    return None


def _unwrapped_failure(error: EmulatedDBAPIException) -> JivaPayException | None:
    """Of the driver's adapter itself: SQLAlchemy does not wrap what a transaction meets that begins on a connection
    which has died meanwhile.
    """
    state = str(getattr(error, "sqlstate", None) or "")
    is_closed = isinstance(error, AsyncAdapt_asyncpg_dbapi.InterfaceError) and not _is_data_error(error.__cause__)
    return DatabaseError() if is_closed or state.startswith(_OUT_OF_REACH) else None


def _is_refused_by_driver(error: DBAPIError) -> bool:
    """Asyncpg checks arguments before it sends them: an integer beyond int64, a text with NUL."""
    return error.orig is not None and _is_data_error(error.orig.__cause__)


def _is_data_error(cause: BaseException | None) -> bool:
    return type(cause).__name__ == "DataError"
