"""Addresses on chains: with their checksum, in one spelling; known ones of each network, and what is none."""

import pytest

from jivapay.domain.addresses import BECH32_DIGITS, SEGWIT_KINDS, _bech32_sum, canonical_address, keccak256
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
    ("text", "expected"),
    [
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",) * 2,
        (
            "BC1P0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQZK5JJ0",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ),
        ("bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",) * 2,
    ],
    ids=["key hash", "Taproot", "in capitals", "script hash"],
)
def test_segwit(text: str, expected: str) -> None:
    assert canonical_address(DepositNetwork.BITCOIN, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut", id="prefix"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", id="bech32 for version 1"),
        pytest.param("tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf", id="bech32 for version 2"),
        pytest.param("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", id="bech32 for version 16"),
        pytest.param("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", id="bech32m for version 0"),
        pytest.param("tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47", id="the same in tests"),
        pytest.param("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", id="digit"),
        pytest.param("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", id="version 17"),
        pytest.param("bc1pw5dgrnzv", id="one byte"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", id="41 bytes"),
        pytest.param("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", id="length of version 0"),
        pytest.param("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq", id="mixed case"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", id="padded too long"),
        pytest.param("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j", id="padded with something"),
        pytest.param("bc1gmk9yu", id="empty"),
        pytest.param("bc1", id="nothing"),
        pytest.param("bc1P0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", id="one capital"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj1", id="not a digit at all"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jjq", id="checksum"),
        # Well formed, but of versions that nothing gives a meaning yet, or of another length than Taproot's.
        pytest.param("bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", id="40 bytes"),
        pytest.param("BC1SW50QGDZ25J", id="version 16"),
        pytest.param("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", id="version 2"),
        pytest.param("tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", id="of the test network"),
    ],
)
def test_no_segwit(text: str) -> None:
    """The invalid addresses of BIP-350, and those valid ones to which nothing may be sent."""
    assert canonical_address(DepositNetwork.BITCOIN, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "A1LQFN3A",
        "a1lqfn3a",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
        "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
        "?1v759aa",
    ],
)
def test_the_checksum_of_bech32m(text: str) -> None:
    """The valid strings of BIP-350."""
    prefix, _, digits = text.lower().rpartition("1")
    assert _bech32_sum(prefix, [BECH32_DIGITS.index(digit) for digit in digits]) == SEGWIT_KINDS[1].checksum


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
