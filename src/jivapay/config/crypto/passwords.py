"""Passwords: argon2id through pwdlib; bcrypt hashes of an earlier system are accepted and upgraded
(decision 16, AUT-04).

A hash costs 19 MiB and tens of milliseconds of CPU, so at most two run at once in a process, on threads of
their own, and a crowd in front of them is turned away instead of queued without end.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from jivapay.exceptions import ResourceBusy

_HASHES_AT_ONCE = 2
_CALLERS_MAX = 64
_BCRYPT_BYTES_MAX = 72

Result = TypeVar("Result")


async def hash_password(password: str) -> str:
    """Raises ResourceBusy when too many are waiting."""
    return await _on_hash_thread(lambda: _argon2().hash(password))


async def verify_password(password: str, hashed: str) -> tuple[bool, str | None]:
    """Whether it fits, and the hash to store instead when the stored one is of an older kind or cost."""
    return await _on_hash_thread(lambda: _verify(password, hashed))


async def dummy_verify(password: str) -> None:
    """As long as `verify_password` takes: called for unknown users, so that the time tells nothing."""
    await _on_hash_thread(lambda: _verify(password, _dummy_hash()))


def _verify(password: str, hashed: str) -> tuple[bool, str | None]:
    if BcryptHasher.identify(hashed):
        # bcrypt only ever saw the first 72 bytes; the library refuses more instead of cutting.
        if not BcryptHasher().verify(password.encode()[:_BCRYPT_BYTES_MAX], hashed):
            return False, None
        return True, _argon2().hash(password)
    hasher = _argon2()
    if not Argon2Hasher.identify(hashed) or not hasher.verify(password, hashed):
        return False, None
    return True, hasher.hash(password) if hasher.check_needs_rehash(hashed) else None


async def _on_hash_thread(work: Callable[[], Result]) -> Result:
    places = _places()
    if not places.acquire(blocking=False):
        raise ResourceBusy("Too many sign-ins are running; try again.", retry_after_seconds=1)

    def leave(_: "Future[Result]") -> None:
        places.release()

    running = _hash_threads().submit(work)
    running.add_done_callback(leave)
    return await asyncio.wrap_future(running)


@lru_cache
def _argon2() -> Argon2Hasher:
    # OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
    return Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@lru_cache
def _dummy_hash() -> str:
    return _argon2().hash("nobody has this password")


@lru_cache
def _hash_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_HASHES_AT_ONCE, thread_name_prefix="password")


@lru_cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(_CALLERS_MAX)
