"""The invariants after a test: whatever it did, every sentence about money, orders and audit is true.

Imported by the conftest.py of a directory; `invariants_hold` checks the module's database, `own_invariants_hold`
the test's own. Those that speak of running background parts (`live`) are left out: a test drives these by hand.
"""

from collections.abc import AsyncIterator

import pytest

from jivapay.database.invariants import INVARIANTS
from jivapay.database.session import Database
from jivapay.services import invariant_service
from jivapay.utils.resources import Resources

AT_REST = tuple(invariant for invariant in INVARIANTS if not invariant.live)


async def find_violations(database: Database, *, live: bool = False) -> dict[str, list[dict[str, str | None]]]:
    """Code → rows of every violated invariant."""
    results = await invariant_service.run_all(database, invariants=INVARIANTS if live else AT_REST)
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
