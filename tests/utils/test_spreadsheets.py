"""Files for spreadsheets: no cell is a formula, no amount is rounded, and each language reads its own."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from jivapay.utils.spreadsheets import Cell, FileFormat, Layout, neutral, open_writer

AT = datetime(2026, 3, 1, 22, 30, 5, tzinfo=UTC)
EVIL = ("=1+1", "+7900", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1")


def written(file_format: FileFormat, language: str, rows: list[list[Cell]]) -> bytes:
    target = io.BytesIO()
    zone = ZoneInfo("Europe/Moscow")
    layout = Layout(language, zone, ["Time", "Text", "Amount"], [("Account", "=evil")], ("Table", "Summary"))
    writer = open_writer(file_format, target, layout)
    writer.write_rows(rows)
    writer.close()
    return target.getvalue()


def parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return {name: book.read(name).decode() for name in book.namelist()}


@pytest.mark.parametrize(("language", "separator"), [("ru", ";"), ("en", ",")])
def test_csv(language: str, separator: str) -> None:
    content = written(FileFormat.CSV, language, [[AT, 'say "hi"; all,', Decimal("-50.837837")], [None, "=1+1", 7]])
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator))
    assert rows == [
        ["Account", "'=evil"],
        [],
        ["Time", "Text", "Amount"],
        ["2026-03-01T22:30:05Z", 'say "hi"; all,', "-50.837837"],
        ["", "'=1+1", "7"],
    ]


@pytest.mark.parametrize("text", EVIL)
def test_no_text_is_computed(text: str) -> None:
    assert neutral(text) == f"'{text}"
    book = parts(written(FileFormat.XLSX, "en", [[AT, text, Decimal(1)]]))
    assert not any("<f>" in content or "<f " in content for content in book.values())


def test_what_is_harmless_stays() -> None:
    assert neutral("A-1001 = fine") == "A-1001 = fine"
    assert neutral("") == ""


def test_xlsx() -> None:
    exact, long = Decimal("49.810810"), Decimal("123456789012.345678")
    book = parts(written(FileFormat.XLSX, "en", [[AT, "A-1", exact], [AT, "http://a.example", long]]))
    table = book["xl/worksheets/sheet2.xml"]
    assert 'state="frozen"' in table
    assert '<autoFilter ref="A1:C3"/>' in table
    values = re.findall(r"<c r=\"(\w+)\"[^>]*?(?: t=\"(\w+)\")?><(?:v|is)>(?:<t>)?([^<]*)", table)
    cells = {place: (kind, value) for place, kind, value in values}
    assert cells["C2"] == ("", "49.81081")
    assert cells["C3"] == ("inlineStr", "123456789012.345678")
    moscow = datetime(2026, 3, 2, 1, 30, 5)  # noqa: DTZ001 - a spreadsheet knows no zones
    days = Decimal(cells["A2"][1]) - (moscow - datetime(1899, 12, 30)).days  # noqa: DTZ001 - as above
    assert abs(days * 86_400 - (3600 + 30 * 60 + 5)) < Decimal("0.01")
    assert "hyperlink" not in "".join(book.values())
