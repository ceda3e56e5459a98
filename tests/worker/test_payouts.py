"""Payout requests from the outbox to the sandbox: a task each, which says whose request it works for, and pays once."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from celery.exceptions import Retry

from factories.payout_requests import SPOILT, reports_of_unreadable, seal_again, set_status, spoil, status_of
from factories.world import World, make_world
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict
from jivapay.schemas_enums.enums import PayoutExecutor, PayoutStatus
from jivapay.services import payout_service
from jivapay.services.payout_service import NewPayout, Terms, dispatch, execution
from jivapay.services.payout_service.execution import LEASE_SECONDS
from jivapay.services.payout_service.executors import Job, Outcome, Sandbox
from jivapay.utils.resources import Resources
from jivapay.worker import relay, tasks
from jivapay.worker.app import Child, run_in_child
from jivapay.worker.publisher import Publisher
from jivapay.worker.scheduler import OFFERED_AGAIN_SECONDS, Timetable
from support.invariants import assert_invariants
from worker.broker import queued

TRACE = "aabbccdd12345"
WORKER = Actor.system("worker")
T = TypeVar("T")
PAY = Sandbox.execute
"""As it is while no test has put something else there."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox does not rest first."""
    monkeypatch.setattr(dispatch, "SANDBOX_REST_SECONDS", 0.0)


async def ask(world: World, executor: PayoutExecutor = PayoutExecutor.SANDBOX, **details: str) -> int:
    store = replace(world.store, actor=Actor.store(world.store.id, request_id=TRACE))
    new = NewPayout(1, Decimal(100), "RUB", details or {"card": "0000 1111 2222 3333"})
    async with world.database.write() as session:
        terms = Terms(executor, world.resources.cipher, world.rules)
        made = await payout_service.create_payout(session, store, new, terms)
    return made.thing.id


async def execute(world: World, payout_id: int) -> str | None:
    return await payout_service.execute_payout(world.database, world.resources.cipher, payout_id, WORKER, world.rules)


async def paid(world: World) -> int:
    return int(await world.scalar("select count(*) from sandbox_payments"))


async def status(world: World, payout_id: int) -> str:
    return str(await world.scalar("select status from payouts where id = :id", id=payout_id))


async def test_a_task_for_each_after_commit(world: World, publisher: Publisher) -> None:
    made = [await ask(world) for _ in range(2)]
    assert await queued(world.resources) == []
    await relay.relay_once(world.resources, publisher)
    assert await queued(world.resources) == [("jivapay.process_payout", [one, TRACE]) for one in made]


async def test_manual_ones_wait_for_somebody_else(world: World, publisher: Publisher) -> None:
    payout_id = await ask(world, PayoutExecutor.MANUAL)
    await relay.relay_once(world.resources, publisher)
    await Timetable(world.resources, publisher).poll_payouts()
    assert await queued(world.resources) == []
    assert await execute(world, payout_id) is None


async def test_lost_task_is_offered_again(world: World, publisher: Publisher) -> None:
    timetable = Timetable(world.resources, publisher)
    payout_id = await ask(world)
    await timetable.poll_payouts()
    await timetable.poll_payouts()
    assert await queued(world.resources) == [("jivapay.process_payout", [payout_id, TRACE])]
    await world.resources.redis.flushall()
    timetable.offered_payouts[payout_id] -= OFFERED_AGAIN_SECONDS
    await timetable.poll_payouts()
    assert await queued(world.resources) == [("jivapay.process_payout", [payout_id, TRACE])]
    assert await execute(world, payout_id) == "processed"
    await world.resources.redis.flushall()
    timetable.offered_payouts.clear()
    await timetable.poll_payouts()
    assert await queued(world.resources) == []


async def test_many_workers_one_payment(world: World) -> None:
    payout_id = await ask(world)
    ended = await asyncio.gather(*(execute(world, payout_id) for _ in range(8)))
    assert sorted(filter(None, ended)) == ["processed"]
    assert await paid(world) == 1
    await assert_invariants(world.database)


class Death(Exception):
    """Of a worker."""


async def dies(_self: Sandbox, _job: Job) -> Outcome:
    raise Death


async def dies_after_payment(self: Sandbox, job: Job) -> Outcome:
    await PAY(self, job)
    raise Death


async def ask_a_worker_that_dies(world: World, monkeypatch: pytest.MonkeyPatch, *, after_payment: bool) -> int:
    """The request that he has claimed."""
    payout_id = await ask(world)
    with monkeypatch.context() as while_it_dies:
        while_it_dies.setattr(Sandbox, "execute", dies_after_payment if after_payment else dies)
        with pytest.raises(Death):
            await execute(world, payout_id)
    return payout_id


@pytest.mark.parametrize("after_payment", [False, True])
async def test_worker_dies_between_claim_and_result(
    world: World, monkeypatch: pytest.MonkeyPatch, after_payment: bool
) -> None:
    payout_id = await ask_a_worker_that_dies(world, monkeypatch, after_payment=after_payment)
    assert (await status(world, payout_id), await paid(world)) == ("processing", int(after_payment))
    assert await execute(world, payout_id) is None, "another worker has it, as far as anybody knows"
    await world.advance(LEASE_SECONDS)
    assert await execute(world, payout_id) == "processed"
    assert await paid(world) == 1
    assert await world.scalar("select count(*) from payout_attempts") == 1
    await assert_invariants(world.database)


@pytest.mark.parametrize(("how", "code"), SPOILT)
async def test_a_recipient_nobody_can_read(world: World, how: str, code: str) -> None:
    """It ends and is not offered again; asked for again it is paid if the key has been found."""
    payout_id = await ask(world)
    kept = await spoil(world, payout_id, how)
    assert await execute(world, payout_id) == "failed"
    assert await status_of(world, payout_id) == ("failed", code)
    async with world.database.read() as session:
        assert await payout_service.list_due_payouts(session, limit=10) == []
    assert (await execute(world, payout_id), await reports_of_unreadable(world)) == (None, 1)
    await seal_again(world, payout_id, kept)
    await set_status(world, payout_id, PayoutStatus.PENDING)
    assert await execute(world, payout_id) == "processed"
    assert await paid(world) == 1
    await assert_invariants(world.database)


@pytest.mark.parametrize("after_payment", [False, True])
async def test_unreadable_since_its_worker_died(
    world: World, monkeypatch: pytest.MonkeyPatch, after_payment: bool
) -> None:
    """As when a key is dropped with a restart: what that worker has paid has not failed, or it would be paid again."""
    payout_id = await ask_a_worker_that_dies(world, monkeypatch, after_payment=after_payment)
    await spoil(world, payout_id, "key")
    await world.advance(LEASE_SECONDS)
    assert await execute(world, payout_id) == ("processed" if after_payment else "failed")
    assert (await paid(world), await reports_of_unreadable(world)) == (int(after_payment), 1)
    assert await world.scalar("select count(*) from payout_attempts") == 1
    await assert_invariants(world.database)


@pytest.mark.parametrize("said", [PayoutStatus.FAILED, PayoutStatus.PROCESSED])
async def test_the_store_does_not_speak_for_a_busy_executor(
    world: World, monkeypatch: pytest.MonkeyPatch, said: PayoutStatus
) -> None:
    """Failed and asked for again after the payment, before its result, it was paid a second time."""
    real = Sandbox.execute
    payout_id = await ask(world)

    async def interrupted(self: Sandbox, job: Job) -> Outcome:
        outcome = await real(self, job)
        with pytest.raises(Conflict) as refused:
            await set_status(world, payout_id, said)
        assert (refused.value.code, refused.value.about) == ("payout.state_conflict", {"current": "processing"})
        return outcome

    monkeypatch.setattr(Sandbox, "execute", interrupted)
    assert await execute(world, payout_id) == "processed"
    assert await world.scalar("select outcome from payout_attempts") == "processed"
    assert await paid(world) == 1


async def test_result_of_an_attempt_that_another_worker_has_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Sandbox.execute
    payout_id = await ask(world)

    async def overtaken(self: Sandbox, job: Job) -> Outcome:
        monkeypatch.setattr(Sandbox, "execute", real)
        await world.advance(LEASE_SECONDS)
        assert await execute(world, payout_id) == "processed"
        return await real(self, job)

    monkeypatch.setattr(Sandbox, "execute", overtaken)
    assert await execute(world, payout_id) is None
    assert (await status(world, payout_id), await paid(world)) == ("processed", 1)


async def test_executor_that_does_not_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_self: Sandbox, _job: Job) -> Outcome:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(Sandbox, "execute", hang)
    monkeypatch.setattr(execution, "EXECUTOR_SECONDS", 0.05)
    payout_id = await ask(world)
    with pytest.raises(TimeoutError):
        await execute(world, payout_id)
    assert await status(world, payout_id) == "processing"


def in_child(work: Callable[[Resources], Coroutine[Any, Any, T]]) -> T:
    return run_in_child(lambda child: work(child.resources))


def test_trace_id_in_every_line(child: Child, capsys: pytest.CaptureFixture[str]) -> None:
    world = in_child(make_world)
    payout_id = in_child(lambda _: ask(world))
    capsys.readouterr()
    tasks.process_payout_task(payout_id, TRACE)
    lines = [line for line in capsys.readouterr().err.splitlines() if '"payout"' in line]
    assert len(lines) == 1
    assert f'"trace_id":"{TRACE}"' in lines[0]
    assert f'"request_id":"{TRACE}"' in lines[0]
    audit = "select count(*) from audit_log where entity = 'payout' and request_id = :id"
    assert in_child(lambda _: world.scalar(audit, id=TRACE)) == 3


def test_retried_with_its_trace_id(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    world = in_child(make_world)
    payout_id = in_child(lambda _: ask(world))
    asked: list[Any] = []

    def retry(*_: object, **options: Any) -> Retry:  # noqa: ANN401 - Celery's
        asked.append(tasks.process_payout_task.request.args)
        return Retry()

    async def down(_self: Sandbox, _job: Job) -> Outcome:
        raise OSError

    monkeypatch.setattr(Sandbox, "execute", down)
    monkeypatch.setattr(tasks.process_payout_task, "retry", retry)
    with pytest.raises(Retry):
        tasks.process_payout_task.apply(args=(payout_id, TRACE), throw=True)
    assert asked == [(payout_id, TRACE)]
