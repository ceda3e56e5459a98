"""The fields of forms that several doors share: receipts, amounts, what a payer says about himself."""

from typing import Annotated

from fastapi import File, Form, UploadFile

from jivapay.schemas_enums.gateway import PayerBank, PayerName
from jivapay.schemas_enums.money import FiatAmount

Receipt = Annotated[UploadFile | None, File(description="PNG, JPEG, WebP or PDF, up to 10 MiB")]
SentAmount = Annotated[FiatAmount | None, Form(description="What was sent, when it is not what was agreed")]
SentFromBank = Annotated[PayerBank | None, Form(description="The bank it was sent from")]
SentFromName = Annotated[PayerName | None, Form(description="Last four digits of the card or account, or the name")]


async def read_file(file: UploadFile | None) -> bytes | None:
    return None if file is None else await file.read()
