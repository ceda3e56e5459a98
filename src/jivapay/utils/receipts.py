"""Which uploads are taken as receipts, and what is kept of them: PNG, JPEG, WebP and PDF up to 10 MiB, told
by their content and never by their name (UTL-08, UND-14).

The bytes are opened only in a child process with limits (`utils/receipt_sanitizer.py`), two at a time, killed
when it overruns. A refusal is a 422 with a code of the contract; that no child could be run is a 503.
"""

import asyncio
import hashlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from jivapay.config.logger import get_logger
from jivapay.exceptions import RequestTooLarge, ResourceBusy, StorageError, ValidationFailed
from jivapay.utils.receipt_sanitizer import FILE_BYTES_MAX, LENGTH

logger = get_logger(__name__)

FIELD = ("body", "receipt")
CONTENT_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf"})
EMPTY = "file.empty"
REFUSALS_OF_CHILD = frozenset(
    {"file.type_not_allowed", "file.image_too_large", "file.too_complex", "file.pdf_active_content"}
)
REFUSALS = REFUSALS_OF_CHILD | {EMPTY}
CHILDREN_MAX = 2
CHILD_SECONDS_MAX = 8.0
WAIT_SECONDS_MAX = 10.0
HEADER_BYTES_MAX = 33
"""A file not longer than this is a signature and perhaps an empty head, and holds no picture."""
ANSWER_BYTES_MAX = 2 * FILE_BYTES_MAX

_places: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class CleanReceipt:
    """A receipt fit to be stored."""

    content_type: str
    data: bytes = field(repr=False)
    sha256: bytes
    """Of what was uploaded, before cleaning: the same picture sent twice is found by it."""

    @property
    def size(self) -> int:
        return len(self.data)


def find_kind(raw: bytes) -> str | None:
    """png, jpeg, webp or pdf by the first bytes; None for everything else."""
    if raw.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if raw.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if raw.startswith(b"RIFF") and raw[8:12] == b"WEBP":
        return "webp"
    return "pdf" if raw.startswith(b"%PDF-") else None


async def clean_receipt(raw: bytes) -> CleanReceipt:
    """Check and clean an upload.

    Raises RequestTooLarge; ValidationFailed with `file.empty`, `file.type_not_allowed`,
    `file.image_too_large`, `file.too_complex` or `file.pdf_active_content`; and DependencyUnavailable
    (ResourceBusy or StorageError) when it could not be checked now, which says nothing against the file.
    """
    if len(raw) > FILE_BYTES_MAX:
        raise RequestTooLarge(f"A receipt may have {FILE_BYTES_MAX // 1024**2} MiB.")
    kind = find_kind(raw)
    if not raw or (kind and len(raw) <= HEADER_BYTES_MAX):
        raise _refusal(EMPTY)
    if kind is None:
        raise _refusal("file.type_not_allowed")
    content_type, data = await _ask_child(kind, raw)
    return CleanReceipt(content_type, data, hashlib.sha256(raw).digest())


async def _ask_child(kind: str, raw: bytes) -> tuple[str, bytes]:
    places = _places.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(CHILDREN_MAX))
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await places.acquire()
    except TimeoutError:
        raise ResourceBusy("Too many receipts are being checked; try again.", retry_after_seconds=5) from None
    try:
        return await _run_child(kind, raw)
    finally:
        places.release()


async def _run_child(kind: str, raw: bytes) -> tuple[str, bytes]:
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "jivapay.utils.receipt_sanitizer", kind),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # a decoder may print what the file told it to
            env={"LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
            limit=ANSWER_BYTES_MAX,
        )
    except OSError as error:
        raise StorageError("The receipt could not be checked now.") from error
    try:
        async with asyncio.timeout(CHILD_SECONDS_MAX):
            answer = await _exchange(child, LENGTH.pack(len(raw)) + raw)
            status = await child.wait()
    except TimeoutError:
        raise _refusal("file.too_complex") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if status < 0:
        # Killed by a signal: a limit, or a decoder that broke at this file.
        raise _refusal("file.too_complex")
    if status > 0:
        logger.error("receipt_child_failed", status=status)
        raise StorageError("The receipt could not be checked now.")
    return _read_answer(answer)


async def _exchange(child: Process, request: bytes) -> bytes:
    """Write all, read all, but never more than an honest answer has."""
    if child.stdin is None or child.stdout is None:
        raise AssertionError("the child was started with pipes")
    writing = asyncio.create_task(_write(child.stdin, request))
    try:
        answer = bytearray()
        while chunk := await child.stdout.read(2**18):
            answer += chunk
            if len(answer) > ANSWER_BYTES_MAX:
                raise _refusal("file.too_complex")
        await writing
    finally:
        writing.cancel()
    return bytes(answer)


async def _write(pipe: asyncio.StreamWriter, data: bytes) -> None:
    try:
        pipe.write(data)
        await pipe.drain()
        pipe.close()
    except ConnectionError:
        # The child ended early; how it ended is read from its answer and status.
        return


def _read_answer(answer: bytes) -> tuple[str, bytes]:
    """Content type and clean bytes. The child has met a stranger's file: its answer is not trusted either."""
    head_ends = LENGTH.size + (LENGTH.unpack_from(answer)[0] if len(answer) >= LENGTH.size else 0)
    try:
        header = json.loads(answer[LENGTH.size : head_ends])
    except (ValueError, RecursionError):
        header = None
    data = answer[head_ends:]
    if isinstance(header, dict):
        if header.get("refused") in REFUSALS_OF_CHILD:
            raise _refusal(header["refused"])
        if header.get("content_type") in CONTENT_TYPES and header.get("size") == len(data) > 0:
            return header["content_type"], data
    raise StorageError("The receipt could not be checked now.")


def _refusal(code: str) -> ValidationFailed:
    return ValidationFailed.at(*FIELD, code=code)
