"""Which transitions of the printed tables have been taken on a platform (domain/order_states.py)."""

from sqlalchemy import text

from jivapay.database.session import Database
from jivapay.domain.order_states import MACHINES

Taken = set[tuple[str, str, str]]
"""Entity, from, to; born from the empty status."""

TAKEN = text("select distinct entity, coalesce(from_status, ''), to_status from status_history")
DELIVERIES = "callback_delivery"
"""Its states have attempts for a history; tests/services/callback walks its table."""

PRINTED: Taken = {
    (entity, step.from_status, step.to_status)
    for entity, steps in MACHINES.items()
    if entity != DELIVERIES
    for step in steps
}


async def taken_on(database: Database) -> Taken:
    async with database.read() as session:
        return {(row[0], row[1], row[2]) for row in await session.execute(TAKEN)}


def assert_complete(taken: Taken) -> None:
    """Every printed transition was taken, so every status reached, and no other."""
    missing = sorted(f"{entity}: {old or '(born)'} -> {new}" for entity, old, new in PRINTED - taken)
    assert not missing, "\n".join(missing)
    assert taken <= PRINTED
