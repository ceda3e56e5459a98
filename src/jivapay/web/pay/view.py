"""From what the gateway service tells to what a template shows: texts chosen, numbers formatted, nothing decided."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from jivapay.domain.requisite_numbers import SHOWN_DIGITS
from jivapay.schemas_enums.gateway import BankOffered, MethodOffered, PaymentSessionRead
from jivapay.web.pay import texts
from jivapay.web.pay.forms import FormState
from jivapay.web.pay.texts import Label, Notice
from jivapay.web.ui import formatting

RELOAD_SECONDS = {"searching": 3, "check": 10, "review": 30, "dispute": 60}
"""How soon a page that waits reloads itself where there is no script."""
LIVE = frozenset({"choose", "searching", "pay", "check", "review", "dispute", "expired", "cancelled"})
"""States that may still change while somebody looks at them."""
OVER = frozenset({"expired", "cancelled"})
"""States in which nobody is to pay any more, though a late receipt is still taken: the number is shown masked."""
LINK_SCHEMES = frozenset({"https", "http"})
SUPPORT_SCHEMES = LINK_SCHEMES | {"mailto"}
NO_REQUISITE = "requisite.none_available"
RECEIPT_LOST = "receipt.not_stored"


@dataclass(frozen=True, slots=True)
class MethodShown:
    code: str
    label: Label
    banks: str
    """Codes of the banks that take it, for the script; separated by spaces."""
    selected: bool


@dataclass(frozen=True, slots=True)
class RequisiteView:
    number_label: str
    number: str
    number_bare: str
    bank_name: str
    holder: str
    is_whole: bool
    """Whether it may still be paid to; afterwards the number is masked."""


class PayPage:
    """What the templates read. Every attribute is ready to be shown."""

    def __init__(self, session: PaymentSessionRead, token: str, language: str, form: FormState) -> None:
        self.session = session
        self.language = language
        self.form = form
        self.state = session.state
        self.path = f"/pay/{token}"
        self.status_path = f"/gateway/payment_session/{token}/status"
        self.order_id = str(session.order_id)
        self.is_live = session.state in LIVE
        self.reload_seconds = RELOAD_SECONDS.get(session.state)

    @property
    def heading(self) -> str:
        """Untranslated."""
        if self.state == "review" and self.requisite is None:
            return texts.HEADING_REVIEW_FIRST
        return texts.HEADINGS[self.state]

    @property
    def notice(self) -> Notice | None:
        """What the last form met, else why the choice has to be made again."""
        if self.form.notice is not None:
            return self.form.notice
        if self.form.is_refused or self.session.failure is None:
            return None
        code = self.session.failure.code
        if self.state == "choose":
            return texts.NOTICES.get(code, texts.PAUSED)
        return texts.NOTICES[RECEIPT_LOST] if self.wants_receipt_again else None

    @property
    def wants_receipt_again(self) -> bool:
        failure = self.session.failure
        return self.state in {"check", "review"} and failure is not None and failure.code == RECEIPT_LOST

    @property
    def found_nothing(self) -> bool:
        """Failed because nobody could take the order."""
        return self.session.failure is not None and self.session.failure.code == NO_REQUISITE

    # Money and time

    @property
    def amount(self) -> str | None:
        return self._money(self.session.amount)

    @property
    def amount_exact(self) -> str | None:
        """With its decimals even when they are zero, as a receipt says it."""
        return self._money(self.session.amount, whole=False)

    @property
    def amount_bare(self) -> str:
        return formatting.bare_amount(Decimal(self.session.amount or 0))

    @property
    def amount_min(self) -> str:
        return self._money(self.session.amount_min) or ""

    @property
    def amount_max(self) -> str:
        return self._money(self.session.amount_max) or ""

    def _money(self, amount: str | None, *, whole: bool = True) -> str | None:
        if amount is None:
            return None
        return formatting.format_money(Decimal(amount), self.session.currency, self.language, whole=whole)

    @property
    def now(self) -> str:
        return self.session.server_time.isoformat(timespec="milliseconds")

    @property
    def deadline(self) -> str:
        assert self.session.expires_at is not None  # noqa: S101 - a shown requisite has a deadline
        return self.session.expires_at.isoformat(timespec="milliseconds")

    @property
    def deadline_time(self) -> str:
        assert self.session.expires_at is not None  # noqa: S101 - as above
        return formatting.format_time(self.session.expires_at)

    @property
    def seconds_left(self) -> int:
        expires_at = self.session.expires_at
        return formatting.seconds_until(expires_at, self.session.server_time) if expires_at else 0

    @property
    def seconds_total(self) -> int:
        return max(self.session.total_seconds or 0, self.seconds_left, 1)

    @property
    def countdown(self) -> str:
        return formatting.format_countdown(self.seconds_left)

    @property
    def completed(self) -> str | None:
        moment = self.session.completed_at
        return formatting.format_moment(moment, self.language) if moment else None

    # What to choose from

    @property
    def methods(self) -> list[MethodShown]:
        codes = {method.code for method in self.session.methods}
        chosen = self.form.typed.get("payment_method") or self.session.payment_method
        if chosen not in codes and self.session.methods:
            chosen = self.session.methods[0].code
        return [
            MethodShown(method.code, method_label(method), " ".join(method.banks), method.code == chosen)
            for method in self.session.methods
        ]

    @property
    def banks(self) -> list[BankOffered]:
        offered = {bank for method in self.session.methods for bank in method.banks}
        return [bank for bank in self.session.banks if bank.code in offered]

    @property
    def bank_chosen(self) -> str:
        return self.form.typed.get("bank", self.session.bank or "")

    @property
    def requisite(self) -> RequisiteView | None:
        shown = self.session.requisite
        if shown is None:
            return None
        kinds = {method.code: method.number_kind for method in self.session.methods}
        number = f"•• {shown.number[-SHOWN_DIGITS:]}" if self.state in OVER else shown.number
        return RequisiteView(
            number_label=texts.NUMBER_LABELS.get(kinds.get(shown.method, ""), texts.NUMBER_LABEL_OTHER),
            number=formatting.format_requisite(number),
            number_bare=number,
            bank_name=shown.bank_name,
            holder=shown.holder,
            is_whole=number.lstrip("+").isdecimal(),
        )

    @property
    def method_label(self) -> Label | None:
        for method in self.session.methods:
            if method.code == self.session.payment_method:
                return method_label(method)
        return None

    # Ways out

    @property
    def return_url(self) -> str | None:
        """Back to the shop, with the order's id."""
        url = self.session.return_url
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in LINK_SCHEMES:
            return None
        if any(name == "order_id" for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
            return url
        query = "&".join(filter(None, [parts.query, urlencode({"order_id": self.order_id})]))
        return urlunsplit(parts._replace(query=query))

    @property
    def support_url(self) -> str | None:
        """The store's support; a letter already names the payment."""
        url = self.session.support_url
        scheme = urlsplit(url).scheme if url else ""
        if url is None or scheme not in SUPPORT_SCHEMES:
            return None
        if scheme != "mailto":
            return url
        return f"{url}{'&' if '?' in url else '?'}subject={quote(self.order_id)}"


def method_label(method: MethodOffered) -> Label:
    """By its code, else by what kind of number is paid to."""
    return texts.METHODS.get(method.code) or texts.METHODS_BY_KIND.get(method.number_kind, texts.METHOD_OTHER)
