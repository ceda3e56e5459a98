"""Receipts on their way from a request to an order: check, close, store, link (FIN-08, STM-11, K46).

A phased door calls the steps one after another: `prepare_receipt` and `stage` hold no transaction, `link` is
part of the caller's. What was staged and never linked is swept away after a day. That a picture was seen with
another order is a value given back, never a refusal: the caller knows what it means there (hard case 22).
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, insert, select

from jivapay.config.clock import Clock
from jivapay.config.logger import get_logger
from jivapay.database.locks import lock_receipt_hash
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.session import AnySession, Database, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import DocumentKind, DocumentState
from jivapay.utils.receipts import CleanReceipt, clean_receipt
from jivapay.utils.s3_client import Storage, day_folder, download, upload_fileobj

logger = get_logger(__name__)

FOLDER = "receipts"
STAGED_HOURS_MAX = 24
SWEEP_DAYS_BACK = 14
"""How far back a sweep looks: longer than a scheduler is ever down."""
SWEEP_BATCH = 500

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "application/pdf": "pdf"}


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A clean receipt that lies in the store and belongs to no order yet."""

    object_key: str
    content_type: str
    size: int
    sha256: bytes
    """Of what was uploaded."""
    stored_sha256: bytes | None = None
    """Of what lies in the store."""


@dataclass(frozen=True, slots=True)
class LinkedReceipt:
    """What became of a receipt at its order."""

    document_id: int
    public_id: UUID
    repeated: bool
    """This order had the very same file already; nothing new was written."""
    duplicate: bool
    """The same file was sent for another order before (`receipt.duplicate`)."""


@dataclass(frozen=True, slots=True)
class Download:
    """A receipt to be sent as an attachment, under a name of ours."""

    content_type: str
    data: bytes
    file_name: str


async def prepare_receipt(raw: bytes) -> CleanReceipt:
    """Check and clean an upload; holds no transaction.

    Raises RequestTooLarge, ValidationFailed (`file.*`), and DependencyUnavailable when it could not be checked
    now, which says nothing against the file.
    """
    return await clean_receipt(raw)


async def stage(storage: Storage, receipt: CleanReceipt, *, clock: Clock) -> StoredReceipt:
    """Store under a new random key, before any transaction. Raises StorageError."""
    key = await upload_fileobj(storage, receipt.data, folder=FOLDER, day=clock.now().date())
    stored_sha256 = hashlib.sha256(receipt.data).digest()
    return StoredReceipt(key, receipt.content_type, receipt.size, receipt.sha256, stored_sha256)


async def link(
    session: WriteSession,
    *,
    incoming_order_id: int,
    order_id: int | None,
    stored: StoredReceipt,
    uploader: Actor,
    kind: DocumentKind = DocumentKind.CUSTOMER_RECEIPT,
    dispute_id: int | None = None,
) -> LinkedReceipt:
    """Make a staged receipt part of its order, in the caller's transaction.

    Locks the file's checksum, so that of two orders brought the same picture at once the second one learns it.
    """
    duplicate = await is_seen_elsewhere(session, stored.sha256, incoming_order_id=incoming_order_id)
    known = await _find_same(session, incoming_order_id, stored.sha256, kind)
    if known is not None:
        return LinkedReceipt(known.id, known.public_id, repeated=True, duplicate=duplicate)
    public_id = new_id()
    document_id = await session.scalar(
        insert(UploadedDocument)
        .values(
            public_id=public_id,
            incoming_order_id=incoming_order_id,
            order_id=order_id,
            dispute_id=dispute_id,
            uploader_kind=uploader.kind,
            uploader_id=uploader.id,
            kind=kind,
            object_key=stored.object_key,
            content_type=stored.content_type,
            size=stored.size,
            sha256=stored.sha256,
            stored_sha256=stored.stored_sha256,
            seen_before=duplicate,
        )
        .returning(UploadedDocument.id)
    )
    if document_id is None:
        raise AssertionError("an insert returns its id")
    return LinkedReceipt(document_id, public_id, repeated=False, duplicate=duplicate)


async def is_seen_elsewhere(session: WriteSession, sha256: bytes, *, incoming_order_id: int) -> bool:
    """Whether this very file was ever linked to another order. Locks its checksum until the transaction ends."""
    await lock_receipt_hash(session, sha256)
    found = await session.scalar(
        select(
            exists().where(UploadedDocument.sha256 == sha256, UploadedDocument.incoming_order_id != incoming_order_id)
        )
    )
    return bool(found)


async def list_for_incoming_order(session: AnySession, incoming_order_id: int) -> list[UploadedDocument]:
    """Oldest first; only what may be shown."""
    found = await session.scalars(
        select(UploadedDocument)
        .where(UploadedDocument.incoming_order_id == incoming_order_id, UploadedDocument.state == DocumentState.STORED)
        .order_by(UploadedDocument.id)
    )
    return list(found)


async def get_document(session: AnySession, public_id: UUID) -> UploadedDocument:
    """Raises NotFound, also for a document that may not be shown. Whose it is, the caller decides."""
    document = await session.scalar(
        select(UploadedDocument).where(
            UploadedDocument.public_id == public_id, UploadedDocument.state == DocumentState.STORED
        )
    )
    if document is None:
        raise NotFound
    return document


async def load_for_download(storage: Storage, document: UploadedDocument) -> Download:
    """Fetch the bytes; called after the transaction that read the row has ended. Raises StorageError."""
    data = await download(storage, document.object_key)
    extension = _EXTENSIONS.get(document.content_type, "bin")
    return Download(document.content_type, data, f"receipt-{document.public_id}.{extension}")


async def sweep_staged(database: Database, storage: Storage, *, clock: Clock) -> int:
    """Delete objects older than a day that no document refers to; how many. Raises StorageError.

    Holds no transaction while it talks to the store. Repeating it does no harm.
    """
    now = clock.now()
    staged_before = now - timedelta(hours=STAGED_HOURS_MAX)
    deleted = 0
    for days_back in range(1, SWEEP_DAYS_BACK + 1):
        folder = day_folder(FOLDER, (now - timedelta(days=days_back)).date())
        found = await storage.list_keys(folder, modified_before=staged_before)
        for start in range(0, len(found), SWEEP_BATCH):
            keys = found[start : start + SWEEP_BATCH]
            async with database.read() as session:
                linked = set(
                    await session.scalars(
                        select(UploadedDocument.object_key).where(UploadedDocument.object_key.in_(keys))
                    )
                )
            for key in keys:
                if key not in linked:
                    await storage.delete(key)
                    deleted += 1
    if deleted:
        logger.info("staged_receipts_swept", count=deleted)
    return deleted


async def _find_same(
    session: WriteSession, incoming_order_id: int, sha256: bytes, kind: DocumentKind
) -> UploadedDocument | None:
    found: UploadedDocument | None = await session.scalar(
        select(UploadedDocument)
        .where(
            UploadedDocument.incoming_order_id == incoming_order_id,
            UploadedDocument.sha256 == sha256,
            UploadedDocument.kind == kind,
            UploadedDocument.state == DocumentState.STORED,
        )
        .limit(1)
    )
    return found
