"""Who makes the status steps of this transaction, and why: the triggers write it into `status_history` and
refuse a step that comes without (`database/migrations/versions/0003_triggers.py`).
"""

from sqlalchemy import text

from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor

_ANNOUNCE = text(
    "select set_config('jivapay.actor_kind', :kind, true), set_config('jivapay.actor_id', :id, true),"
    " set_config('jivapay.reason', :reason, true)"
)


async def announce(session: WriteSession, actor: Actor, reason: str) -> None:
    """Hold for every step until the transaction ends, or until the next call. `reason` must not be empty."""
    if not reason:
        raise ValueError("a status step needs a reason")
    actor_id = "" if actor.id is None else str(actor.id)
    await session.execute(_ANNOUNCE, {"kind": actor.kind.value, "id": actor_id, "reason": reason})
