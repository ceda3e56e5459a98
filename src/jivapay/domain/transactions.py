"""Transactions on chains: one spelling of each hash, so that none counts twice (hard case 14)."""

import re
from base64 import urlsafe_b64decode

from jivapay.schemas_enums.enums import DepositNetwork

_HEX = re.compile(r"(0[xX])?[0-9A-Fa-f]+", re.ASCII)
_BASE64 = re.compile(r"[0-9A-Za-z+/_-]{43}=?", re.ASCII)
"""32 bytes, in either alphabet."""


def canonical_hash(network: DepositNetwork, tx_hash: str) -> str:
    """Hexadecimal hashes are the same in either case and with or without `0x`, and on TON in base64, too."""
    plain = tx_hash.strip()
    if network is DepositNetwork.TON and _BASE64.fullmatch(plain):
        return urlsafe_b64decode(plain.rstrip("=").replace("+", "-").replace("/", "_") + "=").hex()
    return plain.lower().removeprefix("0x") if _HEX.fullmatch(plain) else plain
