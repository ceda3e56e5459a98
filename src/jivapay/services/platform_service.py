"""The platform as a whole: lifting the money freeze, with grace for the deadlines that passed in it; and starting
read-only when the database is not the one whose heads were exported.
"""

from sqlalchemy import select

from jivapay.config.crypto import HeadSigner
from jivapay.database.models.records import MoneyFreeze
from jivapay.database.session import Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import JivaPayException, StorageError
from jivapay.services import chain_heads, freeze_service, order_processor
from jivapay.utils.notifications import report_critical_error
from jivapay.utils.s3_client import Storage

HEAD_CHECK = "HEAD"
"""What a freeze by the comparison with the last exported head is called, beside the codes of the invariants."""


class HistoryRewritten(JivaPayException):
    """The ledger is not the one whose head was exported"""

    code = "ledger.rewritten"


async def unfreeze(session: WriteSession, actor: Actor, *, reason: str) -> int:
    """Let money move again; gives how many deadlines were moved on. Raises Conflict when nothing is frozen."""
    frozen_at = await session.scalar(select(MoneyFreeze.frozen_at).where(MoneyFreeze.lifted_at.is_(None)))
    await freeze_service.unfreeze(session, actor, reason=reason)
    return 0 if frozen_at is None else await order_processor.give_grace(session, since=frozen_at)


async def find_head_violations(database: Database, storage: Storage, signer: HeadSigner) -> list[dict[str, str | None]]:
    """What the last exported head contradicts and nobody has acknowledged. Raises StorageError."""
    found = await chain_heads.find_rewritten(database, storage, signer)
    if found is None:
        return []
    async with database.read() as session:
        known = (await freeze_service.list_acknowledged(session)).get(HEAD_CHECK, frozenset())
    return [] if freeze_service.row_hash(found) in known else [found]


async def freeze_if_rewritten(database: Database, storage: Storage, signer: HeadSigner, actor: Actor) -> bool:
    """Start read-only when the database is not the one whose head was exported last (reliability 6.2). True if so.

    A store out of reach is an alarm and no freeze: it says nothing against the ledger.
    """
    try:
        found = await find_head_violations(database, storage, signer)
    except StorageError as error:
        report_critical_error(error, "comparison with the last exported head")
        return False
    if not found:
        return False
    reason = f"{found[0]['difference']} ({found[0]['head']})"
    async with database.write() as session:
        await freeze_service.freeze(session, actor, reason=reason, invariant=HEAD_CHECK)
    report_critical_error(HistoryRewritten(reason), "comparison with the last exported head")
    return True
