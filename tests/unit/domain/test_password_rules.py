"""Which passwords are accepted."""

import pytest

from jivapay.domain.password_rules import find_password_problem


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "password.too_short"),
        ("123456789", "password.too_short"),
        ("кругл стол", None),
        ("correct horse", None),
        ("x1" * 128, "password.too_common"),
        ("abc" * 85, None),
        ("abc" * 86, "password.too_long"),
        ("PASSWORD123", "password.too_common"),
        ("Пароль12345", "password.too_common"),
        ("ｐａｓｓｗｏｒｄ１２３", "password.too_common"),
        ("          ", "password.too_common"),
        ("0000000000", "password.too_common"),
        ("abababababab", "password.too_common"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_problem(password: str, problem: str | None) -> None:
    assert find_password_problem(password) == problem
