"""Business settings as they travel: name and text, which `config/business_settings.py` reads."""

from datetime import datetime
from typing import Annotated

from jivapay.schemas_enums.base import AnswerModel, RequestModel, Text


class SettingWrite(RequestModel):
    value: Annotated[str, Text(2000, length_min=0)]


class SettingRead(AnswerModel):
    key: str
    value: str
    default: str
    description: str
    updated_at: datetime | None


class SettingList(AnswerModel):
    items: list[SettingRead]
