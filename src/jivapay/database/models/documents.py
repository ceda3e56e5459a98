"""Receipts: what was uploaded, by whom, about which order (ENT-13). The bytes lie in the object store."""

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import Base, CreatedAt, PrimaryKey, PublicId


class UploadedDocument(Base):
    __tablename__ = "uploaded_documents"
    __table_args__ = (
        CheckConstraint("state in ('stored', 'quarantined', 'rejected', 'erased')", name="state"),
        Index("ix_uploaded_documents_sha256", "sha256"),
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    incoming_order_id: Mapped[int] = mapped_column(ForeignKey("incoming_orders.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)
    uploader_kind: Mapped[str]
    uploader_id: Mapped[int | None]
    kind: Mapped[str]
    dispute_id: Mapped[int | None] = mapped_column(ForeignKey("disputes.id"), index=True)
    """Of evidence: the dispute it was brought in."""
    object_key: Mapped[str] = mapped_column(unique=True)
    content_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Of what was uploaded, before cleaning: the same picture is found again."""
    seen_before: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """The same file had been sent for another order (`receipt.duplicate`)."""
    stored_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of what lies in the store; unset for documents older than this column."""
    state: Mapped[str] = mapped_column(server_default=text("'stored'"))
    created_at: Mapped[CreatedAt]
