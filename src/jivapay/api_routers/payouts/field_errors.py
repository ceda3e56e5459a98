"""Validation errors of the payouts service: 400 with a list of sentences for each field, as its clients expect them.

Everything else stays a problem document, whose `detail` such clients read too. What was sent never comes back.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from jivapay.api_routers.exception_handlers import validation_failure
from jivapay.exceptions import FieldError, ValidationFailed
from jivapay.schemas_enums.payout_requests import FieldErrors
from jivapay.utils.problems import ORDINARY_WORD
from jivapay.utils.routing import StrictRoute

NO_FIELD = "non_field_errors"
SENTENCES = {
    "validation.required": "This field is required and may not be blank.",
    "validation.type": "This is not of the right type.",
    "validation.enum": "This is not a valid choice.",
    "validation.integer": "A valid integer is required.",
    "validation.range": "This is out of range.",
    "validation.unknown_field": "This field cannot be set.",
    "validation.duplicate_param": "This comes twice.",
    "currency.unknown": "This is not a valid choice.",
    "text.too_long": "This is too long.",
    "text.forbidden_character": "This holds a character that is not allowed.",
    "money.format": "A valid number is required.",
    "money.not_positive": "Ensure this value is greater than 0.",
    "money.too_many_decimals": "Ensure that there are no more decimal places than the currency has.",
    "money.too_large": "Ensure that there are no more than 15 digits before the decimal point.",
    "file.encoding": "The file is not in UTF-8.",
    "file.malformed": "The file is no CSV.",
    "file.columns": "The columns are not those of payout requests.",
    "encryption.unknown_key": "The file can no longer be read; send the rows that are missing again.",
    "encryption.tampered": "The file can no longer be read; send the rows that are missing again.",
    "file.rows": "The file must have 1 to 10 000 rows.",
    "idempotency.mismatch": "This key was used for another request.",
    "idempotency.key_format": "A key has 1 to 255 printable ASCII characters.",
    "range.invalid": "A moment with its time zone is required, as in 2026-01-14T12:00:00Z.",
}


class FieldErrorsRoute(StrictRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def by_field(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                failure = validation_failure(error)
                if not isinstance(failure, ValidationFailed):
                    raise failure from None
                return field_errors_response(failure)
            except ValidationFailed as failure:
                return field_errors_response(failure)

        return by_field


def field_errors_response(failure: ValidationFailed) -> Response:
    return Response(orjson.dumps(field_errors(failure)), status_code=400, media_type="application/json")


def field_errors(failure: ValidationFailed) -> FieldErrors:
    """Field → what is wrong with it."""
    found: FieldErrors = {}
    for error in failure.errors or (FieldError((), failure.code),):
        sentences = found.setdefault(_field(error), [])
        sentence = sentence_of(error.code)
        if sentence not in sentences:
            sentences.append(sentence)
    return found


def sentence_of(code: str) -> str:
    return SENTENCES.get(code, "This is not valid.")


def _field(error: FieldError) -> str:
    name = str(error.loc[1]) if len(error.loc) > 1 else NO_FIELD
    return name if ORDINARY_WORD.fullmatch(name) else NO_FIELD
