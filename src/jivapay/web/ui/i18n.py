"""The languages of pages: English stands in the templates, Russian in `locale/`, complete by test (decision 23).

The `.po` file is read at first use and compiled in memory, so that there is no build step and no binary to forget.
"""

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("ru", "en")
LANGUAGE_DEFAULT = "ru"
LANGUAGE_COOKIE = "lang"
LANGUAGE_COOKIE_SECONDS = 31_536_000
LOCALE_DIR = Path(__file__).parent.parent / "locale"
ACCEPT_LANGUAGE_LENGTH_MAX = 200


def msgid(text: str) -> str:
    """Marks a text for translation where it is written; it is translated where it is shown."""
    return text


@cache
def get_translations(language: str) -> NullTranslations:
    """The catalogue of one of `LANGUAGES`; for English the sources themselves."""
    path = catalogue_path(language)
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def catalogue_path(language: str) -> Path:
    return LOCALE_DIR / language / "LC_MESSAGES" / "messages.po"


def choose_language(query: Mapping[str, str], cookies: Mapping[str, str], accept_language: str) -> str:
    """What was asked for in the address, else what was asked for before, else what the browser prefers."""
    for said in (query.get("lang"), cookies.get(LANGUAGE_COOKIE)):
        if said in LANGUAGES:
            return said
    return _preferred(accept_language) or LANGUAGE_DEFAULT


def _preferred(accept_language: str) -> str | None:
    """The first of our languages by weight: `de, en;q=0.8, ru;q=0.5` prefers English."""
    offers = []
    for place, part in enumerate(accept_language[:ACCEPT_LANGUAGE_LENGTH_MAX].split(",")):
        name, _, weight = part.partition(";")
        language = name.strip().partition("-")[0].lower()
        if language in LANGUAGES:
            offers.append((-_thousandths(weight), place, language))
    best = min(offers, default=None)
    return best[2] if best is not None and best[0] < 0 else None


def _thousandths(weight: str) -> int:
    """`q=0.85` is 850. Nothing said is the whole weight, nonsense is none."""
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1000
    whole, _, decimals = value.partition(".")
    if name.strip().lower() != "q" or whole not in {"0", "1"} or not f"0{decimals}".isdecimal():
        return 0
    return 1000 if whole == "1" else int(decimals[:3].ljust(3, "0"))
