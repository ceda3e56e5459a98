"""The scheduler checks everything once a night, and every few minutes what has changed; a restart changes nothing."""

from sqlalchemy import select

from factories.world import World
from jivapay.database.models.records import InvariantRun
from jivapay.worker.app import make_app
from jivapay.worker.publisher import Publisher
from jivapay.worker.scheduler import Timetable


async def test_everything_first_then_what_changed(world: World) -> None:
    await world.complete()
    publisher = Publisher(make_app(world.resources.settings))
    await Timetable(world.resources, publisher).check_invariants()
    timetable = Timetable(world.resources, publisher)
    await timetable.check_invariants()
    await world.advance(86_400)
    await world.relay()
    await timetable.chain_audit()
    await timetable.chain_postings()
    await timetable.check_invariants()
    async with world.database.read() as session:
        runs = await session.scalars(select(InvariantRun).order_by(InvariantRun.id))
        assert [(run.complete, run.violations) for run in runs] == [(True, {}), (False, {}), (True, {})]
