"""Audit rows, announced steps and idempotency keys live and die with the transaction that does the deed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from jivapay.config.clock import ShiftedClock
from jivapay.database.models.records import AuditLog
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict, ValidationFailed
from jivapay.schemas_enums.enums import AuditLevel
from jivapay.services import audit_service, idempotency, steps
from jivapay.services.audit_service import AuditEvent
from jivapay.services.idempotency import IdempotencyClaim, Replay
from jivapay.utils.resources import Resources

SYSTEM = Actor.system("tests", request_id="request-1")


def claim(key: str, body: bytes = b"1" * 32) -> IdempotencyClaim:
    return IdempotencyClaim("store:1", key, body)


async def test_audit_row_says_who_did_what(resources: Resources) -> None:
    async with resources.database.write() as session:
        await audit_service.log_event(
            session, SYSTEM, "thing.done", entity="thing", entity_id=5, version=2, details={"name": "x"}
        )
    async with resources.database.read() as session:
        row = await session.scalar(select(AuditLog).where(AuditLog.action == "thing.done"))
    assert row is not None
    assert (row.entity, row.entity_id, row.version, row.level) == ("thing", 5, 2, "INFO")
    assert (row.actor_kind, row.actor_id, row.request_id) == ("system", None, "request-1")
    assert row.details == {"name": "x", "by": "tests"}


async def test_audit_rows_die_with_their_transaction(resources: Resources) -> None:
    async def undo() -> None:
        async with resources.database.write() as session:
            await audit_service.log_events(session, SYSTEM, [AuditEvent("thing.undone"), AuditEvent("thing.undone")])
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        await undo()
    async with resources.database.read() as session:
        assert await session.scalar(select(AuditLog.id).where(AuditLog.action == "thing.undone")) is None


async def test_critical_errors_newest_first(resources: Resources) -> None:
    async with resources.database.write() as session:
        await audit_service.log_events(session, SYSTEM, [])
        for action, level in (("a", AuditLevel.ERROR), ("b", AuditLevel.INFO), ("c", AuditLevel.CRITICAL)):
            await audit_service.log_event(session, SYSTEM, action, level=level)
    async with resources.database.read() as session:
        assert [row.action for row in await audit_service.get_critical_system_errors(session)] == ["c", "a"]
        assert [row.action for row in await audit_service.get_critical_system_errors(session, limit=1)] == ["c"]


async def test_a_step_needs_a_reason_and_is_forgotten_afterwards(resources: Resources) -> None:
    announced = text("select current_setting('jivapay.actor_kind', true), current_setting('jivapay.reason', true)")
    async with resources.database.write() as session:
        with pytest.raises(ValueError, match="reason"):
            await steps.announce(session, SYSTEM, "")
        await steps.announce(session, SYSTEM, "because")
        assert tuple((await session.execute(announced)).one()) == ("system", "because")
    async with resources.database.write() as session:
        assert not any((await session.execute(announced)).one())


async def test_key_is_bound_once(resources: Resources) -> None:
    async with resources.database.write() as session:
        assert await idempotency.find_replay(session, claim("a")) is None
        await idempotency.remember(session, claim("a"), status=201, resource_type="thing", resource_id=7)
    async with resources.database.write() as session:
        assert await idempotency.find_replay(session, claim("a")) == Replay(201, "thing", 7)
        assert await idempotency.find_replay(session, IdempotencyClaim("store:2", "a", b"2" * 32)) is None
        with pytest.raises(ValidationFailed) as refused:
            await idempotency.find_replay(session, claim("a", b"2" * 32))
        assert refused.value.code == "idempotency.mismatch"


async def test_key_of_a_rolled_back_request_is_free(resources: Resources) -> None:
    async def undo() -> None:
        async with resources.database.write() as session:
            await idempotency.find_replay(session, claim("b"))
            await idempotency.remember(session, claim("b"), status=201, resource_type="thing", resource_id=7)
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        await undo()
    async with resources.database.write() as session:
        assert await idempotency.find_replay(session, claim("b", b"2" * 32)) is None


async def test_key_is_free_again_after_a_week(resources: Resources, clock: ShiftedClock) -> None:
    async with resources.database.write() as session:
        await idempotency.remember(session, claim("c"), status=201, resource_type="thing", resource_id=7)
    clock.advance(timedelta(days=7, seconds=1))
    async with resources.database.write() as session:
        assert await idempotency.find_replay(session, claim("c", b"2" * 32)) is None
        await idempotency.remember(session, claim("c", b"2" * 32), status=201, resource_type="thing", resource_id=8)
    async with resources.database.write() as session:
        assert await idempotency.find_replay(session, claim("c", b"2" * 32)) == Replay(201, "thing", 8)


async def test_many_at_once_make_one(resources: Resources) -> None:
    made: list[int] = []

    def maker(number: int) -> Callable[[], Awaitable[tuple[int, int]]]:
        async def make() -> tuple[int, int]:
            await asyncio.sleep(0.02)
            made.append(number)
            return number, number

        return make

    async def load(resource_id: int) -> int:
        return resource_id

    async def ask(number: int) -> tuple[int, bool]:
        async with resources.database.write() as session:
            answer = await idempotency.make_once(
                session, claim("d"), resource_type="thing", make=maker(number), load=load
            )
        return answer.thing, answer.replayed

    answers = await asyncio.gather(*(ask(number) for number in range(1, 7)))
    assert len(made) == 1
    assert {thing for thing, _ in answers} == set(made)
    assert sorted(replayed for _, replayed in answers) == [False] + [True] * 5


async def test_waiting_too_long_is_said(resources: Resources) -> None:
    async def ask_impatiently() -> None:
        async with resources.database.write() as session:
            await session.execute(text("set local lock_timeout = '50ms'"))
            await idempotency.find_replay(session, claim("e"))

    async with resources.database.write() as first:
        await idempotency.find_replay(first, claim("e"))
        with pytest.raises(Conflict) as refused:
            await ask_impatiently()
        assert (refused.value.code, refused.value.retry_after_seconds) == ("idempotency.in_progress", 1)


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\t", "ключ", "line\n"], ids=ascii)
def test_malformed_keys(key: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        idempotency.check_key(key)
    assert refused.value.code == "idempotency.key_format"


def test_good_keys() -> None:
    assert idempotency.check_key("x" * 255) == "x" * 255
    assert idempotency.check_key("a b~!") == "a b~!"
