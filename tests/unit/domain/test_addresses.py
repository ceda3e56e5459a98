"""Addresses on chains: with their checksum, in one spelling; known ones of each network, and what is none."""

import pytest

from jivapay.domain.addresses import canonical_address, keccak256
from jivapay.schemas_enums.enums import DepositNetwork

TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
TON = "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"
ETHEREUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
"""The first example of EIP-55."""


@pytest.mark.parametrize(
    ("network", "text", "expected"),
    [
        ("tron", TRON, TRON),
        ("tron", f" {TRON} ", TRON),
        ("tron", TRON[:-1] + "u", None),
        ("tron", TRON.lower(), None),
        ("tron", TRON[:-1], None),
        ("tron", ETHEREUM, None),
        ("ethereum", ETHEREUM, ETHEREUM),
        ("ethereum", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"),
        ("bsc", "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"),
        ("bsc", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"),
        ("ethereum", ETHEREUM.lower(), None),
        ("ethereum", "0x" + ETHEREUM[2:].upper(), None),
        ("ethereum", ETHEREUM[:-1] + "e", None),
        ("ethereum", ETHEREUM[2:], None),
        ("ethereum", TRON, None),
        ("ton", TON, TON),
        ("ton", TON.replace("_", "/"), TON),
        ("ton", TON[:-1] + "t", None),
        ("ton", "kQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_nti", None),
        ("ton", TON[:-2], None),
        ("bitcoin", "1NEDqZPvTWRaoho48qXuLLsrYomMXPABfD", "1NEDqZPvTWRaoho48qXuLLsrYomMXPABfD"),
        ("bitcoin", "BC1QARDV855YJNGSPVXUTTQ897AQCA3LXJU2Y69JCE", "bc1qardv855yjngspvxuttq897aqca3lxju2y69jce"),
        ("bitcoin", "1NEDqZPvTWRaoho48qXuLLsrYomMXPABfX", None),
        ("bitcoin", TRON, None),
        *((network.value, text, None) for network in DepositNetwork for text in ("", "0", "\u0421" * 34, "T" * 34)),
    ],
)
def test_canonical(network: str, text: str, expected: str | None) -> None:
    assert canonical_address(DepositNetwork(network), text) == expected


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (
            b"The quick brown fox jumps over the lazy dog",
            "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
        ),
    ],
)
def test_the_hash_of_ethereum(message: bytes, digest: str) -> None:
    assert keccak256(message).hex() == digest


def test_a_block_that_is_just_full() -> None:
    assert len({keccak256(b"x" * length) for length in range(130, 142)}) == 12
