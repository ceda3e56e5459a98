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

from jivapay.utils.languages import LANGUAGE_DEFAULT, LANGUAGES, preferred_language

LANGUAGE_COOKIE = "lang"
LANGUAGE_COOKIE_SECONDS = 31_536_000
LOCALE_DIR = Path(__file__).parent.parent / "locale"


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
    return preferred_language(accept_language) or LANGUAGE_DEFAULT
