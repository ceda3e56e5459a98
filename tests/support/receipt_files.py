"""Receipts as people and attackers send them, made when a test asks for one."""

import os
import struct
import zlib
from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, PdfObject, TextStringObject

CANARY = b"CANARY-59.9311N-30.3609E"


def picture(kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    Image.new(mode, size, 200 if mode in {"L", "1", "P", "I;16"} else None).save(out, kind, **options)
    return out.getvalue()


def telling_picture(kind: str) -> bytes:
    """A picture that says where it was taken, in every place its format offers, and carries a page of HTML."""
    image = Image.new("RGB", (60, 40), (10, 120, 30))
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    exif[0x0112] = 6
    text = PngInfo()
    text.add_text("Comment", CANARY.decode())
    text.add_itxt("XML:com.adobe.xmp", CANARY.decode())
    options: dict[str, object] = {"exif": exif, "icc_profile": b"\0" * 128 + CANARY}
    if kind == "JPEG":
        options |= {"comment": CANARY, "xmp": CANARY}
    elif kind == "PNG":
        options |= {"pnginfo": text}
    else:
        options |= {"xmp": CANARY}
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue() + b"<script>" + CANARY + b"</script>PK\x03\x04"


def noise(kind: str, size: tuple[int, int]) -> bytes:
    out = BytesIO()
    Image.frombytes("RGB", size, os.urandom(size[0] * size[1] * 3)).save(out, kind)
    return out.getvalue()


def bomb_png(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it is enormous, and is."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = zlib.compress(b"\0" * min((width // 8 + 1) * height, 50_000_000), 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def huge_webp() -> bytes:
    """A WebP container whose canvas says 16 million times 16 million."""
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff" * 6 + b"ANIM" + b"\0" * 64
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pdf(pages: int = 1, *, compress: bool = False) -> bytes:
    return written(writer(pages), compress=compress)


def writer(pages: int = 1) -> PdfWriter:
    made = PdfWriter()
    for _ in range(pages):
        made.add_blank_page(200, 300)
    return made


def written(made: PdfWriter, *, compress: bool = False) -> bytes:
    if compress:
        for page in made.pages:
            page.compress_content_streams()
    out = BytesIO()
    made.write(out)
    return out.getvalue()


def named(**entries: PdfObject | str) -> DictionaryObject:
    """`named(S="/Launch")`: values beginning with a slash are names, other text is text."""
    return DictionaryObject(
        {NameObject("/" + key): _as_object(value) for key, value in entries.items()},
    )


def _as_object(value: PdfObject | str) -> PdfObject:
    if isinstance(value, PdfObject):
        return value
    return NameObject(value) if value.startswith("/") else TextStringObject(value)


def pdf_with_stream(body: bytes, extra: bytes = b"", *, catalog: bytes = b"") -> bytes:
    """A one-page PDF written by hand: `extra` objects after the fourth, `catalog` entries in the root."""
    objects = [
        b"1 0 obj<</Type/Catalog/Pages 2 0 R" + catalog + b">>endobj\n",
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n",
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>endobj\n",
        b"4 0 obj<</Length %d>>stream\n" % len(body) + body + b"\nendstream endobj\n",
    ]
    out = b"%PDF-1.7\n"
    offsets = []
    for one in objects:
        offsets.append(len(out))
        out += one
    out += extra
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + table + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
