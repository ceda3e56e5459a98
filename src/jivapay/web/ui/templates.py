"""One Jinja environment for each language. Everything is escaped, and a name that does not exist is an error."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from jivapay.web.ui.i18n import get_translations

TEMPLATES_DIR = Path(__file__).parent.parent / "templates"


@cache
def get_environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(get_translations(language), newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    return environment


def render(template: str, language: str, **values: object) -> str:
    """The page or part as text."""
    return get_environment(language).get_template(template).render(language=language, **values)
