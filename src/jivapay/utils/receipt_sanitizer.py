"""The child process that opens what strangers upload: `python -I -m jivapay.utils.receipt_sanitizer KIND`.

It limits itself first (memory, CPU, files, no further processes, an account without rights when started as
root), so that a hostile file ends this process and nothing else. Pictures are drawn anew from their pixels:
whatever else the file held (EXIF, comments, a second file behind the first) stays behind. A PDF is searched
for what acts by itself and otherwise kept as it is, since banks sign theirs.

Protocol: in, 4 bytes of length and the file; out, 4 bytes of length and a JSON header, then the cleaned file
of the length the header tells. The parent (`utils/receipts.py`) imports only the constants;
this module imports nothing of ours, and the libraries only when it runs as the child.
"""

import codecs
import json
import logging
import os
import re
import resource
import struct
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

LENGTH = struct.Struct(">I")
FILE_BYTES_MAX = 10 * 1024 * 1024
PIXELS_MAX = 40_000_000
SIDE_MAX = 16_384
PIXELS_KEPT_MAX = 12_000_000
"""Larger pictures are scaled down to this area; a receipt stays readable."""
JPEG_QUALITY = 85
PDF_OBJECTS_MAX = 20_000
PDF_PAGES_MAX = 50

MEMORY_BYTES_MAX = 768 * 1024 * 1024
CPU_SECONDS_MAX = 5
OPEN_FILES_MAX = 16
NOBODY = 65_534

TEXT_CODECS = ("utf-16", "utf-16be", "utf-16le", "utf-8", "latin-1", "charmap", "gbk")
"""Whatever pypdf decodes strings and names with."""

ACTIVE_KEYS = frozenset({"/JS", "/JavaScript", "/OpenAction", "/AA", "/EmbeddedFiles", "/EF", "/XFA"})
ACTIVE_NAMES = frozenset(
    {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition"}
    | {"/EmbeddedFile", "/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"}
)
"""Keys, and names of actions and annotations, by which a PDF does something, or carries a file, by itself.
A link to the web (`/URI`) is not among them: it waits for a click, and banks print one on their receipts."""
_ACTIVE_BYTES = re.compile(
    rb"/(?:JavaScript|OpenAction|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|FileAttachment)\b"
)
"""Long enough never to occur by chance in compressed bytes: finds them also in objects nothing refers to."""
_ENCRYPTED_BYTES = re.compile(rb"/Encrypt\b")
"""Looked for in the bytes as well, since a trailer the parser gave up half-way would not name it."""
_HEX_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")


class Refused(Exception):
    """The file is not taken; the code is one of the contract's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def main() -> int:
    kind = sys.argv[1]
    _limit_self(kind)
    try:
        content_type, data = clean(kind, _read_request())
        header = {"content_type": content_type, "size": len(data)}
    except Refused as refusal:
        header, data = {"refused": refusal.code}, b""
    except (MemoryError, RecursionError):
        header, data = {"refused": "file.too_complex"}, b""
    except ImportError:
        raise  # our own fault and not the file's: no answer, and the parent says "not now"
    except Exception:  # noqa: BLE001 - outermost shell: a decoder may raise anything at a broken file
        header, data = {"refused": "file.type_not_allowed"}, b""
    encoded = json.dumps(header).encode()
    sys.stdout.buffer.write(LENGTH.pack(len(encoded)) + encoded + data)
    sys.stdout.buffer.flush()
    return 0


def clean(kind: str, raw: bytes) -> tuple[str, bytes]:
    """Content type and bytes to keep. Raises Refused, or whatever the decoder raises at a broken file."""
    if kind == "pdf":
        check_pdf(raw)
        return "application/pdf", raw
    return redraw(kind, raw)


def redraw(kind: str, raw: bytes) -> tuple[str, bytes]:
    """The picture drawn anew, upright, without anything but its pixels. `kind`: png, jpeg, webp."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only the child opens pictures

    if kind == "webp":
        # Its decoder reserves the whole canvas on opening, before the size can be asked.
        _check_size(*_webp_size(raw))
    Image.MAX_IMAGE_PIXELS = None  # checked here, with the contract's code
    with Image.open(BytesIO(raw), formats=[kind.upper()]) as opened:
        width, height = opened.size
        _check_size(width, height)
        scale = min(1.0, (PIXELS_KEPT_MAX / (width * height)) ** 0.5)
        if scale < 1:
            opened.thumbnail((max(1, int(width * scale)), max(1, int(height * scale))))
        opened.load()
        picture = _plain_mode(ImageOps.exif_transpose(opened), kind)
    picture.info.clear()
    return _encoded(picture, kind)


def _encoded(picture: "Image.Image", kind: str) -> tuple[str, bytes]:
    out = BytesIO()
    if kind == "png":
        picture.save(out, "PNG", compress_level=3)
        if out.tell() <= FILE_BYTES_MAX:
            return "image/png", out.getvalue()
        # Noise grows when it is packed without loss; as JPEG it stays within what is stored.
        out, picture, kind = BytesIO(), picture.convert("RGB"), "jpeg"
    if kind == "webp":
        picture.save(out, "WEBP", quality=JPEG_QUALITY, method=1)
    else:
        picture.save(out, "JPEG", quality=JPEG_QUALITY)
    return f"image/{kind}", out.getvalue()


def _plain_mode(picture: "Image.Image", kind: str) -> "Image.Image":
    if picture.mode.startswith("I"):
        # 16 bits a pixel: keep the upper eight.
        return picture.convert("I").point(lambda value: value / 256).convert("L")
    transparent = picture.mode in {"LA", "PA", "RGBA"} or "transparency" in picture.info
    if transparent and kind != "jpeg":
        return picture.convert("RGBA")
    return picture if picture.mode in {"L", "RGB"} and kind != "webp" else picture.convert("RGB")


def _check_size(width: int, height: int) -> None:
    if width * height > PIXELS_MAX or max(width, height) > SIDE_MAX:
        raise Refused("file.image_too_large")


def _webp_size(raw: bytes) -> tuple[int, int]:
    """Width and height of the canvas, by the container's specification (RFC 9649)."""
    chunk, body = raw[12:16], raw[20:30]
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise Refused("file.type_not_allowed")


def check_pdf(raw: bytes) -> None:
    """Raises Refused for a PDF that is encrypted, ambiguous, has no page, is endless, or could act by itself."""
    from pypdf import PdfReader  # noqa: PLC0415 - only the child opens PDFs
    from pypdf.errors import LimitReachedError  # noqa: PLC0415

    named = _HEX_ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), raw)
    if _ACTIVE_BYTES.search(named):
        raise Refused("file.pdf_active_content")
    if _ENCRYPTED_BYTES.search(named):
        raise Refused("file.type_not_allowed")
    passed_over = _PassedOver()
    logging.getLogger("pypdf.generic._data_structures").addHandler(passed_over)
    try:
        reader = PdfReader(BytesIO(raw))
        if reader.is_encrypted:
            raise Refused("file.type_not_allowed")
        for value in _every_object(reader.trailer):
            _check_inactive(value)
        pages = len(reader.pages)
    except LimitReachedError:
        raise Refused("file.too_complex") from None
    if pages == 0 or passed_over.anything:
        raise Refused("file.type_not_allowed")
    if pages > PDF_PAGES_MAX:
        raise Refused("file.too_complex")


class _PassedOver(logging.Handler):
    """Whether the parser left out a part of a dictionary, because it could not read it or had the name already.

    It only warns and goes on with the rest, while a viewer may take the other part.
    """

    anything = False

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - that it spoke is enough
        self.anything = True


def _check_inactive(value: object) -> None:
    from pypdf.generic import NameObject  # noqa: PLC0415

    named = isinstance(value, NameObject) and value in ACTIVE_NAMES
    if named or (isinstance(value, dict) and not ACTIVE_KEYS.isdisjoint(value)):
        raise Refused("file.pdf_active_content")


def _every_object(trailer: object) -> Iterator[object]:
    """The trailer and everything it leads to, each once. Streams are not decoded."""
    from pypdf.generic import IndirectObject  # noqa: PLC0415

    waiting: list[Any] = [trailer]
    seen: set[tuple[int, int]] = set()
    count = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, IndirectObject):
            if (value.idnum, value.generation) in seen:
                continue
            seen.add((value.idnum, value.generation))
            value = value.get_object()
        count += 1
        if count > PDF_OBJECTS_MAX:
            raise Refused("file.too_complex")
        yield value
        if isinstance(value, dict):
            # Past the overridden methods, which would follow each reference every time.
            waiting.extend(dict.values(value))
        elif isinstance(value, list):
            waiting.extend(list.__iter__(value))


def _read_request() -> bytes:
    (length,) = LENGTH.unpack(sys.stdin.buffer.read(LENGTH.size))
    if length > FILE_BYTES_MAX:
        raise Refused("file.too_complex")
    return sys.stdin.buffer.read(length)


def _limit_self(kind: str) -> None:
    # What is imported late would be out of reach once files and rights are gone; so would the codecs of text,
    # and pypdf leaves out what it cannot decode.
    if kind == "pdf":
        import pypdf.filters  # noqa: F401, PLC0415

        for codec in TEXT_CODECS:
            codecs.lookup(codec)
    else:
        from PIL import Image, ImageOps, MpoImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401, PLC0415

        Image.preinit()
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_SECONDS_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


if __name__ == "__main__":
    sys.exit(main())
