"""The second person's word about whatever waits for one, carried out as the door does it."""

from uuid import UUID

from factories.world import World
from jivapay.api_routers.common.approvals import ACTIONS
from jivapay.domain.actors import Actor
from jivapay.services import approval_service


async def approve(world: World, actor: Actor, approval_id: UUID) -> None:
    async with world.database.write() as session:
        approval = await approval_service.take(session, actor, approval_id)
        await ACTIONS[approval.action].execute(session, actor, approval, world.rules)


async def reject(world: World, actor: Actor, approval_id: UUID) -> None:
    async with world.database.write() as session:
        approval = await approval_service.reject(session, actor, approval_id, "no")
        undo = ACTIONS[approval.action].reject
        if undo is not None:
            await undo(session, actor, approval, world.rules)
