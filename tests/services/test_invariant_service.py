"""Running the invariants: what a run covers, what freezes money, what only raises an alarm (decision 21)."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from sqlalchemy import select

from factories.world import World
from jivapay.database.invariants import INVARIANTS, Invariant
from jivapay.database.models.records import AcknowledgedViolation, AuditLog, InvariantRun, MoneyFreeze
from jivapay.domain.actors import Actor
from jivapay.domain.outcomes import Frozen
from jivapay.exceptions import PlatformFrozen
from jivapay.services import audit_chain, freeze_service, invariant_service, posting_chain
from jivapay.services.invariant_service import InvariantResult
from support.owner import forge

SYSTEM = Actor.system("tests")
WRONG_BALANCE = "update accounts set balance = balance + 1 where owner_type = 'trader' and kind = 'fiat'"
WRONG_POSTING = "update postings set amount = amount + 1 where id = (select min(id) from postings)"
WRONG_COUNTER = "update requisites set open_count = open_count + 1"


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What people were told."""
    told: list[str] = []

    def tell(_error: BaseException, about: str = "", **_context: object) -> None:
        told.append(about)

    monkeypatch.setattr(invariant_service, "report_critical_error", tell)
    return told


async def unfreeze(world: World, *, acknowledge: bool) -> int:
    """As the command does it; how many rows were acknowledged."""
    found = await invariant_service.list_violations(world.database) if acknowledge else {}
    async with world.database.write() as session:
        await freeze_service.unfreeze(session, world.staff, reason="known")
        return await freeze_service.acknowledge(session, world.staff, found, reason="known")


async def check(world: World, *, complete: bool, **more: Sequence[Invariant]) -> list[str]:
    """The codes that were violated."""
    results = await invariant_service.check_and_freeze(world.database, SYSTEM, complete=complete, **more)
    return [result.code for result in results if not result.holds]


async def freezes(world: World) -> list[str | None]:
    async with world.database.read() as session:
        return list(await session.scalars(select(MoneyFreeze.invariant).where(MoneyFreeze.lifted_at.is_(None))))


async def last_run(world: World) -> InvariantRun:
    async with world.database.read() as session:
        return (await session.scalars(select(InvariantRun).order_by(InvariantRun.id.desc()).limit(1))).one()


async def test_a_healthy_platform(world: World, alarms: list[str]) -> None:
    await world.complete()
    assert await check(world, complete=True) == []
    run = await last_run(world)
    assert (run.complete, run.violations) == (True, {})
    assert await freezes(world) == []
    assert alarms == []


async def test_results_say_what_was_asked(world: World) -> None:
    results = await invariant_service.run_all(world.database)
    assert [result.code for result in results] == [invariant.code for invariant in INVARIANTS]
    assert results[0].name == "I01 The postings of a transfer sum to zero in each currency"
    assert all(result.finished and result.holds for result in results)


@pytest.mark.parametrize(
    ("altered", "code"),
    [
        pytest.param(WRONG_POSTING, "I01", id="a posting"),
        pytest.param(WRONG_BALANCE, "I03", id="a balance"),
        pytest.param("update audit_log set action = 'x' where id = (select min(id) from audit_log)", "I22", id="audit"),
    ],
)
async def test_an_alteration_by_hand_freezes_money(
    world: World, own_owner_url: str, alarms: list[str], altered: str, code: str
) -> None:
    paid = await world.assign(Decimal(100))
    await world.complete()
    await audit_chain.append(world.database)
    await forge(own_owner_url, altered)
    assert code in await check(world, complete=True)
    assert await freezes(world) == [code]
    assert f"invariant {code}" in alarms
    assert (await last_run(world)).violations[code]
    with pytest.raises(PlatformFrozen):
        await world.accept()
    with pytest.raises(PlatformFrozen):
        await world.confirm_by_trader(paid)
    await world.confirm_by_customer(paid)


async def test_a_frozen_platform_is_frozen_once(world: World, own_owner_url: str, alarms: list[str]) -> None:
    await world.complete()
    waiting = await world.accept(Decimal(101))
    await forge(own_owner_url, WRONG_BALANCE)
    await check(world, complete=True)
    await check(world, complete=True)
    assert await world.scalar("select count(*) from money_freezes") == 1
    assert await world.process(waiting) == Frozen()
    await forge(own_owner_url, WRONG_BALANCE.replace("+", "-"))
    async with world.database.write() as session:
        await freeze_service.unfreeze(session, world.staff, reason="put right")
    assert await check(world, complete=True) == []
    assert await freezes(world) == []


async def test_what_is_not_mended_freezes_again_until_it_is_acknowledged(
    world: World, own_owner_url: str, alarms: list[str]
) -> None:
    await world.complete()
    await forge(own_owner_url, WRONG_BALANCE)
    await check(world, complete=True)
    assert await unfreeze(world, acknowledge=False) == 0
    await check(world, complete=True)
    assert await freezes(world) == ["I03"]
    known = await unfreeze(world, acknowledge=True)
    assert known == 2  # I03 and I03c each say it of the one account
    alarms.clear()
    assert await check(world, complete=True) == []
    assert (await freezes(world), alarms) == ([], [])
    results = {result.code: result for result in await invariant_service.run_all(world.database)}
    assert (results["I03"].holds, results["I03"].acknowledged) == (True, 1)
    await forge(own_owner_url, WRONG_BALANCE)
    assert await check(world, complete=True) == ["I03", "I03c"], "the same account with another value is a new row"
    assert await freezes(world) == ["I03"]


async def test_an_acknowledgement_is_written_down_once(world: World, own_owner_url: str, alarms: list[str]) -> None:
    await world.complete()
    await forge(own_owner_url, WRONG_BALANCE)
    for _ in range(2):
        async with world.database.write() as session:
            await freeze_service.freeze(session, SYSTEM, reason="looked odd", invariant="I03")
        found = await invariant_service.list_violations(world.database)
        await unfreeze(world, acknowledge=True)
    assert found == {}
    async with world.database.read() as session:
        actions = select(AuditLog.details).where(AuditLog.action == "platform.violations_acknowledged")
        assert list(await session.scalars(actions)) == [{"reason": "known", "rows": {"I03": 1, "I03c": 1}}]
        kept = (await session.scalars(select(AcknowledgedViolation).order_by(AcknowledgedViolation.invariant))).all()
    assert [(row.invariant, row.reason, row.acknowledged_by) for row in kept] == [
        ("I03", "known", world.staff.id),
        ("I03c", "known", world.staff.id),
    ]


async def test_more_rows_than_are_read_are_all_acknowledged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    many = Invariant("X1", "There is nothing", "select n from generate_series(1, 250) n", freezes=True)
    monkeypatch.setattr(invariant_service, "INVARIANTS", (many,))
    async with world.database.write() as session:
        await freeze_service.freeze(session, SYSTEM, reason="x", invariant="X1")
    assert await unfreeze(world, acknowledge=True) == 250
    assert (await invariant_service.run_all(world.database, invariants=[many]))[0].holds
    more = Invariant("X1", "There is nothing", "select n from generate_series(1, 251) n", freezes=True)
    assert (await invariant_service.run_all(world.database, invariants=[more]))[0].rows == [{"n": "251"}]


async def test_other_invariants_only_raise_an_alarm(world: World, own_owner_url: str, alarms: list[str]) -> None:
    await forge(own_owner_url, WRONG_COUNTER)
    assert await check(world, complete=False) == ["I37o"]
    assert alarms == ["invariant I37o"]
    assert await freezes(world) == []


async def test_a_quick_run_covers_what_changed(world: World, own_owner_url: str, alarms: list[str]) -> None:
    await world.complete(Decimal(100))
    assert await check(world, complete=False) == []
    await world.advance(3600)
    await world.relay()
    await audit_chain.append(world.database)
    await posting_chain.append(world.database)
    assert await check(world, complete=False) == []
    await forge(own_owner_url, WRONG_POSTING)
    assert "I01" not in await check(world, complete=False)
    assert "I01" in await check(world, complete=True)


async def test_a_quick_run_finds_what_is_new(world: World, own_owner_url: str, alarms: list[str]) -> None:
    assert await check(world, complete=False) == []
    await world.complete(Decimal(100))
    await forge(own_owner_url, "update postings set amount = amount + 1 where id = (select max(id) from postings)")
    assert "I01" in await check(world, complete=False)
    await world.advance(3600)
    assert "I01" in await check(world, complete=False), "what was violated is looked at until it is right"


async def test_one_that_cannot_finish_is_an_alarm_and_no_freeze(
    world: World, alarms: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Invariant("X1", "Everything is quick", "select pg_sleep(5)::text as slept", freezes=True)
    monkeypatch.setattr(invariant_service, "TIMEOUT_MS", 50)
    assert await check(world, complete=False, invariants=[slow]) == ["X1"]
    assert (await last_run(world)).violations == {"X1": [{"not_finished": "DBAPIError"}]}
    assert alarms == ["invariant X1"]
    assert await freezes(world) == []


async def test_one_that_cannot_be_asked_does_not_stop_the_others(world: World) -> None:
    broken = Invariant("X1", "There is such a table", "select * from nowhere", freezes=True)
    sound = Invariant("X2", "Nothing is wrong", "select 1 as one where false")
    results = await invariant_service.run_all(world.database, invariants=[broken, sound])
    assert results[0].finished is False
    assert results[1] == InvariantResult("X2", "Nothing is wrong", freezes=False, rows=[])


async def test_a_run_changes_nothing(world: World) -> None:
    writes = Invariant("X1", "It only reads", "select nextval(pg_get_serial_sequence('users', 'id')) as number")
    results = await invariant_service.run_all(world.database, invariants=[writes])
    assert results[0].finished is False


async def test_rows_are_bounded(world: World, alarms: list[str]) -> None:
    many = Invariant("X1", "There is nothing", "select n from generate_series(1, 1000) n")
    results = await invariant_service.check_and_freeze(world.database, SYSTEM, complete=True, invariants=[many])
    assert len(results[0].rows) == 100
    assert (await last_run(world)).violations == {"X1": [{"n": str(n)} for n in range(1, 6)]}
