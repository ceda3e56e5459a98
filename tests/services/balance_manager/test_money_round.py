"""SQL's `money_round` and Python's agree on every vector, ties first (hard case 26)."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from jivapay.database.session import Database
from jivapay.domain.money import money_round
from unit.domain.money_vectors import vectors

ROUND = text("select money_round(cast(cast(:value as text) as numeric), cast(:scale as integer))")


async def test_sql_rounds_by_the_shared_table(database: Database) -> None:
    async with database.read() as session:
        for value, scale, rounded in vectors():
            found = await session.scalar(ROUND, {"value": f"{value:f}", "scale": scale})
            assert found == rounded, (value, scale)


async def test_sql_and_python_agree_on_any_number_of_half_units(database: Database) -> None:
    """Every fourth of these is a tie."""
    cases: list[tuple[Decimal, int]] = []

    @settings(max_examples=300, database=None)
    @given(st.integers(-(10**18), 10**18), st.integers(0, 8))
    def collect(quarters: int, scale: int) -> None:
        cases.append((Decimal(quarters) * Decimal("0.25").scaleb(-scale), scale))

    collect()
    async with database.read() as session:
        for value, scale in cases:
            found = await session.scalar(ROUND, {"value": f"{value:f}", "scale": scale})
            assert found == money_round(value, scale), (value, scale)
