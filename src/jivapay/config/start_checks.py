"""What makes production refuse to start, as far as the settings alone can tell (decision 21, CFG-08). What only
the database, the broker or a name server knows is asked in `utils/start_checks.py`.

Each refusal is one line for a person: which variable and why, never its value.
"""

import math
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from itertools import combinations, pairwise
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from jivapay.config.crypto.cipher import parse_data_keys
from jivapay.config.settings import PayoutsAccess, Settings
from jivapay.schemas_enums.enums import PayoutExecutor

EXIT_REFUSED = 78
"""EX_CONFIG of sysexits.h: a supervisor should not simply try again."""

SECRET_BYTES_MIN = 32
SECRET_BITS_MIN = 96
"""Of the characters' own spread; 16 random bytes in hexadecimal have about 115, a repeated word far less."""
PASSWORD_LENGTH_MIN = 12
_GIVEAWAYS = (
    *("changeme", "change-me", "change_me", "example", "placeholder", "insecure", "password"),
    *("jivapay", "minioadmin"),
)
_MOUNTED_KEYS = ("DATA_KEYS", "PROOF_KEYS", "SECRET_KEY", "BLIND_INDEX_KEY", "API_KEY_PEPPER")


def refusals(settings: Settings, environ: Mapping[str, str] | None = None) -> list[str]:
    """Why production must not start with these settings, one line each; empty when it may.

    `environ` tells where secrets are mounted from (`NAME_FILE`); the process's own when not given.
    """
    return [
        *_secret_refusals(settings),
        *_shared_secret_refusals(settings),
        *_mounted_key_refusals(os.environ if environ is None else environ),
        *_address_refusals(settings),
        *_network_refusals(settings),
        *_database_url_refusals(settings),
        *_broker_refusals(settings),
        *_storage_refusals(settings),
        *_payouts_refusals(settings),
    ]


def _secret_refusals(settings: Settings) -> Iterator[str]:
    for name, secret in (
        ("SECRET_KEY", settings.secret_key),
        ("BLIND_INDEX_KEY", settings.blind_index_key),
        ("API_KEY_PEPPER", settings.api_key_pepper),
    ):
        value = _text(secret)
        if not value:
            yield f"{name} is not set"
        elif len(value.encode()) < SECRET_BYTES_MIN:
            yield f"{name} is shorter than {SECRET_BYTES_MIN} bytes"
        elif _is_guessable(value):
            yield f"{name} looks like an example or a pattern, not like {SECRET_BYTES_MIN} random bytes"
    yield from _keyring_refusals("DATA_KEYS", _text(settings.data_keys))
    yield from _keyring_refusals("PROOF_KEYS", _text(settings.proof_keys))
    password = _text(settings.jivapay_admin_password)
    if password and (len(password) < PASSWORD_LENGTH_MIN or any(word in password.lower() for word in _GIVEAWAYS)):
        yield f"JIVAPAY_ADMIN_PASSWORD is a default or shorter than {PASSWORD_LENGTH_MIN} characters"


def _keyring_refusals(name: str, value: str) -> Iterator[str]:
    if not value:
        yield f"{name} is not set"
        return
    try:
        keys = parse_data_keys(value, name)
    except ValueError as error:
        yield str(error)
        return
    for position, key in enumerate(keys.values(), start=1):
        # Among 32 random bytes about 30 differ; fewer than 16 never happen by chance.
        if len(set(key)) < len(key) // 2 or _is_sequence(key):
            yield f"{name}: the key of entry {position} is a pattern, not 32 random bytes"


def _shared_secret_refusals(settings: Settings) -> Iterator[str]:
    purposes = {
        "SECRET_KEY": _text(settings.secret_key),
        "BLIND_INDEX_KEY": _text(settings.blind_index_key),
        "API_KEY_PEPPER": _text(settings.api_key_pepper),
        "S3_SECRET_KEY": _text(settings.s3_secret_key),
        "JIVAPAY_ADMIN_PASSWORD": _text(settings.jivapay_admin_password),
        "the password in DATABASE_URL": _split(settings.database_url).password,
        "the password in DATABASE_OWNER_URL": _split(settings.database_owner_url).password,
        "the password in REDIS_URL": _split(settings.redis_url).password,
    }
    for name, keyring in (("DATA_KEYS", settings.data_keys), ("PROOF_KEYS", settings.proof_keys)):
        for position, item in enumerate(_text(keyring).split(","), start=1):
            purposes[f"entry {position} of {name}"] = item.partition(":")[2].strip()
    for (name, value), (other, other_value) in combinations(purposes.items(), 2):
        if value and value == other_value:
            yield f"{name} and {other} are the same: one secret, one purpose"


def _mounted_key_refusals(environ: Mapping[str, str]) -> Iterator[str]:
    for name in _MOUNTED_KEYS:
        path = environ.get(f"{name}_FILE")
        if not path or name in environ:
            continue
        try:
            found = Path(path).stat()
        except OSError:
            yield f"{name}_FILE cannot be read"
            continue
        if _others_may_read(found):
            yield f"{name}_FILE can be read by others than its owner: chmod 0400"


def _others_may_read(found: os.stat_result) -> bool:
    """Whether somebody else may. A container's platform mounts secrets as root's, readable by the group it gave the
    container alone (Kubernetes' fsGroup): that group is ours, and nobody else's.
    """
    is_lent = found.st_uid != os.geteuid() and found.st_gid in {os.getegid(), *os.getgroups()}
    return bool(stat.S_IMODE(found.st_mode) & (0o037 if is_lent else 0o077))


def _address_refusals(settings: Settings) -> Iterator[str]:
    base = urlsplit(settings.public_base_url)
    if base.scheme != "https" or not base.hostname:
        yield "PUBLIC_BASE_URL must begin with https:// and name a host"
    elif base.hostname == "localhost" or _is_loopback(base.hostname):
        yield "PUBLIC_BASE_URL names this machine only; customers must reach it"


def _network_refusals(settings: Settings) -> Iterator[str]:
    if settings.jivapay_callback_allow_nets.strip():
        yield "JIVAPAY_CALLBACK_ALLOW_NETS must be empty: callbacks go to public addresses only"
    for name, value in (("TRUSTED_PROXIES", settings.trusted_proxies), ("PLAINTEXT_NETS", settings.plaintext_nets)):
        for part in filter(None, (part.strip() for part in value.split(","))):
            try:
                everyone = ip_network(part).prefixlen == 0
            except ValueError:
                yield f"{name}: {part!r} is no network" if part != "*" else f"{name} must not be everybody"
                continue
            if everyone:
                yield f"{name} must not be everybody"


def _database_url_refusals(settings: Settings) -> Iterator[str]:
    if settings.database_url is None:
        yield "DATABASE_URL is not set"
    if settings.database_owner_url is not None:
        yield from _same_role_refusals(settings)


def migration_refusals(settings: Settings) -> list[str]:
    """Why production must not migrate with these settings. Only what migrates needs the owner's address: a server or a
    worker that never has it cannot lose it.
    """
    if settings.database_owner_url is None:
        return ["DATABASE_OWNER_URL is not set: the role that migrates must not be the application's"]
    return list(_same_role_refusals(settings))


def _same_role_refusals(settings: Settings) -> Iterator[str]:
    application, owner = _split(settings.database_url), _split(settings.database_owner_url)
    if settings.database_url is not None and application.username == owner.username:
        yield "DATABASE_URL and DATABASE_OWNER_URL use the same role: the application must own no table"


def _broker_refusals(settings: Settings) -> Iterator[str]:
    if settings.redis_url is None:
        yield "REDIS_URL is not set"
    for name, secret in (("REDIS_URL", settings.redis_url), ("CELERY_BROKER_URL", settings.celery_broker_url)):
        url = _split(secret)
        host = url.hostname or ""
        if host and host != "localhost" and not _is_loopback(host) and not url.password:
            yield f"{name} has no password and leaves this machine"


def _storage_refusals(settings: Settings) -> Iterator[str]:
    if not settings.s3_bucket_name:
        if settings.storage_dir is None:
            yield "S3_BUCKET_NAME or STORAGE_DIR must be set"
        return
    access, secret = _text(settings.s3_access_key), _text(settings.s3_secret_key)
    if not access or not secret:
        yield "S3_ACCESS_KEY and S3_SECRET_KEY must be set"
    elif access.lower() == "minioadmin" or any(word in secret.lower() for word in _GIVEAWAYS):
        yield "S3_ACCESS_KEY or S3_SECRET_KEY is a default"


def _payouts_refusals(settings: Settings) -> Iterator[str]:
    if settings.payouts_access is PayoutsAccess.INTERNAL:
        yield "PAYOUTS_ACCESS must not be internal: behind a proxy every stranger would be a neighbour"
    if settings.payouts_executor is PayoutExecutor.SANDBOX:
        yield "PAYOUTS_EXECUTOR must not be sandbox: it calls payouts processed that nobody has paid"


def _is_guessable(secret: str) -> bool:
    if any(word in secret.lower() for word in _GIVEAWAYS) or _is_sequence(secret.encode()):
        return True
    if secret in (secret + secret)[1:-1]:
        return True  # one piece again and again
    spread = -sum(n / len(secret) * math.log2(n / len(secret)) for n in Counter(secret).values())
    return spread * len(secret) < SECRET_BITS_MIN


def _is_sequence(data: bytes) -> bool:
    """Whether most neighbours are equal or follow each other, as in `abcdefgh…` or `00000…`."""
    steps = sum(abs(one - other) <= 1 for one, other in pairwise(data))
    return 2 * steps > len(data)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: SecretStr | None) -> SplitResult:
    return urlsplit(_text(url))


def _text(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
