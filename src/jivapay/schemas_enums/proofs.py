"""What proves the ledger to others: heads of days, public keys, a store's postings with proof (`docs/proofs.md`)."""

from datetime import date
from typing import Literal

from jivapay.schemas_enums.base import AnswerModel, Day, PageQuery, QueryModel


class DayQuery(QueryModel):
    date: Day


class ChainHeadFilter(PageQuery):
    """Newest first."""


class SignedHeadRead(AnswerModel):
    """`payload` is the very text that is signed; signature and key are base64."""

    payload: str
    signature: str
    key_id: str
    public_key: str


class ChainHeadRead(SignedHeadRead):
    day: date
    postings: int


class ProofKeyRead(AnswerModel):
    key_id: str
    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: str


class ProofKeyList(AnswerModel):
    items: list[ProofKeyRead]


class ProvenPosting(AnswerModel):
    """Every text as it was hashed; amounts without trailing zeros, times in UTC."""

    transfer: str
    kind: str
    amount: str
    balance_after: str | None
    at: str
    salt: str


class StepRead(AnswerModel):
    side: Literal["left", "right"]
    hash: str


class AccountProofRead(AnswerModel):
    account: str
    postings: list[ProvenPosting]
    path: list[StepRead]


class StatementProof(AnswerModel):
    """Checked without us by `docs/verify_statement.py`."""

    format: Literal["jivapay-statement-1"] = "jivapay-statement-1"
    store_id: str
    date: date
    head: SignedHeadRead
    accounts: list[AccountProofRead]
    """Those of the store that had a posting that day."""
