"""Second factor: time-based codes of six figures every 30 s, through pyotp (decision 16).

A matching code is answered with its step number. The caller stores it and passes it back the next time,
so that a code works once, also when it is read over a shoulder.
"""

import hmac
from datetime import datetime

import pyotp

_STEP_SECONDS = 30
_STEPS_AROUND = 1


def new_totp_secret() -> str:
    """160 random bits in base32, as authenticator applications take it."""
    secret: str = pyotp.random_base32()
    return secret


def totp_uri(secret: str, *, account: str, issuer: str = "JivaPay") -> str:
    """The `otpauth://` address behind the QR code; holds the secret."""
    uri: str = pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)
    return uri


def find_totp_step(secret: str, code: str, *, now: datetime, last_step: int | None) -> int | None:
    """The step this code belongs to, None when it fits none near `now`.

    Steps up to `last_step` were used before and no longer fit; `is_totp_reused` tells those apart.
    """
    return next((step for step in _matching_steps(secret, code, now) if last_step is None or step > last_step), None)


def is_totp_reused(secret: str, code: str, *, now: datetime, last_step: int | None) -> bool:
    """True when the code is right but its step was used before (`totp.reused`)."""
    return last_step is not None and any(step <= last_step for step in _matching_steps(secret, code, now))


def _matching_steps(secret: str, code: str, now: datetime) -> list[int]:
    totp = pyotp.TOTP(secret, interval=_STEP_SECONDS)
    current = int(now.timestamp()) // _STEP_SECONDS
    steps = range(current - _STEPS_AROUND, current + _STEPS_AROUND + 1)
    given = code.encode()
    return [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), given)]
