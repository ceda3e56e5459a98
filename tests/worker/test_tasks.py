"""The shells: what fails is kept, one order spoils no other, and nothing outlives its deadline.

The shims own their loop, so the tests of them are no coroutines; what they look at, they ask through the child.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from celery.exceptions import Retry
from sqlalchemy.exc import IntegrityError

from factories.world import World, make_world
from jivapay.exceptions import ConfigurationError, DatabaseError
from jivapay.services import order_processor
from jivapay.utils.resources import Resources
from jivapay.worker import app as worker_app
from jivapay.worker import tasks
from jivapay.worker.app import Child, run_in_child
from support.failures import sqlstate_error

T = TypeVar("T")


def in_child(work: Callable[[Resources], Coroutine[Any, Any, T]]) -> T:
    return run_in_child(lambda child: work(child.resources))


@pytest.fixture
def child_world(child: Child) -> World:
    """Made on the child's own loop, as everything these tests touch."""
    return in_child(make_world)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return run_in_child(lambda _: coroutine)


def test_orders_of_a_message(child_world: World) -> None:
    made = [run(child_world.accept()) for _ in range(2)]
    made.append(run(child_world.accept(method="sbp")))
    tasks.process_order_task([(one, "req-1") for one in [*made, 999_999]])
    statuses = [run(child_world.statuses(one))[0] for one in made]
    # The trader takes an amount once at a time; nobody takes SBP; nothing has the last number.
    assert sorted(statuses) == ["assigned", "retrying", "retrying"]
    tasks.process_order_task([(one, None) for one in made])
    assert [run(child_world.statuses(one))[0] for one in made] == statuses


BREAKS_A_RULE = IntegrityError("update orders", {}, sqlstate_error("23514"))


@pytest.mark.parametrize("poison", [ValueError("poison"), BREAKS_A_RULE], ids=["in Python", "in SQL"])
def test_poisoned_order_stops_no_other(child_world: World, monkeypatch: pytest.MonkeyPatch, poison: Exception) -> None:
    """A defect in one order is recorded on that order, and the others have their turn by themselves."""
    bad, good = run(child_world.accept()), run(child_world.accept())
    real = order_processor.process_incoming_order

    async def poisoned(database: Any, incoming_id: int, *more: Any) -> Any:  # noqa: ANN401 - as given
        if incoming_id == bad:
            raise poison
        return await real(database, incoming_id, *more)

    async def poisoned_together(*_: object) -> set[int]:
        raise poison

    monkeypatch.setattr(tasks.order_processor, "assign_together", poisoned_together)
    monkeypatch.setattr(tasks.order_processor, "process_incoming_order", poisoned)
    tasks.process_order_task([(bad, None), (good, None)])
    assert run(child_world.statuses(good))[0] == "assigned"
    deal = run(child_world.deal(bad))
    assert (deal.incoming.status, deal.incoming.retry_count) == ("retrying", 1)


def test_infrastructure_failure_is_raised_after_all_had_their_turn(
    child_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = run(child_world.accept()), run(child_world.accept())
    real = order_processor.process_incoming_order

    async def unlucky(database: Any, incoming_id: int, *more: Any) -> Any:  # noqa: ANN401 - as given
        if incoming_id == bad:
            raise DatabaseError
        return await real(database, incoming_id, *more)

    async def nobody(*_: object) -> set[int]:
        return set()

    monkeypatch.setattr(tasks.order_processor, "assign_together", nobody)
    monkeypatch.setattr(tasks.order_processor, "process_incoming_order", unlucky)
    with pytest.raises((DatabaseError, Retry)):
        tasks.process_order_task([(bad, None), (good, None)])
    assert run(child_world.statuses(good))[0] == "assigned"
    assert run(child_world.statuses(bad))[0] == "new"  # for the poller


def test_failed_task_is_kept(child_world: World) -> None:
    secret = "4276380012345675"
    with pytest.raises(ValueError, match=secret) as caught:
        int(f"card {secret}")
    failure = caught.value
    for _ in range(2):  # told twice, kept once
        tasks.process_order_task.on_failure(failure, "task-1", [[[7, None]]], {}, None)
    rows = run(_failed(child_world))
    assert [row[:4] for row in rows] == [("task-1", "jivapay.process_order", [[[7, None]]], "ValueError")]
    assert "card 42" not in rows[0][4]


async def _failed(world: World) -> list[tuple[Any, ...]]:
    async with world.database.read() as session:
        connection = await session.connection()
        found = await connection.exec_driver_sql("select task_id, name, args, error, traceback from failed_tasks")
        return [tuple(row) for row in found]


@pytest.mark.parametrize("raised", [ConfigurationError("no bucket"), SystemExit(3)])
def test_a_child_that_cannot_be_opened_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: BaseException
) -> None:
    """Celery swallows what a signal's receiver raises, and would give this child one task after the other."""

    def build() -> None:
        raise raised

    class Ended(Exception):
        pass

    def leave(code: int) -> None:
        assert code == 1
        raise Ended

    monkeypatch.setattr(worker_app, "_build_child", build)
    monkeypatch.setattr(worker_app, "CHILD_PAUSE_SECONDS", 0)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Ended):
        worker_app._open_child()
    assert "pool child not opened" in capsys.readouterr().err


def test_failure_that_cannot_be_kept_is_only_said(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(worker_app, "_keep_failure", broken)
    tasks.process_order_task.on_failure(ValueError(), "task-2", [], {}, None)


def test_deadline_cancels_what_is_left(child: Child) -> None:
    """Nothing of a task that ran out of time goes on during the next one."""
    ended: list[str] = []

    async def endless(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    async def work(_: Child) -> None:
        work.side = asyncio.create_task(endless("side"))  # type: ignore[attr-defined]
        await endless("main")

    with pytest.raises(TimeoutError):
        run_in_child(work, seconds=0.1)
    assert sorted(ended) == ["main", "side"]

    async def nothing_left(_: Child) -> set[asyncio.Task[Any]]:
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert run_in_child(nothing_left) == set()


def test_shim_without_a_child_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_app, "_child", None)
    with pytest.raises(RuntimeError, match="prefork"):
        tasks.deliver_callbacks_task()


def test_repair_finds_nothing_to_do(child_world: World) -> None:
    incoming_id = run(child_world.complete())
    order = run(child_world.order(incoming_id))
    before = run(child_world.scalar("select count(*) from transfers"))
    tasks.update_balance_task(order.id)
    assert run(child_world.scalar("select count(*) from transfers")) == before
    assert run(child_world.store_balance()).total == run(child_world.store_balance()).available


def test_settings_lose_no_message(child: Child) -> None:
    """Acknowledged after the work, given back when the worker is lost, one at a time, and no endless read."""
    conf = worker_app.make_app(child.resources.settings).conf
    assert (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.worker_prefetch_multiplier) == (True, True, 1)
    assert conf.worker_enable_remote_control is False
    assert conf.broker_transport_options["visibility_timeout"] > worker_app.TASK_TIME_LIMIT_SECONDS
    assert worker_app.TASK_DEADLINE_SECONDS < worker_app.TASK_TIME_LIMIT_SECONDS
