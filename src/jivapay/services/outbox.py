"""Intentions that leave the database: rows written with the change that causes them, published after commit.

Nothing else enqueues work (decision 7). The relay publishes; a broker message is a hint, the row the truth.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import insert

from jivapay.database.models.records import Outbox
from jivapay.database.session import WriteSession


class Topic(StrEnum):
    """Contracts with the relay."""

    ORDER_PROCESS = "order.process"
    TASK_AGAIN = "task.again"
    """A failed task, by its name and arguments."""
    PAYOUT_PROCESS = "payout.process"


async def put(
    session: WriteSession,
    topic: Topic,
    *,
    ref_type: str,
    ref_id: int,
    payload: Mapping[str, Any] | None = None,
    request_id: str | None = None,
) -> None:
    """Ask for `topic` about one row, once this transaction has committed."""
    await session.execute(
        insert(Outbox).values(
            topic=topic, ref_type=ref_type, ref_id=ref_id, payload=dict(payload or {}), request_id=request_id
        )
    )
