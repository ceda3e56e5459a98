"""Russian is complete, says nothing that is not asked for, and keeps every placeholder."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import jivapay.web
from jivapay.web.ui.i18n import catalogue_path, choose_language, get_translations

WEB = Path(jivapay.web.__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "msgid": None}
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")


def sources() -> set[str]:
    """Every text that pages may say, from templates and code."""

    def found() -> Iterator[str]:
        options = {"templates/**.html": {"newstyle_gettext": "true"}}
        for _, _, message, _, _ in extract_from_dir(WEB, METHODS, options_map=options, keywords=KEYWORDS):
            yield message if isinstance(message, str) else message[0]

    return set(found())


@pytest.fixture(scope="module")
def russian() -> Catalog:
    with catalogue_path("ru").open("rb") as source:
        return read_po(source, locale="ru", abort_invalid=True)


def texts(catalogue: Catalog) -> dict[str, list[str]]:
    return {
        (message.id if isinstance(message.id, str) else message.id[0]): (
            [message.string] if isinstance(message.string, str) else list(message.string)
        )
        for message in catalogue
        if message.id
    }


def test_every_text_is_translated_and_nothing_else(russian: Catalog) -> None:
    said, asked = texts(russian), sources()
    assert len(asked) > 100
    assert sorted(asked - set(said)) == []
    assert sorted(set(said) - asked) == []


def test_no_translation_is_empty_or_doubtful(russian: Catalog) -> None:
    assert [source for source, said in texts(russian).items() if not all(said)] == []
    assert [message.id for message in russian if message.id and message.fuzzy] == []
    assert not russian.obsolete


def test_placeholders_are_kept(russian: Catalog) -> None:
    wrong = [
        source
        for source, said in texts(russian).items()
        for translation in said
        if sorted(PLACEHOLDER.findall(source)) != sorted(PLACEHOLDER.findall(translation))
    ]
    assert wrong == []


def test_translations_are_in_russian(russian: Catalog) -> None:
    foreign = [source for source, said in texts(russian).items() if not re.search("[а-яё]", " ".join(said))]
    assert foreign == []


def test_sources_are_in_english() -> None:
    assert [source for source in sources() if re.search("[а-яё]", source, re.IGNORECASE)] == []


def test_english_is_its_own_catalogue() -> None:
    assert get_translations("en").gettext("Copy") == "Copy"
    assert get_translations("ru").gettext("Copy") == "Копировать"


@pytest.mark.parametrize(
    ("name", "query", "cookie", "header", "language"),
    [
        ("nothing said", None, None, "", "ru"),
        ("address first", "en", "ru", "ru", "en"),
        ("cookie next", None, "en", "ru", "en"),
        ("browser last", None, None, "en-GB,en;q=0.9", "en"),
        ("weights decide", None, None, "de, ru;q=0.5, en;q=0.8", "en"),
        ("whole weights before fractions", None, None, "en;q=0.9, ru", "ru"),
        ("refused languages", None, None, "en;q=0", "ru"),
        ("unknown in the address", "xx", None, "en", "en"),
        ("unknown in the cookie", None, "../../etc", "en", "en"),
        ("nonsense", None, None, "en;q=lots, ;;;,", "ru"),
        ("others speak Russian here", None, None, "uk, kk", "ru"),
    ],
)
def test_choice_of_language(name: str, query: str | None, cookie: str | None, header: str, language: str) -> None:
    asked = {"lang": query} if query else {}
    kept = {"lang": cookie} if cookie else {}
    assert choose_language(asked, kept, header) == language
