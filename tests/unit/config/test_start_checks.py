import base64
import os
import secrets
import stat
from pathlib import Path

import pytest

from jivapay.config.settings import Settings
from jivapay.config.start_checks import EXIT_REFUSED, _others_may_read, migration_refusals, refusals


def good(**changes: str | None) -> dict[str, str | None]:
    """What a careful operator sets, with fresh secrets."""
    return {
        "env": "production",
        "public_base_url": "https://pay.jivapay-test.net",
        "database_url": f"postgresql://app:{secrets.token_hex(16)}@10.0.0.5/jivapay",
        "database_owner_url": f"postgresql://owner:{secrets.token_hex(16)}@10.0.0.5/jivapay",
        "redis_url": f"rediss://:{secrets.token_hex(16)}@10.0.0.6:6379/0",
        "s3_bucket_name": "receipts",
        "s3_access_key": secrets.token_hex(10),
        "s3_secret_key": secrets.token_urlsafe(32),
        "secret_key": secrets.token_urlsafe(32),
        "data_keys": f"k2:{key()},k1:{key()}",
        "proof_keys": f"p1:{key()}",
        "blind_index_key": secrets.token_hex(32),
        "api_key_pepper": secrets.token_hex(16),
        "trusted_proxies": "10.0.0.0/24",
    } | changes


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def found(values: dict[str, str | None]) -> list[str]:
    settings = Settings.model_validate({name: value for name, value in values.items() if value is not None})
    lines = refusals(settings, {})
    for name in ("secret_key", "data_keys", "blind_index_key", "api_key_pepper", "s3_secret_key", "database_url"):
        value = values.get(name)
        assert not value or all(value not in line for line in lines)
    return lines


def test_careful_settings_are_not_refused() -> None:
    for _ in range(50):
        assert found(good()) == []
    assert found(good(s3_bucket_name=None, storage_dir="/srv/receipts")) == []
    assert found(good(redis_url="redis://localhost:6379/0")) == []
    assert EXIT_REFUSED == 78


def test_development_defaults_are_refused_for_every_reason() -> None:
    assert found({}) == [
        "SECRET_KEY is not set",
        "BLIND_INDEX_KEY is not set",
        "API_KEY_PEPPER is not set",
        "DATA_KEYS is not set",
        "PROOF_KEYS is not set",
        "PUBLIC_BASE_URL must begin with https:// and name a host",
        "DATABASE_URL is not set",
        "REDIS_URL is not set",
        "S3_BUCKET_NAME or STORAGE_DIR must be set",
    ]


@pytest.mark.parametrize("name", ["secret_key", "blind_index_key", "api_key_pepper"])
@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", "is not set"),
        ("Zk3-qP9_x1", "is shorter than 32 bytes"),
        ("a" * 64, "looks like"),
        ("correct1" * 8, "looks like"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "looks like"),
        ("0123456789012345678901234567890123456789", "looks like"),
        ("changeme-Zk3qP9x1Lm7Tq2Vb8Nc4Rd6Sf0", "looks like"),
        ("this-is-an-EXAMPLE-Zk3qP9x1Lm7Tq2Vb8", "looks like"),
        ("aaaaabbbbbaaaaabbbbbababababbbbaaaab", "looks like"),
    ],
)
def test_a_secret_that_is_none_is_refused(name: str, value: str, line: str) -> None:
    (only,) = found(good(**{name: value}))
    assert only.startswith(f"{name.upper()} {line}")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", "DATA_KEYS is not set"),
        ("k1:QUFB", "DATA_KEYS: the key of entry 1 has 3 bytes instead of 32"),
        ("rubbish", "DATA_KEYS: entry 1 has no key id"),
        (f"k1:{base64.b64encode(bytes(32)).decode()}", "DATA_KEYS: the key of entry 1 is a pattern"),
        (f"k1:{base64.b64encode(bytes(range(32))).decode()}", "DATA_KEYS: the key of entry 1 is a pattern"),
        (f"k1:{base64.b64encode(b'changeme' * 4).decode()}", "DATA_KEYS: the key of entry 1 is a pattern"),
    ],
)
def test_data_keys_that_are_none_are_refused(value: str, line: str) -> None:
    (only,) = found(good(data_keys=value))
    assert only.startswith(line)


def test_one_secret_for_two_purposes_is_refused() -> None:
    same, one_key = secrets.token_urlsafe(32), key()
    assert found(good(secret_key=same, api_key_pepper=same)) == [
        "SECRET_KEY and API_KEY_PEPPER are the same: one secret, one purpose"
    ]
    assert found(good(data_keys=f"k1:{one_key},k2:{one_key}")) == [
        "entry 1 of DATA_KEYS and entry 2 of DATA_KEYS are the same: one secret, one purpose"
    ]
    assert found(good(blind_index_key=one_key, data_keys=f"k1:{one_key}")) == [
        "BLIND_INDEX_KEY and entry 1 of DATA_KEYS are the same: one secret, one purpose"
    ]
    assert found(
        good(database_url=f"postgresql://a:{same}@db/j", database_owner_url=f"postgresql://o:{same}@db/j")
    ) == ["the password in DATABASE_URL and the password in DATABASE_OWNER_URL are the same: one secret, one purpose"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"public_base_url": "http://pay.jivapay-test.net"}, "PUBLIC_BASE_URL must begin with https://"),
        ({"public_base_url": "https://"}, "PUBLIC_BASE_URL must begin with https://"),
        ({"public_base_url": "https://127.0.0.1:8080"}, "PUBLIC_BASE_URL names this machine only"),
        ({"public_base_url": "https://localhost"}, "PUBLIC_BASE_URL names this machine only"),
        ({"jivapay_callback_allow_nets": "127.0.0.0/8"}, "JIVAPAY_CALLBACK_ALLOW_NETS must be empty"),
        ({"trusted_proxies": "10.0.0.0/8, 0.0.0.0/0"}, "TRUSTED_PROXIES must not be everybody"),
        ({"trusted_proxies": "::/0"}, "TRUSTED_PROXIES must not be everybody"),
        ({"trusted_proxies": "*"}, "TRUSTED_PROXIES must not be everybody"),
        ({"trusted_proxies": "proxy.local"}, "TRUSTED_PROXIES: 'proxy.local' is no network"),
        ({"plaintext_nets": "0.0.0.0/0"}, "PLAINTEXT_NETS must not be everybody"),
        ({"database_url": None}, "DATABASE_URL is not set"),
        ({"database_owner_url": "postgresql://app:Zk3qP9x1@10.0.0.5/x"}, "DATABASE_URL and DATABASE_OWNER_URL use"),
        ({"redis_url": None}, "REDIS_URL is not set"),
        ({"redis_url": "redis://10.0.0.6:6379/0"}, "REDIS_URL has no password"),
        ({"redis_url": "rediss://valkey:6379/0"}, "REDIS_URL has no password"),
        ({"celery_broker_url": "redis://valkey:6379/0"}, "CELERY_BROKER_URL has no password"),
        ({"s3_access_key": "minioadmin"}, "S3_ACCESS_KEY or S3_SECRET_KEY is a default"),
        ({"s3_secret_key": "minioadmin"}, "S3_ACCESS_KEY or S3_SECRET_KEY is a default"),
        ({"s3_secret_key": None}, "S3_ACCESS_KEY and S3_SECRET_KEY must be set"),
        ({"s3_bucket_name": None}, "S3_BUCKET_NAME or STORAGE_DIR must be set"),
        ({"jivapay_admin_password": "admin"}, "JIVAPAY_ADMIN_PASSWORD is a default"),
        ({"jivapay_admin_password": "changeme-please-1"}, "JIVAPAY_ADMIN_PASSWORD is a default"),
    ],
)
def test_one_unsafe_setting_is_one_line(changes: dict[str, str | None], line: str) -> None:
    (only,) = found(good(**changes))
    assert only.startswith(line)


@pytest.mark.parametrize(("mode", "refused"), [(0o400, False), (0o600, False), (0o440, True), (0o644, True)])
def test_a_mounted_key_others_can_read_is_refused(tmp_path: Path, mode: int, refused: bool) -> None:
    path = tmp_path / "keys"
    path.write_text("x")
    path.chmod(mode)
    settings = Settings.model_validate(good())
    lines = refusals(settings, {"DATA_KEYS_FILE": os.fspath(path)})
    assert lines == (["DATA_KEYS_FILE can be read by others than its owner: chmod 0400"] if refused else [])
    assert refusals(settings, {"DATA_KEYS_FILE": "/nowhere"}) == ["DATA_KEYS_FILE cannot be read"]
    assert refusals(settings, {"DATA_KEYS_FILE": "/nowhere", "DATA_KEYS": "given"}) == []


@pytest.mark.parametrize(
    ("name", "mode", "uid", "gid", "refused"),
    [
        ("lent to our group", 0o440, 1, 0, False),
        ("lent, and others read", 0o444, 1, 0, True),
        ("lent, and the group writes", 0o460, 1, 0, True),
        ("a foreign group", 0o440, 1, 1, True),
        ("our own, and our group reads", 0o440, 0, 0, True),
    ],
)
def test_a_group_that_was_given_to_us_alone_may_read(name: str, mode: int, uid: int, gid: int, refused: bool) -> None:
    foreign_gid = max(os.getgid(), *os.getgroups(), 0) + 1
    found = os.stat_result(
        (stat.S_IFREG | mode, 0, 0, 1, os.geteuid() + uid, foreign_gid if gid else os.getegid(), 1, 0, 0, 0)
    )
    assert _others_may_read(found) is refused, name


def test_only_what_migrates_needs_the_owner() -> None:
    without = Settings.model_validate({name: value for name, value in good().items() if name != "database_owner_url"})
    assert refusals(without, {}) == []
    (line,) = migration_refusals(without)
    assert line.startswith("DATABASE_OWNER_URL is not set")
    assert migration_refusals(Settings.model_validate(good())) == []
    same = good(database_owner_url="postgresql://app:Zk3qP9x1@10.0.0.5/x")
    (line,) = migration_refusals(Settings.model_validate(same))
    assert line.startswith("DATABASE_URL and DATABASE_OWNER_URL use the same role")
