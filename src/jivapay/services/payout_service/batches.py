"""Many payout requests at once: a list answered at once, a file worked off in the background.

Each row has a result of its own: a bad one spoils no other. A file lies encrypted in its batch until its last row is
done; the timetable works it off a hundred rows at a time, each hundred in a transaction with the progress, so that a
row is made once whoever dies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher
from jivapay.database.models.payout_requests import Payout, PayoutBatch, PayoutBatchRow
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import AnySession, Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import ConfigurationError, NotFound, ValidationFailed
from jivapay.schemas_enums.enums import AuditLevel, PayoutExecutor
from jivapay.schemas_enums.payout_requests import PayoutCreate
from jivapay.services import audit_service, idempotency
from jivapay.services.api_key_service import StoreContext
from jivapay.services.audit_service import AuditEvent
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.payout_service.requests import NewPayout, Terms, add_payout, check_payout
from jivapay.services.payout_service.states import database_now
from jivapay.services.payout_service.table_file import read_rows
from jivapay.utils.validation_codes import field_errors

ROWS_AT_ONCE = 100
KEY_ID = "batch"
WORKER = "scheduler"

Errors = dict[str, list[str]]
"""Field → codes."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """From 1. A payout, or what is wrong; neither in a dry run of a good row."""

    number: int
    payout: Payout | None = None
    errors: Errors | None = None


@dataclass(frozen=True, slots=True)
class BatchView:
    """`results` only where they were asked for."""

    batch: PayoutBatch
    results: Sequence[RowResult] = ()


async def create_list(
    session: WriteSession,
    store: StoreContext,
    items: Sequence[object],
    terms: Terms,
    *,
    claim: IdempotencyClaim | None = None,
) -> Made[BatchView]:
    """A request for each item that is right. Raises as `idempotency.make_once`."""

    async def make() -> tuple[int, BatchView]:
        batch = await _add_batch(session, store, terms, len(items))
        await _make_rows(session, store, batch, items, terms)
        await session.refresh(batch)
        return batch.id, await get_batch(session, store, batch.id)

    async def load(batch_id: int) -> BatchView:
        return await get_batch(session, store, batch_id)

    return await idempotency.make_once(session, claim, resource_type="payout_batch", make=make, load=load)


async def read_file(session: AnySession, content: bytes) -> list[RowResult]:
    """The dry run: what each row would come to; nothing is kept. Raises ValidationFailed about the file as a whole."""
    results = []
    for number, row in enumerate(read_rows(content), start=1):
        asked = await _parse(session, row)
        results.append(RowResult(number, errors=None if isinstance(asked, NewPayout) else asked))
    return results


async def upload_file(
    session: WriteSession, store: StoreContext, content: bytes, terms: Terms, *, claim: IdempotencyClaim | None = None
) -> Made[BatchView]:
    """Take a file to be worked off. Raises ValidationFailed about the file as a whole."""
    total = len(read_rows(content))

    async def make() -> tuple[int, BatchView]:
        batch = await _add_batch(session, store, terms, total)
        batch.content_sealed = terms.cipher.encrypt(content.decode("utf-8-sig"), _context(batch))
        await session.flush()
        await session.refresh(batch)
        return batch.id, BatchView(batch)

    async def load(batch_id: int) -> BatchView:
        return BatchView(await _get(session, store, batch_id))

    return await idempotency.make_once(session, claim, resource_type="payout_batch", make=make, load=load)


async def continue_batches(database: Database, cipher: Cipher, rules: BusinessSettings) -> int:
    """The next rows of the oldest file nobody works on; how many they were."""
    async with database.write() as session:
        batch = await session.scalar(
            select(PayoutBatch)
            .where(PayoutBatch.finished_at.is_(None))
            .order_by(PayoutBatch.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if batch is None or batch.content_sealed is None:
            return 0
        store = await session.get_one(MerchantStore, batch.store_id)
        actor = Actor.store(store.id, request_id=batch.request_id)
        try:
            rows = read_rows(cipher.decrypt(batch.content_sealed, _context(batch)).encode())
        except ConfigurationError as error:
            await _give_up(session, batch, error.code)
            return 0
        part = rows[batch.rows_done : batch.rows_done + ROWS_AT_ONCE]
        terms = Terms(PayoutExecutor(batch.executor), cipher, rules)
        await _make_rows(session, StoreContext.of(store, key_id=KEY_ID, actor=actor), batch, part, terms)
        return len(part)


async def _give_up(session: WriteSession, batch: PayoutBatch, code: str) -> None:
    """A file nobody can read, as its key is gone or it was altered, keeps back none of those behind it.

    Said once, among the errors of the audit log. Its bytes stay, should the key be found.
    """
    batch.finished_at = await database_now(session)
    batch.failure = code
    await session.flush()
    event = AuditEvent("payout_batch.failed", "payout_batch", batch.id, details={"code": code}, level=AuditLevel.ERROR)
    await audit_service.log_events(session, Actor.system(WORKER, batch.request_id), [event])


async def get_batch(session: AnySession, store: StoreContext, batch_id: int) -> BatchView:
    """With the results so far. Raises NotFound, also for another store's."""
    batch = await _get(session, store, batch_id)
    return BatchView(batch, await list_results(session, batch))


async def list_results(session: AnySession, batch: PayoutBatch) -> list[RowResult]:
    """In the order of the rows."""
    found = await session.execute(
        select(PayoutBatchRow, Payout)
        .outerjoin(Payout, Payout.id == PayoutBatchRow.payout_id)
        .where(PayoutBatchRow.batch_id == batch.id)
        .order_by(PayoutBatchRow.number)
    )
    return [RowResult(row.number, payout, row.errors) for row, payout in found]


async def _add_batch(session: WriteSession, store: StoreContext, terms: Terms, total: int) -> PayoutBatch:
    batch = PayoutBatch(
        public_id=new_id(),
        store_id=store.id,
        executor=terms.executor.value,
        rows_total=total,
        rows_done=0,
        rows_failed=0,
        request_id=store.actor.request_id,
    )
    session.add(batch)
    await session.flush()
    await audit_service.log_event(
        session,
        store.actor,
        "payout_batch.created",
        entity="payout_batch",
        entity_id=batch.id,
        details={"rows": total},
    )
    return batch


async def _make_rows(
    session: WriteSession, store: StoreContext, batch: PayoutBatch, items: Sequence[object], terms: Terms
) -> None:
    for number, item in enumerate(items, start=batch.rows_done + 1):
        asked = await _parse(session, item)
        row = PayoutBatchRow(batch_id=batch.id, number=number)
        if isinstance(asked, NewPayout):
            row.payout_id = (await add_payout(session, store, asked, terms)).id
        else:
            row.errors = asked
            batch.rows_failed += 1
        session.add(row)
    batch.rows_done += len(items)
    if batch.rows_done == batch.rows_total:
        batch.finished_at = await database_now(session)
        batch.content_sealed = None
    await session.flush()


async def _parse(session: AnySession, item: object) -> NewPayout | Errors:
    """The request that `item` is, or what is wrong with it."""
    try:
        body = PayoutCreate.model_validate(item)
        new = NewPayout(**{name: getattr(body, name) for name in PayoutCreate.model_fields})
        await check_payout(session, new)
    except ValidationError as error:
        found = field_errors(error.errors(include_url=False, include_input=False), under=("body",))
        return _by_field(ValidationFailed(errors=found))
    except ValidationFailed as failure:
        return _by_field(failure)
    return new


def _by_field(failure: ValidationFailed) -> Errors:
    found: Errors = {}
    for error in failure.errors:
        name = str(error.loc[1]) if len(error.loc) > 1 else ""
        codes = found.setdefault(name if name in PayoutCreate.model_fields else "", [])
        if error.code not in codes:
            codes.append(error.code)
    return found


async def _get(session: AnySession, store: StoreContext, batch_id: int) -> PayoutBatch:
    batch = await session.scalar(
        select(PayoutBatch).where(PayoutBatch.id == batch_id, PayoutBatch.store_id == store.id)
    )
    if batch is None:
        raise NotFound
    return batch


def _context(batch: PayoutBatch) -> str:
    return f"payout_batches.content:{batch.public_id}"
