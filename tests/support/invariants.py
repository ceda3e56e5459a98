"""The invariants after a test: whatever it did, every sentence about money, orders and audit is true.

Imported by the conftest.py of a directory; `invariants_hold` checks the module's database, `own_invariants_hold`
the test's own. Those that speak of running background parts (`live`) are left out: a test drives these by hand.
"""

from collections.abc import AsyncIterator, Sequence
from functools import lru_cache

import pytest

from jivapay.database.invariants import INVARIANTS, Invariant
from jivapay.database.session import Database
from jivapay.services import invariant_service
from jivapay.utils.resources import Resources

EVER = "'-infinity'::timestamptz"
AT_REST = tuple(invariant for invariant in INVARIANTS if not invariant.live)


@lru_cache(maxsize=2)
def _all_at_once(invariants: Sequence[Invariant]) -> str:
    """The codes of those that something contradicts, in one statement without parameters: a round trip and one plan
    for a connection's life, where `run_all` takes a transaction each.
    """
    fired = ",".join(
        f"case when exists ({one.sql.replace(':since', EVER)}) then '{one.code}' end" for one in invariants
    )
    return f"select array_remove(array[{fired}], null)"


async def find_violations(database: Database, *, live: bool = False) -> dict[str, list[dict[str, str | None]]]:
    """Code → rows of every violated invariant."""
    asked = INVARIANTS if live else AT_REST
    async with database.read() as session:
        connection = await session.connection()
        fired = (await connection.exec_driver_sql(_all_at_once(asked))).scalar_one()
    results = await invariant_service.run_all(database, invariants=[one for one in asked if one.code in fired])
    return {result.code: list(result.rows) for result in results if not result.holds}


async def assert_invariants(database: Database, *, live: bool = False) -> None:
    found = await find_violations(database, live=live)
    assert found == {}, found


@pytest.fixture
async def invariants_hold(database: Database) -> AsyncIterator[None]:
    yield
    await assert_invariants(database)


@pytest.fixture
async def own_invariants_hold(own_resources: Resources) -> AsyncIterator[None]:
    yield
    await assert_invariants(own_resources.database)
