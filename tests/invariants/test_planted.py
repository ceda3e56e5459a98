"""Every invariant catches what it names: each violation is planted into a lived-in platform and must be found."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from factories.world import World, make_world
from invariants import ageing_plants, chain_plants, dispute_plants, payout_plants, plants, treasury_plants
from invariants.history import live_through
from jivapay.database.ageing import AGEING, OVERDUE
from jivapay.database.audit_digest import COLUMNS
from jivapay.database.invariants import INVARIANTS
from jivapay.database.models.records import AuditLog
from jivapay.utils.resources import Resources
from support.invariants import find_violations
from support.owner import lift_guards

PLANTS = (plants, dispute_plants, chain_plants, ageing_plants, payout_plants, treasury_plants)
MONEY = [plant for part in PLANTS for plant in part.MONEY]
ALARMS = [plant for part in PLANTS for plant in part.ALARMS]
FREEZING = {invariant.code for invariant in INVARIANTS if invariant.freezes}
FROM_THE_BEGINNING = "'-infinity'"


@pytest.fixture(scope="module")
async def lived_in(resources: Resources, owner_url: str) -> World:
    world = await make_world(resources)
    await live_through(world)
    connection = await asyncpg.connect(owner_url)
    await lift_guards(connection)
    await connection.close()
    return world


@pytest.fixture
async def hand(lived_in: World, owner_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner in a transaction; no trigger fires, and what it does is undone afterwards."""
    connection = await asyncpg.connect(owner_url)
    transaction = connection.transaction()
    await transaction.start()
    offset = f"{lived_in.clock.offset.total_seconds()} seconds"
    await connection.execute("select set_config('jivapay.clock_offset', $1, true)", offset)
    yield connection
    await transaction.rollback()
    await connection.close()


async def fired(connection: asyncpg.Connection, *codes: str) -> set[str]:
    """Which of these codes, or of all, have rows as this connection sees the tables."""
    found = set()
    for invariant in INVARIANTS:
        sql = invariant.sql.replace(":since", FROM_THE_BEGINNING)
        if (not codes or invariant.code in codes) and await connection.fetch(f"select from ({sql}) found limit 1"):
            found.add(invariant.code)
    return found


async def test_a_lived_in_platform_fires_nothing(lived_in: World, hand: asyncpg.Connection) -> None:
    assert await find_violations(lived_in.database, live=True) == {}
    assert await fired(hand) == set()


@pytest.mark.parametrize(
    ("code", "statements"),
    [pytest.param(code, statements, id=f"{code} {name}") for code, name, statements in MONEY + ALARMS],
)
async def test_planted(hand: asyncpg.Connection, code: str, statements: str) -> None:
    for statement in statements.split(";"):
        done = await hand.execute(statement)
        assert not done.endswith(" 0"), "nothing was planted"
    assert await fired(hand, code) == {code}


@pytest.mark.parametrize(
    ("thing", "statements"),
    [pytest.param(ageing_plants.THINGS[name], planted, id=name) for _, name, planted in ageing_plants.ALARMS],
)
async def test_what_is_left_lying_is_named(hand: asyncpg.Connection, thing: str, statements: str) -> None:
    for statement in statements.split(";"):
        await hand.execute(statement)
    assert {row["thing"] for row in await hand.fetch(OVERDUE)} == {thing}


def test_every_thing_that_ageing_watches_itself_has_a_plant() -> None:
    assert set(ageing_plants.THINGS.values()) == {entry.thing for entry in AGEING if entry.overdue}


@pytest.mark.parametrize("column", sorted(COLUMNS.keys() - {"xid"}))
async def test_an_audit_row_altered(hand: asyncpg.Connection, column: str) -> None:
    other = {"at": "at + interval '1 microsecond'", "details": "'{}'::jsonb || '{\"x\": 1}'", "version": "77"}
    value = other.get(column, "-1" if column in {"id", "entity_id", "actor_id"} else "'x'")
    await hand.execute("alter table audit_log alter column id drop identity")
    target = "(select max(id) from audit_log where action = 'order.completed')"
    await hand.execute(f"update audit_log set {column} = {value} where id = {target}")
    assert await fired(hand, "I22") == {"I22"}


async def test_an_audit_row_moved_to_another_transaction(hand: asyncpg.Connection) -> None:
    await hand.execute("update audit_log set xid = '5'::xid8 where id = (select max(id) from audit_log)")
    assert await fired(hand) == {"I22"}


def test_the_chain_hashes_every_column() -> None:
    assert list(COLUMNS) == [column.name for column in AuditLog.__table__.columns]


def test_every_invariant_has_a_plant() -> None:
    assert {code for code, _, _ in MONEY + ALARMS} == {invariant.code for invariant in INVARIANTS}
    assert len({invariant.code for invariant in INVARIANTS}) == len(INVARIANTS)


def test_the_money_kind_freezes() -> None:
    """Decision 21: I01 to I14, I22, I28, I29, I40, with their variants; I22b is only a chainer that is slow."""
    assert {code for code, _, _ in MONEY} == FREEZING
    assert {code[:3] for code in FREEZING} == {f"I{number:02}" for number in (*range(1, 15), 22, 28, 29, 40)}
