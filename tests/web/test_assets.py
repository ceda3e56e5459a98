"""Static files: small, named by their content, kept for ever; and templates that need nothing inline."""

import re
from pathlib import Path

import pytest

from jivapay.web.ui.assets import SERVED, STATIC_DIR, get_assets, get_inline_style, minify_css, minify_js
from jivapay.web.ui.templates import TEMPLATES_DIR
from web.desks import Counter

INLINE = re.compile(r"""\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:""", re.IGNORECASE)
STYLES_INLINED = {"pay.css"}


def test_pay_js_is_at_most_five_kilobytes() -> None:
    assert len(get_assets()["pay.js"].content) <= 5000


def test_every_static_file_is_served_or_inlined() -> None:
    assert {path.name for path in STATIC_DIR.iterdir()} == set(SERVED) | STYLES_INLINED


async def test_a_file_is_kept_for_ever_under_its_hash(counter: Counter) -> None:
    asset = get_assets()["pay.js"]
    assert re.fullmatch(r"/static/pay\.[0-9a-f]{10}\.js", asset.url)
    async with counter.client() as client:
        answer = await client.get(asset.url)
    assert answer.content == asset.content
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["pay.js", "pay.0000000000.js", "pay.css", "..%2fpay.css"])
async def test_nothing_else_has_an_address(counter: Counter, name: str) -> None:
    async with counter.client() as client:
        assert (await client.get(f"/static/{name}")).status_code == 404


def test_the_script_says_nothing_itself() -> None:
    """Texts come from data attributes, which are translated."""
    source = (STATIC_DIR / "pay.js").read_text(encoding="utf-8")
    code = re.sub(r"^\s*//.*$", "", source, flags=re.MULTILINE)
    assert re.findall(r'"[A-Z][a-z]+ [a-z ]+"', code) == []
    assert re.search("[а-яё]", re.sub(r"руб|р", "", code), re.IGNORECASE) is None


@pytest.mark.parametrize("path", sorted(TEMPLATES_DIR.rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_inline_style_or_script(path: Path) -> None:
    assert INLINE.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("planted", ['<p style="x">', "<script>x</script>", '<a onclick="x">', "href='javascript:x'"])
def test_planted_inline_code(planted: str) -> None:
    assert INLINE.search(planted)


def test_css_is_made_smaller_and_stays_the_same() -> None:
    sheet = "/* why */\na , b > c {\n  color : red;\n  margin: -.5rem auto;\n}\n"
    assert minify_css(sheet) == "a,b>c{color : red;margin: -.5rem auto}"


def test_js_is_made_smaller_and_keeps_its_texts() -> None:
    text = '// why\nconst a = { b: "x  =  y // z" };\n\n  if (a && b) c(`${d}  =  e`);\n'
    assert minify_js(text) == 'const a={b:"x  =  y // z"};\nif(a&&b)c(`${d}  =  e`);\n'


def test_the_policy_names_the_inlined_sheet() -> None:
    style = get_inline_style("pay.css")
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", style.source)
    assert "</" not in style.css
