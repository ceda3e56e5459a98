"""A picture of a payment, different for every order: a PNG of coloured stripes."""

import struct
import zlib
from random import Random

WIDTH, HEIGHT = 240, 320
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOUR = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)


def make_receipt(seed: str, number: str) -> bytes:
    draw = Random(f"{seed}:receipt:{number}")
    rows = bytearray()
    for _ in range(0, HEIGHT, 8):
        line = b"\x00" + bytes((draw.randrange(256), draw.randrange(256), draw.randrange(256))) * WIDTH
        rows += line * 8
    return _SIGNATURE + _chunk(b"IHDR", _TRUE_COLOUR) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
