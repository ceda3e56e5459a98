"""Asking the selector directly: what an order of 1 000 roubles by card wants, and what comes of it."""
# ruff: noqa: ANN401 - columns are of any type here

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from factories.people import CRYPTO, FIAT
from factories.world import RATE, World
from jivapay.schemas_enums.enums import Direction
from jivapay.services import requisite_selector
from jivapay.services.requisite_selector import Candidate, Wanted

AMOUNT = Decimal("1000.00")
WANTED = Wanted(
    direction=Direction.PAY_IN,
    fiat_currency=FIAT,
    crypto_currency=CRYPTO,
    crypto_scale=6,
    amount=AMOUNT,
    payment_method="card",
    bank=None,
    store_percent=Decimal(3),
    base_rate=RATE,
    test=False,
)


async def find(world: World, **wanted: Any) -> Candidate | None:
    """What the selector would take; nothing is kept."""
    async with world.database.write() as session:
        found = await requisite_selector.find_suitable_requisite(session, replace(WANTED, **wanted))
        await session.rollback()
    return found


async def find_id(world: World, **wanted: Any) -> int | None:
    found = await find(world, **wanted)
    return found and found.requisite_id


async def explain(world: World, **wanted: Any) -> dict[str, int]:
    async with world.database.read() as session:
        return await requisite_selector.explain(session, replace(WANTED, **wanted))


async def change(world: World, table: str, key: int, **columns: Any) -> None:
    """Set columns of one row, found by its only key."""
    name = "requisite_id" if table == "requisite_settings" else "trader_id" if "commission" in table else "id"
    assigned = ", ".join(f"{column} = :{column}" for column in columns)
    async with world.database.write() as session:
        await session.execute(text(f"update {table} set {assigned} where {name} = :key"), {**columns, "key": key})


async def only_requisite(world: World) -> int:
    return int(await world.scalar("select min(id) from requisites"))
