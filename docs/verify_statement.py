"""Checks a store's statement without the platform (proofs.md): verify_statement.py statement.json PUBLIC_KEY"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def field(value):
    return b"-" if value is None else b"%d:%s" % (len(value.encode()), value.encode())


def leaf(account, posting):
    values = [account, *(posting[name] for name in ("transfer", "kind", "amount", "balance_after", "at"))]
    return sha256(b"\0", bytes.fromhex(posting["salt"]), *map(field, values))


def root(hashes):
    while len(hashes) > 1:
        pairs = [hashes[at : at + 2] for at in range(0, len(hashes), 2)]
        hashes = [sha256(b"\1", *pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return hashes[0]


def verify(statement, public_key):
    head, signed = statement["head"], b"jivapay chain head\n" + statement["head"]["payload"].encode()
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(base64.b64decode(head["signature"]), signed)
    except InvalidSignature:
        return "the head is not signed by this key"
    said = json.loads(head["payload"])
    if said["day"] != statement["date"]:
        return "the head is another day's"
    for proof in statement["accounts"]:
        name, count = proof["account"], str(len(proof["postings"]))
        if name.split(":")[:2] != ["store", statement["store_id"]]:
            return f"{name} is not an account of this store"
        leaves = [leaf(name, posting) for posting in proof["postings"]] or [b""]
        current = sha256(b"\3", field(name), field(count), root(leaves))
        for step in proof["path"]:
            sibling = bytes.fromhex(step["hash"])
            current = sha256(b"\1", *((current, sibling) if step["side"] == "right" else (sibling, current)))
        if current.hex() != said["root"]:
            return f"{name} is not what was sealed"
    return None


if __name__ == "__main__":
    sys.exit(verify(json.loads(Path(sys.argv[1]).read_text("utf-8")), base64.b64decode(sys.argv[2])))
