"""Password hashes that cost next to nothing: a real one is tens of milliseconds, and most tests sign somebody in.

The processes that tests start make real ones, and `tests/unit/config/test_passwords.py` is about those.
"""

from pwdlib.hashers.argon2 import Argon2Hasher

from jivapay.config.crypto import passwords

real_argon2 = passwords._argon2


def use_cheap_hashes() -> None:
    """From now on, in this process."""
    cheap = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._argon2 = lambda: cheap  # type: ignore[assignment]
