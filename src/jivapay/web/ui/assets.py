"""Static files under names that hold their content's hash, so that browsers may keep them for ever.

A style sheet that a page carries inside itself is made smaller here, and named in the page's policy by its hash.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Response

from jivapay.exceptions import NotFound
from jivapay.utils.routing import api_router

STATIC_DIR = Path(__file__).parent.parent / "static"
SERVED = {"pay.js": "text/javascript; charset=utf-8"}
"""Every file that has an address of its own, with its type."""
HASH_LENGTH = 10
FOR_EVER = "public, max-age=31536000, immutable"

_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_SPACE = re.compile(r"\s+")
_CSS_AROUND = re.compile(r" ?([{};,>]) ?")
_JS_MARGIN = re.compile(r"^[ \t]*(?://.*)?", re.MULTILINE)
_JS_TEXT = re.compile(r'("(?:[^"\\\n]|\\.)*"|`[^`]*`)')
_JS_AROUND = re.compile(r" ?([=+*{}()<>,;:?&|!-]) ?")
_EMPTY_LINES = re.compile(r"\n{2,}")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    url: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class InlineStyle:
    """A style sheet for a page's `<style>`, and the source that allows exactly it: `'sha256-…'`."""

    css: str
    source: str


@cache
def get_assets() -> Mapping[str, Asset]:
    """By the name in the tree: `get_assets()["pay.js"].url`."""
    return {name: _read(name, media_type) for name, media_type in SERVED.items()}


@cache
def get_inline_style(name: str) -> InlineStyle:
    css = minify_css((STATIC_DIR / name).read_text(encoding="utf-8"))
    digest = hashlib.sha256(css.encode()).digest()
    return InlineStyle(css, f"'sha256-{b64encode(digest).decode()}'")


def minify_css(text: str) -> str:
    """Without comments and spare spaces. Our own sheets hold no texts in which spaces would matter."""
    return _CSS_AROUND.sub(r"\1", _CSS_SPACE.sub(" ", _CSS_COMMENT.sub("", text))).replace(";}", "}").strip()


def minify_js(text: str) -> str:
    """Without comment lines, indentation and spare spaces. Line ends stay, so that nothing depends on semicolons.

    Our own modules write texts in double quotes or backquotes on one line, and no comment after code.
    """
    parts = _JS_TEXT.split(_JS_MARGIN.sub("", text))
    code = "".join(part if place % 2 else _JS_AROUND.sub(r"\1", part) for place, part in enumerate(parts))
    return _EMPTY_LINES.sub("\n", code).strip() + "\n"


def _read(name: str, media_type: str) -> Asset:
    content = minify_js((STATIC_DIR / name).read_text(encoding="utf-8")).encode()
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:HASH_LENGTH]
    return Asset(f"/static/{stem}.{digest}.{suffix}", media_type, content)


router = api_router("/static", tags=("static",), include_in_schema=False)


@router.get("/{name}")
async def get_static_file(name: str) -> Response:
    """Only the newest content of a file has an address."""
    for asset in get_assets().values():
        if asset.url == f"/static/{name}":
            return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": FOR_EVER})
    raise NotFound
