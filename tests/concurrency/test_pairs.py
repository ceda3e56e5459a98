"""Every two of confirm, cancel, time-out, dispute, resolve, accept, decline, approve and reject, on one deal at once.

What a race may come to is what one of them after the other comes to, in either order: both orders are played, too, and
every race must have ended in one of the two, to the status, the hold and the transfer. So one wins wherever one
excludes the other, and money moves once. `JIVAPAY_RACES=200` (`make races`) runs each pair two hundred times.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from itertools import combinations, combinations_with_replacement, product
from typing import Any

import pytest
from sqlalchemy import text

from concurrency.scenes import NINE, SCENES, SHORT, Move, Scene
from factories import disputes
from factories.fixtures import Recipe
from factories.payouts import payout_world
from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import Direction
from support.racing import LASTING, LONG, LONG_ROUNDS, outcome, race

Pair = tuple[Move, Move]
Ending = tuple[Any, ...]
"""What each of the two was told, and how everything stands afterwards."""

STANDS = text("""
select i.status, p.status,
       array(select o.status from orders o where o.incoming_order_id = i.id order by o.id),
       array(select d.status from disputes d where d.incoming_order_id = i.id order by d.id),
       array(select a.status from approvals a
              where (a.entity = 'order' and a.entity_id in (select o.id from orders o where o.incoming_order_id = i.id))
                 or (a.entity = 'dispute'
                     and a.entity_id in (select d.id from disputes d where d.incoming_order_id = i.id))
              order by a.id),
       array(select h.ref_type from holds h
              where h.status = 'active'
                and ((h.ref_type = 'incoming_order' and h.ref_id = i.id)
                  or (h.ref_type in ('order', 'clearing')
                      and h.ref_id in (select o.id from orders o where o.incoming_order_id = i.id))
                  or (h.ref_type = 'dispute'
                      and h.ref_id in (select d.id from disputes d where d.incoming_order_id = i.id)))
              order by h.id),
       array(select t.kind from transfers t
              where (t.ref_type = 'order' and t.ref_id in (select o.id from orders o where o.incoming_order_id = i.id))
                 or (t.ref_type = 'dispute'
                     and t.ref_id in (select d.id from disputes d where d.incoming_order_id = i.id))
              order by t.id)
  from incoming_orders i left join payment_sessions p on p.incoming_order_id = i.id
 where i.id = :incoming
""")


def pairs_of(scene: Scene) -> list[Pair]:
    return [*combinations_with_replacement(scene.alive, 2), *product(scene.alive, scene.beside)]


def names(pair: Pair) -> frozenset[str]:
    return frozenset(move.__name__ for move in pair)


def planned() -> list[Any]:
    """At length a pair's rounds are shared out among its scenes, each in a world of its own; in the suite every two
    that would both do something are run once of a pay-in and once of a pay-out.
    """
    scenes_of = Counter(names(pair) for scene in SCENES for pair in pairs_of(scene))
    if LONG:
        return [
            pytest.param(scene, [pair], -(-LONG_ROUNDS // scenes_of[names(pair)]), id="-".join(id_of(scene, pair)))
            for scene in SCENES
            for pair in pairs_of(scene)
        ]
    seen: set[tuple[Direction, frozenset[str]]] = set()
    plan = []
    for scene in SCENES:
        new = [pair for pair in combinations(scene.alive, 2) if (scene.of, names(pair)) not in seen]
        seen |= {(scene.of, names(pair)) for pair in new}
        if new:
            plan.append(pytest.param(scene, new, 1, id=scene.set_up.__name__))
    return plan


def id_of(scene: Scene, pair: Pair) -> list[str]:
    return [scene.set_up.__name__, *(move.__name__ for move in pair)]


def test_every_pair_has_a_scene() -> None:
    played = {names(pair) for scene in SCENES for pair in pairs_of(scene)}
    assert [pair for pair in combinations_with_replacement(NINE, 2) if names(pair) not in played] == []


@pytest.fixture
def own_recipe() -> Recipe:
    return Recipe(payout_world, {"traders": 3, "funds": Decimal(100_000)})


@pytest.mark.timeout(1800 if LONG else 120)
@pytest.mark.parametrize(("scene", "pairs", "times"), planned())
async def test_of_two_at_once_one_comes_first(world: World, scene: Scene, pairs: list[Pair], times: int) -> None:
    second = await disputes.another_admin(world)
    await world.change_settings(**dict.fromkeys(scene.settings, SHORT), **LASTING)
    if scene.second_person:
        await world.change_settings(FOUR_EYES_AMOUNT=1)
    play = partial(_play, world, scene, second)
    for pair in pairs:
        orders: list[Ending] = []
        for number in range(times):
            found = await play(pair, race)
            if found not in orders:
                orders = [await play(pair, one_by_one), _turned(await play(pair[::-1], one_by_one))]
            assert found in orders, f"{' against '.join(sorted(names(pair)))}, round {number}"


def _turned(ending: Ending) -> Ending:
    return (ending[1], ending[0], *ending[2:])


async def one_by_one(moves: list[Callable[[], Awaitable[object]]]) -> list[str]:
    return [await outcome(move) for move in moves]


async def _play(
    world: World,
    scene: Scene,
    second: Actor,
    pair: Pair,
    run: Callable[[list[Callable[[], Awaitable[object]]]], Awaitable[list[str]]],
) -> Ending:
    case = await scene.set_up(world, second)
    told = await run([partial(move, case) for move in pair])
    async with world.database.read() as session:
        stands = (await session.execute(STANDS, {"incoming": case.incoming})).one()
    transfers = stands[-1]
    assert transfers.count("settlement") <= 1
    return (*told, *(tuple(value) if isinstance(value, list) else value for value in stands))
