"""Which characters text may hold, for everything that comes in: bodies, forms, query strings.

Refused everywhere: lone surrogates and NUL (the database refuses them too), control characters, and the marks that
turn the direction of writing or cannot be seen, which make one text look like another. Line ends and tabs pass only
where a text may have several lines. Joiners (U+200C, U+200D) are needed by scripts and emoji, and pass.
"""

import re

_NEVER = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls
    r"\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # invisible, or turning the direction
    r"\u2028\u2029"  # line and paragraph separators
    r"\ud800-\udfff"  # halves of characters
    r"\ufff9-\uffff"  # specials and non-characters, but for the replacement character below
)
_FORBIDDEN = re.compile(f"(?!\ufffd)[{_NEVER}]")
_FORBIDDEN_IN_LINE = re.compile(f"(?!\ufffd)[{_NEVER}\t\n\r]")


def has_forbidden_character(text: str) -> bool:
    """Whether `text` may not come in anywhere."""
    return not text.isprintable() and _FORBIDDEN.search(text) is not None


def has_forbidden_in_line(text: str) -> bool:
    """Whether `text` may not stand where one line is meant: names, ids, whatever reaches a header."""
    return not text.isprintable() and _FORBIDDEN_IN_LINE.search(text) is not None
