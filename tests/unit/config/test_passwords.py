import asyncio
import statistics
import time
from collections.abc import Iterator

import bcrypt
import pytest
from argon2 import PasswordHasher

from jivapay.config.crypto import dummy_verify, hash_password, passwords, verify_password
from jivapay.exceptions import ResourceBusy
from support.passwords import real_argon2


@pytest.fixture(autouse=True)
def _real_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(passwords, "_argon2", real_argon2)
    passwords._dummy_hash.cache_clear()
    yield
    passwords._dummy_hash.cache_clear()


async def test_a_password_fits_its_hash_only() -> None:
    hashed = await hash_password("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await verify_password("correct horse", hashed) == (True, None)
    assert await verify_password("Correct horse", hashed) == (False, None)


@pytest.mark.parametrize("password", ["short", "длинный пароль " * 20, "nul\x00inside"])
async def test_a_bcrypt_hash_is_accepted_and_upgraded(password: str) -> None:
    old = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    fits, new = await verify_password(password, old)
    assert fits
    assert new is not None
    assert await verify_password(password, new) == (True, None)
    assert await verify_password("x" + password, old) == (False, None)


async def test_a_cheaper_argon_hash_is_upgraded() -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("p")
    fits, new = await verify_password("p", cheap)
    assert fits
    assert new is not None
    assert new.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("hashed", ["", "plain", "$2b$12$short", "$argon2id$v=19$broken", "!"])
async def test_an_unreadable_hash_fits_nothing(hashed: str) -> None:
    assert await verify_password("p", hashed) == (False, None)


async def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    hashed = await hash_password("p")
    await dummy_verify("p")
    known, unknown = [], []
    for _ in range(15):
        begun = time.perf_counter()
        await verify_password("wrong", hashed)
        between = time.perf_counter()
        await dummy_verify("wrong")
        known.append(between - begun)
        unknown.append(time.perf_counter() - between)
    assert 0.5 < statistics.median(unknown) / statistics.median(known) < 2


async def test_a_crowd_is_turned_away() -> None:
    hashed = await hash_password("p")
    answers = await asyncio.gather(*(verify_password("p", hashed) for _ in range(80)), return_exceptions=True)
    assert answers.count((True, None)) >= 64
    assert [type(answer) for answer in answers if answer != (True, None)] == [ResourceBusy] * (
        80 - answers.count((True, None))
    )
    assert await verify_password("p", hashed) == (True, None)
