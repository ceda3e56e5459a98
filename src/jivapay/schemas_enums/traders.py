"""What a trader switches, as it travels."""

from jivapay.schemas_enums.base import AnswerModel, Flag, RequestModel


class WorkWrite(RequestModel):
    in_work: Flag


class WorkRead(AnswerModel):
    """He takes new orders when he is in work and his team lead lets him."""

    in_work: bool
    is_traffic_enabled_by_teamlead: bool
