"""The QR code of a requisite. It holds the bare number, exactly what the copy button beside it gives:
`+79001234567`, `2200700123456789`.

There is no format that every bank app reads for a transfer to a person (the payment links of SBP are issued to
companies, the bank-account standard wants a company's details), and a link of our own would carry the page's token
to whatever reads it. A camera shows the number as text to copy, and bank apps that take a number from a code do so.
"""

import io
from functools import lru_cache

import segno

BORDER_MODULES = 4
"""The quiet zone the standard asks for."""
CACHED = 512


@lru_cache(maxsize=CACHED)
def draw_qr(text: str) -> bytes:
    """An SVG that fills whatever box it is given."""
    drawing = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawing,
        kind="svg",
        border=BORDER_MODULES,
        omitsize=True,
        dark="#000",
        light="#fff",
        svgclass=None,
        lineclass=None,
        xmldecl=False,
    )
    return drawing.getvalue()
