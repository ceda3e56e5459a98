"""Reads a small undamaged QR code out of an SVG of ours: versions 1 and 2, digits and capitals, by ISO/IEC 18004.

Written from the standard and not from the library that draws, so that the two must agree.
"""

import re
from collections.abc import Iterator

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
FORMAT_MASK = 0b101010000010010
MODE_NUMERIC, MODE_ALPHANUMERIC = 1, 2
Matrix = list[list[bool]]


def read_qr(svg: str) -> str:
    matrix = _modules(svg)
    bits = "".join(_bits(matrix))
    return _text(bits)


def _modules(svg: str) -> Matrix:
    """The dark path is horizontal strokes: `M4 4.5h7m-5 1h2`, in modules, with a quiet zone around."""
    found = re.search(r'viewBox="0 0 (\d+) \d+".*<path stroke="#000" d="([^"]+)"', svg)
    assert found is not None, svg
    side = int(found[1])
    strokes = re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", found[2])
    drawn, x, y = [[False] * side for _ in range(side)], 0, 0.0
    for command, first, second in strokes:
        if command == "h":
            drawn[int(y)][x : x + int(first)] = [True] * int(first)
            x += int(first)
        elif command == "M":
            x, y = int(first), float(second)
        else:
            x, y = x + int(first), y + float(second)
    quiet = next(place for place, row in enumerate(drawn) if any(row))
    return [row[quiet : side - quiet] for row in drawn[quiet : side - quiet]]


def _bits(matrix: Matrix) -> Iterator[str]:
    """The data modules in reading order, without their mask."""
    size = len(matrix)
    mask = _mask(matrix)
    reserved = _reserved(size)
    up = True
    for right in range(size - 1, 0, -2):
        column = right if right > 6 else right - 1
        for row in range(size - 1, -1, -1) if up else range(size):
            for x in (column, column - 1):
                if (row, x) not in reserved:
                    yield str(int(matrix[row][x] ^ _masked(mask, row, x)))
        up = not up


def _mask(matrix: Matrix) -> int:
    """From the format information beside the upper left finder: two bits of correction level, three of mask."""
    places = [(8, x) for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
    said = int("".join(str(int(matrix[y][x])) for y, x in places), 2) ^ FORMAT_MASK
    return said >> 10 & 0b111


def _masked(mask: int, y: int, x: int) -> bool:
    return [
        (y + x) % 2 == 0,
        y % 2 == 0,
        x % 3 == 0,
        (y + x) % 3 == 0,
        (y // 2 + x // 3) % 2 == 0,
        y * x % 2 + y * x % 3 == 0,
        (y * x % 2 + y * x % 3) % 2 == 0,
        ((y + x) % 2 + y * x % 3) % 2 == 0,
    ][mask]


def _reserved(size: int) -> set[tuple[int, int]]:
    """Finders with their format information, timing, and the one alignment pattern of version 2."""
    near, far = range(9), range(size - 8, size)
    found = {(y, x) for y in near for x in (*near, *far)} | {(y, x) for y in far for x in near}
    found |= {(6, place) for place in range(size)} | {(place, 6) for place in range(size)}
    if size == 25:
        found |= {(y, x) for y in range(16, 21) for x in range(16, 21)}
    return found


def _text(bits: str) -> str:
    mode = int(bits[:4], 2)
    if mode == MODE_NUMERIC:
        length, place, text = int(bits[4:14], 2), 14, ""
        while len(text) < length:
            digits = min(3, length - len(text))
            width = {3: 10, 2: 7, 1: 4}[digits]
            text += f"{int(bits[place : place + width], 2):0{digits}d}"
            place += width
        return text
    assert mode == MODE_ALPHANUMERIC, mode
    length, place, text = int(bits[4:13], 2), 13, ""
    while len(text) < length:
        width = 11 if length - len(text) > 1 else 6
        value = int(bits[place : place + width], 2)
        text += ALPHANUMERIC[value // 45] + ALPHANUMERIC[value % 45] if width == 11 else ALPHANUMERIC[value]
        place += width
    return text
