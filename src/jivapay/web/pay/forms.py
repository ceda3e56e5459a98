"""What the customer's forms say, read into the gateway's shapes; and which sentence stands at which field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from jivapay.exceptions import FieldError, JivaPayException, RequestTooLarge, ValidationFailed
from jivapay.schemas_enums.base import RequestModel
from jivapay.schemas_enums.gateway import MethodChoice, PayerFields
from jivapay.services.order_status_manager import PayerSaid
from jivapay.web.pay.texts import (
    FIELD_ERRORS,
    FIELD_ERRORS_OTHER,
    FIELD_REQUIRED,
    FIELDS,
    INVALID,
    NOTICES,
    PAUSED,
    Notice,
)
from jivapay.web.ui.formatting import read_typed_amount

REQUIRED = "validation.required"
UNAVAILABLE = 503
Shape = TypeVar("Shape", bound=RequestModel)


@dataclass(frozen=True, slots=True)
class FormState:
    """A form to be shown again: what was typed, and what is wrong with it. Texts are untranslated."""

    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: Notice | None = None

    @property
    def is_refused(self) -> bool:
        return bool(self.errors) or self.notice is not None


def read_choice(typed: Mapping[str, str]) -> MethodChoice:
    """The customer's choice. Raises ValidationFailed with a code for each field."""
    return _read(MethodChoice, typed)


def read_payer(typed: Mapping[str, str]) -> PayerSaid:
    """How much the customer has sent, and where from. Raises ValidationFailed with a code for each field."""
    payer = _read(PayerFields, typed)
    return PayerSaid(payer.amount, payer.payer_bank, payer.payer_name)


def _read(shape: type[Shape], typed: Mapping[str, str]) -> Shape:
    """What was left empty is not said."""
    said = {name: text.strip() for name, text in typed.items() if text.strip()}
    if "amount" in said:
        said["amount"] = read_typed_amount(said["amount"])
    try:
        return shape.model_validate(said)
    except ValidationError as error:
        found = [FieldError(("body", str(item["loc"][0])), _code(item["type"])) for item in error.errors()]
        raise ValidationFailed(errors=tuple(found)) from None


def _code(kind: str) -> str:
    if kind == "missing":
        return REQUIRED
    return kind if "." in kind else "validation.failed"


def explain(failure: JivaPayException, typed: Mapping[str, str], *, file_field: bool = False) -> FormState:
    """The form again, with the failure where it belongs. `file_field` says that the form had a file."""
    if file_field and isinstance(failure, RequestTooLarge):
        return FormState(typed, {"receipt": FIELD_ERRORS[failure.code]})
    errors = _field_texts(failure.errors)
    if errors:
        return FormState(typed, errors)
    if failure.status == UNAVAILABLE:
        return FormState(typed, notice=NOTICES.get(failure.code, PAUSED))
    return FormState(typed, notice=NOTICES.get(failure.code, INVALID))


def _field_texts(errors: Iterable[FieldError]) -> dict[str, str]:
    """The first error of each field, in the order of the form."""
    found: dict[str, str] = {}
    for error in errors:
        name = str(error.loc[-1])
        if name in FIELDS:
            found.setdefault(name, _field_text(name, error.code))
    return {name: found[name] for name in FIELDS if name in found}


def _field_text(name: str, code: str) -> str:
    if code == REQUIRED and name in FIELD_REQUIRED:
        return FIELD_REQUIRED[name]
    return FIELD_ERRORS.get(code, FIELD_ERRORS_OTHER[name])
