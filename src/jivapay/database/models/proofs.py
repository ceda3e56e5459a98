"""What proves the ledger to others: the chain of postings, and each day's signed head (`docs/proofs.md`)."""

from datetime import date

from sqlalchemy import Date, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from jivapay.database.models.base import Base, CreatedAt


class PostingChain(Base):
    """The hash chain over committed postings; one leader appends, nobody changes."""

    __tablename__ = "posting_chain"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    posting_id: Mapped[int] = mapped_column(ForeignKey("postings.id"), unique=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    """Random, so that a leaf tells nothing to who does not know its posting."""
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class ChainHead(Base):
    """One UTC day, sealed: the root over all its postings and the newest links of both chains, signed."""

    __tablename__ = "chain_heads"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    payload: Mapped[str] = mapped_column(Text)
    """The very bytes that are signed: JSON."""
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    postings: Mapped[int]
    sealed_at: Mapped[CreatedAt]


class ChainHeadAccount(Base):
    """A sealed day of one account: a leaf of the day's tree."""

    __tablename__ = "chain_head_accounts"

    day: Mapped[date] = mapped_column(ForeignKey("chain_heads.day"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    account: Mapped[str]
    """By its public names, as it was hashed."""
    postings: Mapped[int]
    root: Mapped[bytes] = mapped_column(LargeBinary)


class ChainHeadExport(Base):
    """A head that lies in the object store, out of reach of whoever rewrites the database."""

    __tablename__ = "chain_head_exports"

    day: Mapped[date] = mapped_column(ForeignKey("chain_heads.day"), primary_key=True)
    object_key: Mapped[str]
    exported_at: Mapped[CreatedAt]
