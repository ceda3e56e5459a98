"""A CSV file of payout requests: its columns, and each row as the object a request would carry."""

import csv
import io
import re
from typing import Any

from jivapay.exceptions import JivaPayException, ValidationFailed
from jivapay.schemas_enums.text_rules import has_forbidden_character
from jivapay.utils.json_reader import read_json

FILE_ROWS_MAX = 10_000
NEEDED = frozenset({"user_id", "amount", "currency"})
OPTIONAL = frozenset({"comment", "execute_at"})
DETAILS, DETAIL = "recipient_details", "recipient_details."
"""One column of JSON, or one for each of its fields."""
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_SEPARATORS = (",", ";", "\t")


def read_rows(content: bytes) -> list[dict[str, Any]]:
    """The rows below the header, as `PayoutCreate` takes them. Raises ValidationFailed about the file as a whole."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong("file.encoding", "The file is not in UTF-8.") from None
    if has_forbidden_character(text):
        raise _wrong("text.forbidden_character", "The file holds a character that is not allowed.")
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if line]
    except csv.Error:
        raise _wrong("file.malformed", "The file is no CSV.") from None
    names = [name.strip() for name in lines[0]] if lines else []
    _check_header(names)
    if not 1 <= len(lines) - 1 <= FILE_ROWS_MAX:
        raise _wrong("file.rows", f"The file must have 1 to {FILE_ROWS_MAX} rows.")
    return [_row(names, line) for line in lines[1:]]


def _check_header(names: list[str]) -> None:
    known = all(name in NEEDED | OPTIONAL | {DETAILS} or name.startswith(DETAIL) for name in names)
    details = [name for name in names if name.startswith(DETAILS)]
    if not known or len(set(names)) != len(names) or not set(names) >= NEEDED or not details:
        raise _wrong("file.columns", "The columns are not those of payout requests.")
    if DETAILS in details and len(details) > 1:
        raise _wrong("file.columns", "The details come in one column or in several, not in both.")


def _row(names: list[str], line: list[str]) -> dict[str, Any]:
    """Cells beyond the header stay under a name that no request has, and so are refused with their row."""
    row: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for name, cell in zip(names, line, strict=False):
        value = cell.strip()
        if not value:
            continue
        if name.startswith(DETAIL):
            details[name.removeprefix(DETAIL)] = value
        elif name == DETAILS:
            row[name] = _json(value)
        elif name == "user_id" and _INTEGER.fullmatch(value):
            row[name] = int(value)
        else:
            row[name] = value
    if details:
        row[DETAILS] = details
    if len(line) > len(names):
        row["more_cells_than_columns"] = True
    return row


def _json(value: str) -> Any:  # noqa: ANN401 - whatever JSON can hold
    try:
        return read_json(value.encode())
    except JivaPayException:
        return value  # not an object, which the row is told


def _wrong(code: str, detail: str) -> ValidationFailed:
    return ValidationFailed.at("body", "file", code=code, detail=detail)
