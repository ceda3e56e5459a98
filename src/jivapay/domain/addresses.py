"""Addresses on chains: only well-formed ones, with their checksum, in one canonical form.

A typing mistake in an address is money gone for ever, so an address that carries no checksum where its network has one
(hexadecimal Ethereum in one case) is refused.
"""

import binascii
import hashlib
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass

from stdnum import bitcoin
from stdnum.exceptions import ValidationError

from jivapay.schemas_enums.enums import DepositNetwork

LENGTH_MAX = 128
TRON_VERSION = 0x41
TRON_LENGTH = 34
_TRON = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}", re.ASCII)
_ETHEREUM = re.compile(r"0x[0-9A-Fa-f]{40}", re.ASCII)
_TON = re.compile(r"[0-9A-Za-z+/_-]{48}", re.ASCII)
_TON_TAGS = {0x11, 0x51}
"""Bounceable and not; those of the test network are other ones."""
_TON_CHAINS = {0x00, 0xFF}
SEGWIT_PREFIX = "bc"
BECH32_DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32_BITS, BECH32_CHECK_DIGITS = 5, 6
BECH32_FACTORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_UPPER_FROM = 8
_KECCAK_LANES, _KECCAK_RATE = 5, 136
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class _Segwit:
    """What the addresses of a witness version are checked by, and how many bytes their programs have."""

    checksum: int
    lengths: frozenset[int]


SEGWIT_KINDS = {0: _Segwit(1, frozenset({20, 32})), 1: _Segwit(0x2BC830A3, frozenset({32}))}


def canonical_address(network: DepositNetwork, text: str) -> str | None:
    """The one spelling of an address; None when it is none of this network."""
    plain = text.strip()
    match network:
        case DepositNetwork.TRON:
            return plain if _is_tron(plain) else None
        case DepositNetwork.ETHEREUM | DepositNetwork.BSC:
            return plain if _ETHEREUM.fullmatch(plain) and plain == _with_case(plain) else None
        case DepositNetwork.TON:
            return plain.replace("+", "-").replace("/", "_") if _is_ton(plain) else None
        case DepositNetwork.BITCOIN:
            return _bitcoin(plain)


def _is_tron(text: str) -> bool:
    if not _TRON.fullmatch(text):
        return False
    raw = bitcoin.b58decode(text)
    body, check = raw[:-4], raw[-4:]
    is_address = len(body) == len(raw) - 4 == 21 and body[0] == TRON_VERSION  # noqa: PLR2004 - one byte and a hash of 20
    return is_address and hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] == check


def _is_ton(text: str) -> bool:
    if not _TON.fullmatch(text):
        return False
    raw = urlsafe_b64decode(text.replace("+", "-").replace("/", "_"))
    return raw[0] in _TON_TAGS and raw[1] in _TON_CHAINS and binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:])


def _bitcoin(text: str) -> str | None:
    if text[:3].lower() == f"{SEGWIT_PREFIX}1":
        plain = text.lower()
        return plain if text in {plain, text.upper()} and _is_segwit(plain) else None
    try:
        return str(bitcoin.validate(text))
    except ValidationError:
        return None


def _is_segwit(text: str) -> bool:
    """BIP-173 for version 0, BIP-350 for version 1, which is Taproot. Programs that nothing gives a meaning yet are
    refused: whoever mines first may take what is sent to them.
    """
    values = [BECH32_DIGITS.find(digit) for digit in text[len(SEGWIT_PREFIX) + 1 :]]
    if len(values) <= BECH32_CHECK_DIGITS or min(values) < 0:
        return False
    version, program = values[0], values[1:-BECH32_CHECK_DIGITS]
    kind = SEGWIT_KINDS.get(version)
    if kind is None or _bech32_sum(SEGWIT_PREFIX, values) != kind.checksum:
        return False
    bits = "".join(f"{value:05b}" for value in program)
    length, padding = divmod(len(bits), 8)
    return length in kind.lengths and padding < BECH32_BITS and int(bits[len(bits) - padding :] or "0", 2) == 0


def _bech32_sum(prefix: str, values: list[int]) -> int:
    spread = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    checksum = 1
    for value in [*spread, *values]:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << BECH32_BITS ^ value
        for place, factor in enumerate(BECH32_FACTORS):
            checksum ^= factor if (top >> place) & 1 else 0
    return checksum


def _with_case(text: str) -> str:
    """EIP-55: which letters are capitals is a checksum of the rest."""
    digits = text[2:].lower()
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= _UPPER_FROM else digit
        for digit, nibble in zip(digits, digest[:40], strict=True)
    )


def keccak256(message: bytes) -> bytes:
    """The hash of Ethereum: as SHA3-256, which the standard library has, but for its padding."""
    padded = bytearray(message + b"\x01" + bytes(-(len(message) + 1) % _KECCAK_RATE))
    padded[-1] |= 0x80
    state = [[0] * _KECCAK_LANES for _ in range(_KECCAK_LANES)]
    for start in range(0, len(padded), _KECCAK_RATE):
        for lane in range(_KECCAK_RATE // 8):
            word = padded[start + 8 * lane : start + 8 * lane + 8]
            state[lane % _KECCAK_LANES][lane // _KECCAK_LANES] ^= int.from_bytes(word, "little")
        state = _permuted(state)
    return b"".join(state[lane][0].to_bytes(8, "little") for lane in range(4))


def _permuted(state: list[list[int]]) -> list[list[int]]:
    lanes, register = range(_KECCAK_LANES), 1
    for _ in range(24):
        columns = [state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in lanes]
        mixed = [columns[x - 1] ^ _rotated(columns[(x + 1) % 5], 1) for x in lanes]
        state = [[lane ^ mixed[x] for lane in state[x]] for x in lanes]
        x, y, current = 1, 0, state[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, state[x][y] = state[x][y], _rotated(current, (step + 1) * (step + 2) // 2)
        for y in lanes:
            row = [state[x][y] for x in lanes]
            for x in lanes:
                state[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5])
        for bit in range(7):
            register = ((register << 1) ^ ((register >> 7) * 0x71)) & 0xFF
            if register & 2:
                state[0][0] ^= 1 << ((1 << bit) - 1)
    return state


def _rotated(value: int, by: int) -> int:
    by %= 64
    return ((value << by) | (value >> (64 - by))) & _MASK
