"""Answers of the payment page: HTML under the strictest policy that shows it, never kept, never indexed."""

import re

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from jivapay.config.logger import current_request_id
from jivapay.schemas_enums.gateway import PaymentSessionRead
from jivapay.utils.languages import LANGUAGES
from jivapay.utils.problems import Problem
from jivapay.web.pay.forms import FormState
from jivapay.web.pay.texts import ERROR_PAGE_OTHER, ERROR_PAGES
from jivapay.web.pay.view import PayPage
from jivapay.web.pay.visits import language_of
from jivapay.web.ui.assets import get_assets, get_inline_style
from jivapay.web.ui.i18n import LANGUAGE_COOKIE, LANGUAGE_COOKIE_SECONDS
from jivapay.web.ui.templates import render

PAGE_PATHS = "/pay/"
PAGE_PATH = re.compile(rf"{PAGE_PATHS}[A-Za-z0-9_-]{{16,64}}", re.ASCII)
SEE_OTHER = 303
WITHOUT_WAY_BACK = frozenset({404, 410})
"""Statuses after which opening the same page again would change nothing."""


def page_policy() -> str:
    """Content-Security-Policy of the page: its own script, its one style sheet, nothing else."""
    return (
        f"default-src 'none'; script-src 'self'; style-src {get_inline_style('pay.css').source}; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def show_page(
    request: Request,
    session: PaymentSessionRead,
    token: str,
    *,
    form: FormState | None = None,
    status: int = 200,
    secure: bool = False,
) -> HTMLResponse:
    """The page of a session. `secure` says whether the language cookie is kept to HTTPS."""
    language = language_of(request)
    page = PayPage(session, token, language, form or FormState())
    response = _html("pay/page.html", language, status, page=page)
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=LANGUAGE_COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure
        )
    return response


def show_page_error(request: Request, problem: Problem) -> HTMLResponse | None:
    """A failure in the page's own look; None for what is no payment page. For `add_exception_handlers`."""
    if not request.url.path.startswith(PAGE_PATHS) or request.url.path.endswith(".svg"):
        return None
    page = PAGE_PATH.match(request.url.path)
    response = _html(
        "pay/error.html",
        language_of(request),
        problem.status,
        text=ERROR_PAGES.get(problem.status, ERROR_PAGE_OTHER),
        path=page[0] if page and problem.status not in WITHOUT_WAY_BACK else None,
        request_id=current_request_id(),
    )
    response.headers.update(problem.headers)
    return response


def see_page(token: str) -> RedirectResponse:
    """After a form: the page as it is now, so that reloading sends nothing again."""
    return RedirectResponse(f"{PAGE_PATHS}{token}", SEE_OTHER)


def _html(template: str, language: str, status: int, **values: object) -> HTMLResponse:
    text = render(
        template,
        language,
        css=get_inline_style("pay.css").css,
        script=get_assets()["pay.js"].url,
        other_language="en" if language == "ru" else "ru",
        **values,
    )
    headers = {
        "Content-Security-Policy": page_policy(),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "Content-Language": language,
    }
    return HTMLResponse(text, status_code=status, headers=headers)
