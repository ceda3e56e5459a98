"""What the page says: a heading for every state, a sentence for every code. Customers never read a code.

The texts are the ids of the catalogue; they are translated where they are shown.
"""

from dataclasses import dataclass

from jivapay.web.ui.i18n import msgid

HEADINGS = {
    "choose": msgid("How would you like to pay?"),
    "searching": msgid("Finding payment details"),
    "pay": msgid("Transfer the money in your bank app"),
    "check": msgid("Checking your payment"),
    "review": msgid("Your payment is being reviewed"),
    "paid": msgid("Payment received"),
    "expired": msgid("Time is up"),
    "cancelled": msgid("Payment cancelled"),
    "failed": msgid("The payment did not go through"),
    "reversed": msgid("The payment was taken back"),
    "dispute": msgid("We are looking into your payment"),
}
HEADING_REVIEW_FIRST = msgid("Checking your order")
"""While a person looks before any requisite was shown."""


@dataclass(frozen=True, slots=True)
class Label:
    name: str
    hint: str
    icon: str


METHODS = {
    "sbp": Label(msgid("SBP, by phone number"), msgid("A transfer to any bank"), "phone"),
    "card": Label(msgid("Bank card"), msgid("A transfer by card number"), "card"),
    "account": Label(msgid("Bank account"), msgid("A transfer by account number"), "wallet"),
}
METHODS_BY_KIND = {
    "phone": Label(msgid("By phone number"), msgid("A transfer in your bank app"), "phone"),
    "card": METHODS["card"],
    "account": METHODS["account"],
}
METHOD_OTHER = Label(msgid("Bank transfer"), msgid("A transfer in your bank app"), "wallet")

NUMBER_LABELS = {
    "phone": msgid("Phone number"),
    "card": msgid("Card number"),
    "account": msgid("Account number"),
}
NUMBER_LABEL_OTHER = msgid("Number")

FIELD_REQUIRED = {
    "amount": msgid("Enter the amount."),
    "payment_method": msgid("Choose how you will pay."),
    "customer_id": msgid("Enter your ID in the store."),
    "receipt": msgid("Attach the receipt."),
}
FIELD_ERRORS = {
    "money.not_positive": msgid("The amount must be greater than zero."),
    "money.too_many_decimals": msgid("There are too many digits after the decimal point."),
    "money.too_large": msgid("The amount is more than the store accepts."),
    "order.amount_above_limit": msgid("The amount is more than the store accepts."),
    "order.amount_below_limit": msgid("The amount is less than the store accepts."),
    "amount.too_small": msgid("The amount is less than the store accepts."),
    "payment_method.unavailable": msgid("This method is not available now. Choose another one."),
    "bank.unavailable": msgid("This bank is not available for this method. Choose another one."),
    "receipt.required": FIELD_REQUIRED["receipt"],
    "receipt.duplicate": msgid("This receipt was sent for another payment. Attach the one of this transfer."),
    "file.empty": msgid("This file is empty. Choose another one."),
    "file.type_not_allowed": msgid("Attach a PNG, JPEG or WebP picture or a PDF."),
    "file.image_too_large": msgid("The picture is too large. Attach a smaller one or a screenshot."),
    "file.too_complex": msgid("This file could not be read. Attach a screenshot instead."),
    "file.pdf_active_content": msgid("This PDF holds scripts or attachments. Attach a screenshot instead."),
    "request.too_large": msgid("The file is larger than 10 MB. Attach a smaller one or a screenshot."),
}
FIELD_ERRORS_OTHER = {
    "amount": msgid("Write the amount like this: 1234.50"),
    "payment_method": FIELD_REQUIRED["payment_method"],
    "bank": FIELD_ERRORS["bank.unavailable"],
    "customer_id": msgid("Check this ID: it is too long or has characters that are not allowed."),
    "receipt": FIELD_ERRORS["file.too_complex"],
    "payer_bank": msgid("Check the bank: it is too long or has characters that are not allowed."),
    "payer_name": msgid("Check this field: it is too long or has characters that are not allowed."),
}
FIELDS = tuple(FIELD_ERRORS_OTHER)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is not about one field."""

    title: str
    text: str


NO_REQUISITE = Notice(
    msgid("No payment details are free right now"),
    msgid("Choose another method or bank, or try again in a couple of minutes. Your order is kept."),
)
PAUSED = Notice(msgid("New payments are paused for a moment"), msgid("Try again in a few minutes. Your order is kept."))
NOT_ALLOWED = Notice(
    msgid("The store is not taking payments right now"), msgid("Return to the store or try again later.")
)
INVALID = Notice(
    msgid("Something in the form was not understood"), msgid("Check what you have entered and send it again.")
)
NOTICES = {
    "requisite.none_available": NO_REQUISITE,
    "order.limit_open": Notice(
        msgid("You have too many unpaid payments"), msgid("Finish or cancel one of them, then try again.")
    ),
    "rate_limited": Notice(msgid("Too many requests"), msgid("Wait a minute and try again.")),
    "receipt.not_stored": Notice(
        msgid("The receipt could not be saved"), msgid("Your payment is being checked anyway. Attach it once more.")
    ),
    "storage.unavailable": Notice(
        msgid("The receipt could not be saved"),
        msgid("Try again in a minute. If you have transferred the money, it is not lost."),
    ),
    "resource.busy": Notice(
        msgid("This took too long"), msgid("Try again in a minute. If you have transferred the money, it is not lost.")
    ),
    "permission.denied": NOT_ALLOWED,
    "validation.failed": INVALID,
}


@dataclass(frozen=True, slots=True)
class ErrorText:
    """A whole page about a failure: what it is and what to do next."""

    heading: str
    text: str
    next_step: str


_TRY_LATER = msgid("If you have already transferred the money, it is not lost. Open the page again in a minute.")
_ASK_STORE = msgid("Go back to the store and start the payment again.")
_REOPEN = msgid("Open the payment page again and repeat.")
ERROR_PAGES = {
    403: ErrorText(msgid("This form was not sent from the payment page"), msgid("Nothing was changed."), _REOPEN),
    404: ErrorText(
        msgid("There is no such payment page"), msgid("The link may be incomplete or mistyped."), _ASK_STORE
    ),
    410: ErrorText(
        msgid("This payment link is closed"),
        msgid("The time to pay or to send a receipt is over."),
        msgid("Write to the store if you have transferred the money; otherwise start the payment again there."),
    ),
    413: ErrorText(
        msgid("The file is too large"),
        FIELD_ERRORS["request.too_large"],
        _REOPEN,
    ),
    429: ErrorText(
        msgid("Too many requests"),
        msgid("Many requests came from your network in a short time."),
        msgid("Wait a minute and open the page again."),
    ),
    500: ErrorText(msgid("Something went wrong on our side"), msgid("We have recorded the failure."), _TRY_LATER),
    503: ErrorText(
        msgid("The payment page is unavailable for a moment"), msgid("We are already working on it."), _TRY_LATER
    ),
}
ERROR_PAGE_OTHER = ErrorText(msgid("The request could not be understood"), msgid("Nothing was changed."), _REOPEN)
