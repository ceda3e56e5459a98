"""The row of a movement of money, which its postings follow in the same transaction."""

from sqlalchemy import insert

from jivapay.database.models.ledger import Transfer
from jivapay.database.session import WriteSession
from jivapay.domain.identifiers import new_id


async def write_transfer(
    session: WriteSession, kind: str, ref_type: str, ref_id: int, *, test: bool, reverses_id: int | None = None
) -> int:
    """Its id. The database refuses a second one of the same kind about the same thing."""
    transfer_id: int | None = await session.scalar(
        insert(Transfer)
        .values(public_id=new_id(), kind=kind, ref_type=ref_type, ref_id=ref_id, test=test, reverses_id=reverses_id)
        .returning(Transfer.id)
    )
    if transfer_id is None:
        raise AssertionError("an insert returns its id")
    return transfer_id
