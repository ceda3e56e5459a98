"""The head of a day: what is signed about it, and the form in which it leaves the platform (`docs/proofs.md`).

The payload is signed as the text it is, so that nobody has to write JSON the same way to check it.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

FORMAT = "jivapay-head-1"
PURPOSE = b"jivapay chain head\n"
"""Before the payload, in what is signed: the signature of a head is a signature of nothing else."""
NONE_BEFORE = "0" * 64


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest link of a chain when the day was sealed."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class SignedHead:
    payload: str
    signature: bytes
    key_id: str
    public_key: bytes

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return PURPOSE + self.payload.encode()

    @property
    def facts(self) -> Mapping[str, object]:
        """What the payload says."""
        facts: Mapping[str, object] = json.loads(self.payload)
        return facts

    def newest(self, chain: str) -> Newest:
        """Of `posting_chain` or `audit_chain`. Raises KeyError, TypeError or ValueError when it says no such thing."""
        said = json.loads(self.payload)[chain]
        return Newest(int(said["seq"]), bytes.fromhex(said["hash"]))

    def to_text(self) -> str:
        """As it lies in the object store and in a merchant's statement."""
        return json.dumps(
            {
                "payload": self.payload,
                "signature": base64.b64encode(self.signature).decode(),
                "key_id": self.key_id,
                "public_key": base64.b64encode(self.public_key).decode(),
            },
            indent=1,
        )

    @classmethod
    def from_text(cls, text: str) -> "SignedHead":
        """Raises KeyError, TypeError or ValueError when it is no such text."""
        said = json.loads(text)
        signature, public_key = (base64.b64decode(said[name], validate=True) for name in ("signature", "public_key"))
        return cls(str(said["payload"]), signature, str(said["key_id"]), public_key)


def make_payload(
    *,
    day: date,
    accounts: int,
    postings: int,
    root: bytes,
    posting_chain: Newest,
    audit_chain: Newest,
    previous: str | None,
    sealed_at: datetime,
) -> str:
    """`previous` is the payload of the head before this one, which this one names by its hash."""
    return json.dumps(
        {
            "format": FORMAT,
            "day": day.isoformat(),
            "accounts": accounts,
            "postings": postings,
            "root": root.hex(),
            "posting_chain": {"seq": posting_chain.seq, "hash": posting_chain.hash.hex()},
            "audit_chain": {"seq": audit_chain.seq, "hash": audit_chain.hash.hex()},
            "previous": NONE_BEFORE if previous is None else hashlib.sha256(previous.encode()).hexdigest(),
            "sealed_at": sealed_at.isoformat(timespec="seconds"),
        }
    )
