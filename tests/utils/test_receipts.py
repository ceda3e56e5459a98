import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pypdf.generic import ArrayObject, NameObject, TextStringObject

from jivapay.exceptions import JivaPayException, RequestTooLarge, StorageError, ValidationFailed
from jivapay.utils import receipts
from jivapay.utils.receipts import clean_receipt
from support import receipt_files as files

MIB = 1024 * 1024


async def refusal(raw: bytes) -> str:
    with pytest.raises(ValidationFailed) as failure:
        await clean_receipt(raw)
    assert failure.value.status == 422
    assert [error.loc for error in failure.value.errors] == [("body", "receipt")]
    assert failure.value.errors[0].code == failure.value.code
    return failure.value.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_a_picture_is_drawn_anew_and_tells_nothing_else(kind: str) -> None:
    raw = files.telling_picture(kind)
    assert raw.count(files.CANARY) >= 4
    receipt = await clean_receipt(raw)
    assert receipt.content_type == f"image/{kind.lower()}"
    assert receipt.sha256 == hashlib.sha256(raw).digest()
    assert receipt.size == len(receipt.data)
    for trace in (b"CANARY", b"Exif", b"<script", b"PK\x03\x04", b"adobe", b"ICC"):
        assert trace not in receipt.data
    with Image.open(BytesIO(receipt.data)) as image:
        assert image.format == kind
        assert image.size == (40, 60)  # turned upright, as its EXIF asked
        red, green, blue = image.convert("RGB").getpixel((20, 30))
        assert abs(red - 10) + abs(green - 120) + abs(blue - 30) < 12


@pytest.mark.parametrize(
    ("kind", "mode", "kept"),
    [
        ("PNG", "1", "RGB"),
        ("PNG", "L", "L"),
        ("PNG", "LA", "RGBA"),
        ("PNG", "P", "RGB"),
        ("PNG", "RGBA", "RGBA"),
        ("PNG", "I;16", "L"),
        ("JPEG", "L", "L"),
        ("JPEG", "CMYK", "RGB"),
        ("WEBP", "RGBA", "RGBA"),
    ],
)
async def test_every_usual_mode_is_taken(kind: str, mode: str, kept: str) -> None:
    receipt = await clean_receipt(files.picture(kind, mode=mode))
    with Image.open(BytesIO(receipt.data)) as image:
        assert (image.size, image.mode) == ((60, 40), kept)


async def test_a_large_photograph_is_scaled_down() -> None:
    receipt = await clean_receipt(files.picture("JPEG", (7000, 5000)))
    with Image.open(BytesIO(receipt.data)) as image:
        assert 10_000_000 < image.width * image.height <= 12_000_000
        assert image.width / image.height == pytest.approx(1.4, abs=0.01)


async def test_noise_stays_within_the_size_that_is_stored() -> None:
    raw = files.noise("PNG", (1860, 1870))
    assert 9.9 * MIB < len(raw) <= 10 * MIB
    receipt = await clean_receipt(raw)
    assert receipt.size <= 10 * MIB


@pytest.mark.parametrize("pages", [1, 3, 50])
async def test_a_quiet_pdf_is_kept_as_it_is(pages: int) -> None:
    raw = files.pdf(pages)
    receipt = await clean_receipt(raw)
    assert (receipt.content_type, receipt.data) == ("application/pdf", raw)


async def test_a_link_to_the_web_does_not_act_by_itself() -> None:
    made = files.writer()
    action = files.named(S="/URI", URI="https://bank.example/check")
    made.pages[0][NameObject("/Annots")] = ArrayObject([files.named(Type="/Annot", Subtype="/Link", A=action)])
    assert (await clean_receipt(files.written(made))).content_type == "application/pdf"


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("nothing", lambda: b"", "file.empty"),
        ("only a PNG signature", lambda: b"\x89PNG\r\n\x1a\n", "file.empty"),
        ("only a PNG head", lambda: files.picture("PNG")[:33], "file.empty"),
        ("only a JPEG signature", lambda: b"\xff\xd8\xff\xe0", "file.empty"),
        ("only a PDF signature", lambda: b"%PDF-1.7\n", "file.empty"),
        ("exe", lambda: b"MZ" + bytes(200), "file.type_not_allowed"),
        ("html", lambda: b"<!doctype html><script>alert(1)</script>", "file.type_not_allowed"),
        ("svg", lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "file.type_not_allowed"),
        ("zip or docx", lambda: b"PK\x03\x04" + bytes(200), "file.type_not_allowed"),
        ("heic", lambda: b"\0\0\0\x18ftypheic" + bytes(200), "file.type_not_allowed"),
        ("gif", lambda: files.picture("GIF"), "file.type_not_allowed"),
        ("bmp", lambda: files.picture("BMP"), "file.type_not_allowed"),
        ("tiff", lambda: files.picture("TIFF"), "file.type_not_allowed"),
        ("one byte", lambda: b"x", "file.type_not_allowed"),
        ("html before a PDF", lambda: b"<html>" + files.pdf(), "file.type_not_allowed"),
        ("html behind a PNG signature", lambda: b"\x89PNG\r\n\x1a\n" + b"<html>" * 50, "file.type_not_allowed"),
        ("cut PNG", lambda: files.noise("PNG", (60, 40))[:-2000], "file.type_not_allowed"),
        ("cut JPEG", lambda: files.noise("JPEG", (60, 40))[:900], "file.type_not_allowed"),
        ("TIFF called WebP", lambda: b"RIFF\0\0\0\0WEBP" + files.picture("TIFF"), "file.type_not_allowed"),
        ("broken PDF", lambda: b"%PDF-1.7\n" + b"rubbish " * 50, "file.type_not_allowed"),
        ("PDF without pages", lambda: files.pdf(0), "file.type_not_allowed"),
        ("too many pages", lambda: files.pdf(51), "file.too_complex"),
        ("bomb of 100 000 x 100 000", lambda: files.bomb_png(100_000, 100_000), "file.image_too_large"),
        ("bomb just above the limit", lambda: files.bomb_png(8_000, 5_001), "file.image_too_large"),
        ("one long line", lambda: files.bomb_png(16_385, 1), "file.image_too_large"),
        ("WebP of an endless canvas", files.huge_webp, "file.image_too_large"),
    ],
)
async def test_what_is_no_receipt_is_refused(name: str, make: Callable[[], bytes], code: str) -> None:
    assert await refusal(make()) == code


async def test_eleven_megabytes_are_too_much() -> None:
    with pytest.raises(RequestTooLarge) as failure:
        await clean_receipt(files.picture("PNG") + bytes(10 * MIB))
    assert (failure.value.status, failure.value.code) == (413, "request.too_large")


def active_pdfs() -> dict[str, bytes]:
    script = files.named(S="/JavaScript", JS="app.alert(1)")
    root_script, named_script, attachment, additional, form, launch, link = (files.writer() for _ in range(7))
    root_script.root_object[NameObject("/OpenAction")] = script
    tree = files.named(Names=ArrayObject([TextStringObject("a"), script]))
    named_script.root_object[NameObject("/Names")] = files.named(JavaScript=tree)
    attachment.add_attachment("a.exe", b"MZ")
    additional.pages[0][NameObject("/AA")] = files.named(O=script)
    form.root_object[NameObject("/AcroForm")] = files.named(XFA="x")
    launch.pages[0][NameObject("/Annots")] = ArrayObject([files.named(A=files.named(S="/Launch", F="cmd.exe"))])
    kind = link._add_object(NameObject("/Launch"))
    link.pages[0][NameObject("/Annots")] = ArrayObject([files.named(A=files.named(S=kind, F="cmd.exe"))])
    hidden = files.pdf_with_stream(b"", b"9 0 obj<</S/JavaScript/JS(app.alert\\(1\\))>>endobj\n")
    return {
        "script on opening": files.written(root_script),
        "named script": files.written(named_script),
        "attachment": files.written(attachment),
        "additional action": files.written(additional),
        "XFA form": files.written(form),
        "launch": files.written(launch),
        "launch behind a reference": files.written(link),
        "destination on opening": files.pdf_with_stream(b"", catalog=b"/OpenAction[3 0 R/Fit]"),
        "escaped name": files.pdf_with_stream(b"", catalog=b"/Open#41ction<</S/J#61vaScript/JS(x)>>"),
        "an object nothing refers to": hidden,
        "submitted form": files.pdf_with_stream(b"", catalog=b"/X<</S/SubmitForm/F(https://evil.example)>>"),
        "rich media": files.pdf_with_stream(b"", catalog=b"/X[<</Subtype/RichMedia>>]"),
    }


@pytest.mark.parametrize("name", active_pdfs())
async def test_a_pdf_that_acts_by_itself_is_refused(name: str) -> None:
    assert await refusal(active_pdfs()[name]) == "file.pdf_active_content"


async def test_text_that_looks_like_a_name_is_only_text() -> None:
    made = files.writer()
    made.root_object[NameObject("/Lang")] = TextStringObject("/Launch")
    assert (await clean_receipt(files.written(made))).content_type == "application/pdf"


async def test_an_encrypted_pdf_is_refused() -> None:
    made = files.writer()
    made.encrypt("secret")
    assert await refusal(files.written(made)) == "file.type_not_allowed"


async def test_an_encrypted_pdf_is_refused_although_its_trailer_breaks_off() -> None:
    made = files.writer()
    made.encrypt("secret")
    raw = files.written(made)
    for hidden in (raw.replace(b"/ID [", b"/ID [ <zz>"), raw.replace(b"/Encrypt", b"/E#6ecrypt")):
        assert hidden != raw
        assert await refusal(hidden) == "file.type_not_allowed"


@pytest.mark.parametrize(
    "entries",
    [b"/Bad<zz>/AA<</O<</S/Launch>>>>", b"/Next 1/Next<</S/Launch>>"],
    ids=["after what cannot be read", "named twice"],
)
async def test_a_pdf_another_program_may_read_otherwise_is_refused(entries: bytes) -> None:
    assert await refusal(files.pdf_with_stream(b"", catalog=entries)) == "file.type_not_allowed"


async def test_an_endless_pdf_is_refused() -> None:
    nested = b"/X" + b"[" * 5000 + b"]" * 5000
    assert await refusal(files.pdf_with_stream(b"", catalog=nested)) in {"file.too_complex", "file.type_not_allowed"}
    many = b"/X[" + b"[]" * 30_000 + b"]"
    assert await refusal(files.pdf_with_stream(b"", catalog=many)) == "file.too_complex"


async def test_a_circle_of_pages_ends() -> None:
    raw = files.pdf_with_stream(b"").replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]")
    assert await refusal(raw) in {"file.too_complex", "file.type_not_allowed"}


async def run_instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str) -> bytes:
    """Let another program stand in for the child, started and limited by the same parent."""
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\nimport os, sys, time, struct\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setattr(receipts.sys, "executable", str(script))
    return files.picture("PNG")


async def test_a_child_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    raw = await run_instead(
        monkeypatch, tmp_path, f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    monkeypatch.setattr(receipts, "CHILD_SECONDS_MAX", 0.5)
    begun = time.monotonic()
    assert await refusal(raw) == "file.too_complex"
    assert time.monotonic() - begun < 3
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


async def test_a_child_whose_caller_left_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    raw = await run_instead(
        monkeypatch, tmp_path, f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(clean_receipt(raw), 0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


@pytest.mark.parametrize(
    ("name", "program", "code"),
    [
        ("killed by a limit", "os.kill(os.getpid(), 24)", "file.too_complex"),
        ("never stops talking", "\nwhile True: os.write(1, b'x' * 65536)", "file.too_complex"),
        ("fails by itself", "sys.exit(3)", "storage.unavailable"),
        ("says nothing", "", "storage.unavailable"),
        ("says too little", "os.write(1, struct.pack('>I', 400))", "storage.unavailable"),
        ("breaks off", "s = b'{\"size\": 9}'; os.write(1, struct.pack('>I', len(s)) + s)", "storage.unavailable"),
        (
            "says another type",
            "s = b'{\"content_type\": \"text/html\", \"size\": 1}'; os.write(1, struct.pack('>I', len(s)) + s + b'x')",
            "storage.unavailable",
        ),
        ("says no JSON", "os.write(1, struct.pack('>I', 2) + b'no')", "storage.unavailable"),
    ],
)
async def test_a_child_gone_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, program: str, code: str
) -> None:
    raw = await run_instead(monkeypatch, tmp_path, program)
    with pytest.raises(JivaPayException) as failure:
        await clean_receipt(raw)
    assert failure.value.code == code


async def test_no_child_at_all_says_nothing_against_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts.sys, "executable", "/nowhere/python")
    with pytest.raises(StorageError):
        await clean_receipt(files.picture("PNG"))


async def test_two_children_at_once_and_the_rest_wait() -> None:
    raw = files.picture("JPEG", (1080, 2400))
    cleaned = await asyncio.gather(*(clean_receipt(raw) for _ in range(6)))
    assert {receipt.content_type for receipt in cleaned} == {"image/jpeg"}
    assert len({receipt.data for receipt in cleaned}) == 1


@pytest.mark.parametrize(
    ("name", "attempt"),
    [
        ("memory", "bytearray(800 * 1024 * 1024)"),
        ("a file", "[open('/dev/null') for _ in range(20)]"),
        ("writing", "tempfile.TemporaryFile(buffering=0).write(b'x')"),
        ("a process", "os.fork() or os._exit(9)"),
        ("its rights back", "os.setuid(0)"),
    ],
)
def test_the_child_cannot_have(name: str, attempt: str) -> None:
    program = (
        "import os, sys, tempfile, random\n"
        "from jivapay.utils import receipt_sanitizer as child; child._limit_self('png')\n"
        f"try: {attempt}\nexcept (OSError, MemoryError): sys.exit(7)"
    )
    run = subprocess.run([sys.executable, "-I", "-c", program], check=False, capture_output=True)
    assert run.returncode in {7, -signal.SIGXFSZ}, run.stderr.decode()


STRINGS = b"<c8008c34><00e8><feff0416><fffe1604><efbbbfd096><efbbbfff><feffd800><9f><2832>(text)/#d6#d0/#ff"


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("pdf", files.pdf_with_stream(b"", catalog=b"/Lang[" + STRINGS + b"]")),
        ("pdf", files.pdf(2, compress=True)),
        *((kind.lower(), files.telling_picture(kind)) for kind in ("PNG", "JPEG", "WEBP")),
        ("png", files.picture("PNG", mode="I;16")),
        ("jpeg", files.picture("JPEG", mode="CMYK")),
        ("jpeg", files.picture("MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))])),
    ],
)
def test_the_child_imports_nothing_once_it_is_limited(kind: str, raw: bytes) -> None:
    """Another account may be unable to read Python itself, and what fails to load there reads as a broken file."""
    program = (
        "import sys; from jivapay.utils import receipt_sanitizer as child; child._limit_self(sys.argv[1])\n"
        "before = set(sys.modules); child.clean(sys.argv[1], sys.stdin.buffer.read())\n"
        "sys.exit(' '.join(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-I", "-c", program, kind], check=False, input=raw, capture_output=True)
    assert (run.returncode, run.stderr.decode()) == (1, "\n")


def test_the_child_ends_when_it_computes_for_ever() -> None:
    program = (
        "from jivapay.utils import receipt_sanitizer as child; child.CPU_SECONDS_MAX = 1; child._limit_self('pdf')\n"
        "while True: pass"
    )
    run = subprocess.run([sys.executable, "-I", "-c", program], check=False, capture_output=True, timeout=10)
    assert run.returncode in {-signal.SIGXCPU, -signal.SIGKILL}
