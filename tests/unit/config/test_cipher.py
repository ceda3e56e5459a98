import base64

import pytest

from jivapay.config.crypto import Cipher, parse_data_keys
from jivapay.config.settings import Settings
from jivapay.exceptions import ConfigurationError

OLD, NEW = b"o" * 32, b"n" * 32
CONTEXT = "requisites.number:0199"


def cipher(**keys: bytes) -> Cipher:
    return Cipher(keys, b"i" * 32)


def test_text_comes_back_and_no_two_blobs_are_equal() -> None:
    ours = cipher(k1=OLD)
    first, second = ours.encrypt("2200 Иван", CONTEXT), ours.encrypt("2200 Иван", CONTEXT)
    assert first != second
    assert ours.decrypt(first, CONTEXT) == ours.decrypt(second, CONTEXT) == "2200 Иван"
    assert first[:4] == b"\x01\x02k1"


def test_a_new_key_encrypts_and_the_old_one_still_decrypts() -> None:
    blob = cipher(k1=OLD).encrypt("x", CONTEXT)
    rotated = cipher(k2=NEW, k1=OLD)
    assert rotated.key_ids == ("k2", "k1")
    assert rotated.needs_rotation(blob)
    assert rotated.decrypt(blob, CONTEXT) == "x"
    assert not rotated.needs_rotation(rotated.encrypt("x", CONTEXT))
    with pytest.raises(ConfigurationError) as failure:
        cipher(k2=NEW).decrypt(blob, CONTEXT)
    assert failure.value.code == "encryption.unknown_key"


@pytest.mark.parametrize("position", range(2 + 2 + 12 + 1 + 16))
def test_every_altered_byte_is_noticed(position: int) -> None:
    ours = cipher(k1=OLD, k2=OLD)
    blob = bytearray(ours.encrypt("x", CONTEXT))
    blob[position] ^= 3
    with pytest.raises(ConfigurationError) as failure:
        ours.decrypt(bytes(blob), CONTEXT)
    assert failure.value.code in {"encryption.tampered", "encryption.unknown_key"}


def test_a_blob_of_another_row_does_not_decrypt() -> None:
    ours = cipher(k1=OLD)
    with pytest.raises(ConfigurationError) as failure:
        ours.decrypt(ours.encrypt("x", CONTEXT), "requisites.number:0200")
    assert failure.value.code == "encryption.tampered"


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01\xff", b"\x02\x02k1" + bytes(40), bytes(60)])
def test_rubbish_is_refused(blob: bytes) -> None:
    with pytest.raises(ConfigurationError) as failure:
        cipher(k1=OLD).decrypt(blob, CONTEXT)
    assert failure.value.code == "encryption.tampered"


def test_blind_index_depends_on_text_context_and_its_own_key_only() -> None:
    index = cipher(k1=OLD).blind_index("2200", "requisites.number")
    assert len(index) == 32
    assert index == cipher(k2=NEW).blind_index("2200", "requisites.number")
    assert index != cipher(k1=OLD).blind_index("2201", "requisites.number")
    assert index != cipher(k1=OLD).blind_index("2200", "requisites.holder")
    assert index != Cipher({"k1": OLD}, b"j" * 32).blind_index("2200", "requisites.number")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no id", "QUFB"),
        ("empty", ""),
        ("bad id", f"a b:{base64.b64encode(OLD).decode()}"),
        ("twice", f"k:{base64.b64encode(OLD).decode()},k:{base64.b64encode(OLD).decode()}"),
        ("not base64", "k:§§§§"),
        ("short", "k:QUFB"),
    ],
)
def test_a_malformed_keyring_is_refused_without_showing_it(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="DATA_KEYS") as failure:
        parse_data_keys(text)
    assert "QUFB" not in str(failure.value)
    assert "§" not in str(failure.value)


def test_the_cipher_of_the_settings() -> None:
    keys = f"b:{base64.b64encode(NEW).decode()}, a:{base64.b64encode(OLD).decode()}"
    ours = Cipher.from_settings(Settings(data_keys=keys, blind_index_key="i" * 32))
    assert ours.key_ids == ("b", "a")
    assert ours.decrypt(cipher(a=OLD).encrypt("x", CONTEXT), CONTEXT) == "x"


@pytest.mark.parametrize("settings", [Settings(), Settings(data_keys="k:QUFB", blind_index_key="i" * 32)])
def test_missing_or_malformed_keys_are_a_configuration_error(settings: Settings) -> None:
    with pytest.raises(ConfigurationError):
        Cipher.from_settings(settings)
