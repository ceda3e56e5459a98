import re
import string

import pytest

from jivapay.config.crypto import api_key_matches, hash_api_key, new_api_key, parse_api_key


@pytest.mark.parametrize(("test", "begins"), [(False, "jp_live_"), (True, "jp_test_")])
def test_a_key_reads_back(test: bool, begins: str) -> None:
    key = new_api_key(test=test)
    assert re.fullmatch(begins + r"[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", key.text)
    assert parse_api_key(key.text) == key
    assert key.test is test
    assert key.secret not in repr(key)


def test_every_single_mistyped_character_is_noticed() -> None:
    text = new_api_key(test=False).text
    for position, right in enumerate(text):
        for wrong in string.ascii_lowercase[:3] + "0_":
            if wrong != right:
                assert parse_api_key(text[:position] + wrong + text[position + 1 :]) is None


@pytest.mark.parametrize("text", ["", "jp_live_", "sk_live_x", "jp_live_" + "a" * 400, "ключ", "jp_prod_"])
def test_what_is_no_key_is_none(text: str) -> None:
    assert parse_api_key(text) is None
    assert parse_api_key(new_api_key(test=True).text + "\n") is None


def test_the_stored_hash_fits_one_secret_and_one_pepper() -> None:
    secret = new_api_key(test=False).secret
    stored = hash_api_key(secret, "pepper")
    assert len(stored) == 32
    assert api_key_matches(secret, "pepper", stored)
    assert not api_key_matches(secret, "other", stored)
    assert not api_key_matches(secret[:-1] + "!", "pepper", stored)
    assert not api_key_matches(secret, "pepper", None)
