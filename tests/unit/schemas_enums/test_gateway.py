"""The gateway's shapes: a customer's address has one spelling, so that lists and limits compare it."""

import pytest
from pydantic import TypeAdapter, ValidationError

from jivapay.schemas_enums.gateway import CustomerIp

ADDRESSES: TypeAdapter[str] = TypeAdapter(CustomerIp)


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_customer_ip(spelling: str, canonical: str) -> None:
    assert ADDRESSES.validate_python(spelling) == canonical


@pytest.mark.parametrize("wrong", ["x", "203.0.113", "203.0.113.07", "203.0.113.7/32", " 203.0.113.7", "fe80::1%eth0"])
def test_no_customer_ip(wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ADDRESSES.validate_python(wrong)
    assert [error["type"] for error in refused.value.errors()] == ["validation.format"]
