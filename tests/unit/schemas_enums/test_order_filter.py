import pytest
from pydantic import ValidationError

from jivapay.schemas_enums.enums import OrderStatus
from jivapay.schemas_enums.orders import OrderFilter


@pytest.mark.parametrize(
    ("given", "statuses"),
    [
        ([], []),
        (["pending"], [OrderStatus.PENDING]),
        (["pending,completed"], [OrderStatus.PENDING, OrderStatus.COMPLETED]),
    ],
)
def test_several_statuses_come_in_one_parameter(given: list[str], statuses: list[OrderStatus]) -> None:
    assert OrderFilter.model_validate({"status": given}).status == statuses


@pytest.mark.parametrize("given", ["paid", "pending,", "pending, completed"])
def test_an_unknown_status_is_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        OrderFilter.model_validate({"status": [given]})
