"""Heads of days and proofs as they are shown: bytes as base64, hashes in hexadecimal (`docs/proofs.md`)."""

import base64
from datetime import date
from uuid import UUID

from jivapay.database.models.proofs import ChainHead
from jivapay.domain.chain_heads import SignedHead
from jivapay.schemas_enums.proofs import (
    AccountProofRead,
    ChainHeadRead,
    ProvenPosting,
    SignedHeadRead,
    StatementProof,
    StepRead,
)
from jivapay.services import chain_heads
from jivapay.services.merchant_service import StoreProof


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def read_signed_head(head: SignedHead) -> SignedHeadRead:
    return SignedHeadRead(
        payload=head.payload,
        signature=encode(head.signature),
        key_id=head.key_id,
        public_key=encode(head.public_key),
    )


def read_chain_head(head: ChainHead) -> ChainHeadRead:
    shown = read_signed_head(chain_heads.signed(head)).model_dump()
    return ChainHeadRead(**shown, day=head.day, postings=head.postings)


def read_statement_proof(store_id: UUID, day: date, proof: StoreProof) -> StatementProof:
    return StatementProof(
        store_id=str(store_id),
        date=day,
        head=read_signed_head(proof.head),
        accounts=[
            AccountProofRead(
                account=one.account,
                postings=[ProvenPosting.model_validate(posting) for posting in one.postings],
                path=[StepRead(side=step.side, hash=step.hash.hex()) for step in one.path],
            )
            for one in proof.accounts
        ],
    )
