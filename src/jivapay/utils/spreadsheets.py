"""Tables as files that spreadsheets open: CSV and XLSX, written as rows come, and never read as formulas.

What a shop or a customer wrote may begin with `=`, `+`, `-` or `@`, and a spreadsheet would compute it. A text cell
that does is written as text: in CSV behind an apostrophe, in XLSX as a string, which is never a formula. Amounts are
our own and stay plain numbers; one with more digits than a double holds is written as text: none is ever rounded.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import IO, Protocol

import xlsxwriter

Cell = str | Decimal | datetime | int | None
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
EXACT_DIGITS_MAX = 15
"""What a double holds exactly; spreadsheets know no other numbers."""
COLUMN_WIDTH = 24
CSV_BOM = "\ufeff"
SEPARATORS = {"ru": ";", "en": ","}


class FileFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        if self is FileFormat.CSV:
            return "text/csv; charset=utf-8"
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is written: in whose language and zone, with which headings, and what is told beside it."""

    language: str
    zone: tzinfo
    headings: Sequence[str]
    summary: Sequence[tuple[str, Cell]]
    """What was asked for and what it comes to: before the table in CSV, on a sheet of its own in XLSX."""
    titles: tuple[str, str]
    """Of the sheets: the table's and the summary's."""


class TableWriter(Protocol):
    def write_rows(self, rows: Iterable[Sequence[Cell]]) -> None: ...

    def close(self) -> None: ...


def open_writer(file_format: FileFormat, target: IO[bytes], layout: Layout) -> TableWriter:
    """Writes into `target` from now on; the file is whole after `close`."""
    return CsvWriter(target, layout) if file_format is FileFormat.CSV else XlsxWriter(target, layout)


def neutral(text: str) -> str:
    """A text that no spreadsheet computes."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


class CsvWriter:
    """UTF-8 with a mark, so that spreadsheets see it; times in UTC; plain decimals."""

    def __init__(self, target: IO[bytes], layout: Layout) -> None:
        self._text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
        self._text.write(CSV_BOM)
        self._rows = csv.writer(self._text, delimiter=SEPARATORS[layout.language])
        self.write_rows(layout.summary)
        self.write_rows([(), layout.headings])

    def write_rows(self, rows: Iterable[Sequence[Cell]]) -> None:
        self._rows.writerows([[_csv_cell(cell) for cell in row] for row in rows])

    def close(self) -> None:
        self._text.detach()


def _csv_cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case Decimal():
            return f"{cell:f}"
        case str():
            return neutral(cell)
        case _:
            return str(cell)


class XlsxWriter:
    """Real numbers and times in the reader's zone, a frozen header, a filter; rows leave memory as they are written."""

    def __init__(self, target: IO[bytes], layout: Layout) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(target, options)
        self._zone = layout.zone
        self._bold = self._book.add_format({"bold": True})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._amounts: dict[int, object] = {}
        table, summary = layout.titles
        self._sheet = self._book.add_worksheet(summary)
        self._sheet.set_column(0, 1, COLUMN_WIDTH)
        self._row = 0
        self.write_rows(layout.summary)
        self._sheet = self._book.add_worksheet(table)
        self._sheet.activate()
        self._sheet.set_column(0, len(layout.headings) - 1, COLUMN_WIDTH)
        self._sheet.freeze_panes(1, 0)
        for column, heading in enumerate(layout.headings):
            self._sheet.write_string(0, column, heading, self._bold)
        self._columns, self._row = len(layout.headings), 1

    def write_rows(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            for column, cell in enumerate(row):
                self._write(column, cell)
            self._row += 1

    def close(self) -> None:
        self._sheet.autofilter(0, 0, max(0, self._row - 1), self._columns - 1)
        self._book.close()

    def _write(self, column: int, cell: Cell) -> None:
        match cell:
            case None:
                return
            case datetime():
                local = cell.astimezone(self._zone).replace(tzinfo=None)
                self._sheet.write_datetime(self._row, column, local, self._time)
            case Decimal() if len(cell.as_tuple().digits) <= EXACT_DIGITS_MAX:
                self._sheet.write_number(self._row, column, float(cell), self._amount_format(cell))
            case Decimal():
                self._sheet.write_string(self._row, column, f"{cell:f}")
            case int():
                self._sheet.write_number(self._row, column, cell)
            case str():
                self._sheet.write_string(self._row, column, cell)

    def _amount_format(self, amount: Decimal) -> object:
        """As many decimals as the amount has."""
        exponent = amount.as_tuple().exponent
        decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        if decimals not in self._amounts:
            pattern = f"0.{'0' * decimals}" if decimals else "0"
            self._amounts[decimals] = self._book.add_format({"num_format": pattern})
        return self._amounts[decimals]
