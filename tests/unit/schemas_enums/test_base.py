"""Request models do not guess; texts, numbers, times and metadata have their bounds."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from jivapay.schemas_enums.base import (
    Comment,
    Flag,
    Metadata,
    Name,
    PageQuery,
    PublicId,
    RequestModel,
    Timestamp,
    WholeNumber,
)
from jivapay.schemas_enums.enums import Direction


class Inner(RequestModel):
    direction: Direction


class Everything(RequestModel):
    direction: Direction | None = None
    id: PublicId | None = None
    count: Annotated[WholeNumber, Field(ge=0, le=20)] = 0
    flag: Flag = False
    name: Name = "name"
    comment: Comment = "comment"
    at: Timestamp | None = None
    inner: list[Inner] = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)


def codes(data: dict[str, Any], model: type[Any] = Everything) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return [error["type"] for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"direction": "PAY_IN"}, "enum"),
        ({"direction": "pay_in "}, "enum"),
        ({"direction": "ｐay_in"}, "enum"),
        ({"direction": 1}, "enum"),
        ({"inner": [{"direction": "both"}]}, "enum"),
        ({"id": "1"}, "uuid_parsing"),
        ({"count": "1"}, "int_type"),
        ({"count": True}, "validation.type"),
        ({"count": None}, "validation.type"),
        ({"count": Decimal("1.5")}, "validation.range"),
        ({"count": Decimal("1.0")}, "validation.range"),
        ({"count": -1}, "greater_than_equal"),
        ({"count": 10**9}, "less_than_equal"),
        ({"flag": 1}, "bool_type"),
        ({"flag": "true"}, "bool_type"),
        ({"name": ""}, "string_too_short"),
        ({"name": " \u00a0"}, "validation.required"),
        ({"name": "x" * 121}, "string_too_long"),
        ({"name": "e" + "\u0301" * 119}, None),
        ({"name": "\U0001f600" * 100}, "text.too_long"),
        ({"name": "two\nlines"}, "text.forbidden_character"),
        ({"name": "a\u202eb"}, "text.forbidden_character"),
        ({"comment": "a\u200bb"}, "text.forbidden_character"),
        ({"comment": "a\x00b"}, "text.forbidden_character"),
        ({"comment": "a\ud800b"}, "string_unicode"),
        ({"name": 5}, "string_type"),
        ({"at": 5}, "validation.type"),
        ({"at": "2026-01-01T00:00:00"}, "range.invalid"),
        ({"at": "2026-02-30T00:00:00Z"}, "range.invalid"),
        ({"at": "0000-01-01T00:00:00Z"}, "range.invalid"),
        ({"at": "10000-01-01T00:00:00Z"}, "range.invalid"),
        ({"at": "2026-01-01T00:00:00+24:00"}, "range.invalid"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "range.invalid"),
        ({"metadata": []}, "dict_type"),
        ({"metadata": {"a": "x" * 4096}}, "validation.range"),
        ({"metadata": {"a": {"b": {"c": {"d": {}}}}}}, "validation.range"),
        ({"metadata": {"a": 2**63}}, "validation.range"),
        ({"metadata": {"a": Decimal("9007199254740993.01")}}, "validation.range"),
        ({"unknown": 1}, "extra_forbidden"),
    ],
)
def test_what_is_not_exactly_meant_is_refused(data: dict[str, Any], code: str | None) -> None:
    if code is None:
        assert Everything.model_validate(data)
    else:
        assert codes(data) == [code]


def test_what_json_says_as_text_is_read() -> None:
    read = Everything.model_validate(
        {
            "direction": "pay_in",
            "id": "0199a1b2-1111-7111-8111-411111111111",
            "comment": "several\nlines \U0001f469\u200d\U0001f680",
            "at": "2026-01-01T03:00:00.5+03:00",
            "inner": [{"direction": "pay_out"}],
            "metadata": {"__proto__": {"price": Decimal("1.10")}, "n": None},
        }
    )
    assert read.direction is Direction.PAY_IN
    assert read.at == datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert read.at is not None
    assert read.at.tzinfo is UTC
    assert read.inner == [Inner(direction=Direction.PAY_OUT)]
    assert read.metadata == {"__proto__": {"price": 1.1}, "n": None}


@pytest.mark.parametrize(
    "annotation", [int, bool, float, Decimal, datetime, int | None, list[bool], Annotated[int, Field(ge=1)]]
)
def test_a_model_that_would_guess_cannot_be_written(annotation: object) -> None:
    with pytest.raises(TypeError, match="say WholeNumber"):
        type("Guesser", (RequestModel,), {"__annotations__": {"field": annotation}, "__module__": __name__})


@pytest.mark.parametrize("page", ["-1", "0", "1000000000", "1.5", "1_000", "1.0", "", " 1", "٣"])
def test_pages_are_plain_numbers_in_range(page: str) -> None:
    assert codes({"page": page}, PageQuery)[0] in {"validation.range", "greater_than_equal", "less_than_equal"}


def test_the_first_page_is_the_default() -> None:
    assert PageQuery.model_validate({}) == PageQuery(page=1, page_size=50)
    assert codes({"page_size": "201"}, PageQuery) == ["less_than_equal"]
