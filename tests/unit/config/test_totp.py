from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from jivapay.config.crypto import find_totp_step, is_totp_reused, new_totp_secret, totp_uri

NOW = datetime(2026, 11, 21, 12, 0, 10, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(("seconds", "step"), [(-30, STEP - 1), (0, STEP), (30, STEP + 1), (-60, None), (60, None)])
def test_a_code_fits_one_step_around_now(seconds: int, step: int | None) -> None:
    code = pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=seconds))
    assert find_totp_step(SECRET, code, now=NOW, last_step=None) == step


def test_a_code_works_once() -> None:
    code = pyotp.TOTP(SECRET).at(NOW)
    assert find_totp_step(SECRET, code, now=NOW, last_step=STEP - 1) == STEP
    assert find_totp_step(SECRET, code, now=NOW, last_step=STEP) is None
    assert is_totp_reused(SECRET, code, now=NOW, last_step=STEP)
    assert not is_totp_reused(SECRET, code, now=NOW, last_step=None)
    assert not is_totp_reused(SECRET, "000000", now=NOW, last_step=STEP)


def test_the_rfc_vector() -> None:
    now = datetime.fromtimestamp(59, UTC)
    assert find_totp_step(SECRET, "287082", now=now, last_step=None) == 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "２８７０８２", "287082 "])
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert find_totp_step(SECRET, code, now=datetime.fromtimestamp(59, UTC), last_step=None) is None


def test_secret_and_address() -> None:
    secret = new_totp_secret()
    assert len(secret) == 32
    assert totp_uri(secret, account="a@b.example") == (
        f"otpauth://totp/JivaPay:a%40b.example?secret={secret}&issuer=JivaPay"
    )
