"""The home of an embedded stack: where it is, who owns it, what it remembers.

`lock` is a kernel lock, so it cannot go stale; `ports.json` keeps the addresses the same from start to start;
`secrets.json` (mode 0600) holds every generated password and key. Source: issue 2, section 1; decision 20.
"""

import base64
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from jivapay.embedded.errors import EmbeddedError, HomeInUse

PASSWORDS = ("postgres", "jivapay_owner", "jivapay_app", "valkey")
"""The servers' accounts; their passwords stand in `secrets.json` under these names."""
KEYRINGS = ("DATA_KEYS", "PROOF_KEYS")
"""Secrets that are lists of keys, each with its id."""
APPLICATION_SECRETS = ("SECRET_KEY", *KEYRINGS, "BLIND_INDEX_KEY", "API_KEY_PEPPER")
"""What the application needs and a fresh machine lacks."""


def default_home() -> Path:
    """`JIVAPAY_HOME`, else `var` of the working directory; for root in a directory only root can enter (a checkout
    in /root), where a server with another identity could not follow, one of its own under /var/lib.
    """
    if given := os.environ.get("JIVAPAY_HOME"):
        return Path(given).expanduser().resolve()
    local = Path.cwd() / "var"
    if os.geteuid() == 0 and any(not parent.stat().st_mode & 0o001 for parent in local.parents):
        tag = hashlib.sha256(str(local).encode()).hexdigest()[:8]
        return Path("/var/lib/jivapay") / tag
    return local


@contextmanager
def single_owner(home: Path) -> Iterator[TextIO]:
    """Own `home` while the block runs. Raises HomeInUse with the owner's pid.

    Yields the lock's file: a forked child must close its copy, or it would own the home together with us.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Root's servers run as another account, which may enter but not list.
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        lock = (home / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise EmbeddedError(f"cannot use {home} as home: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise HomeInUse(home, lock.read().strip()) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock


def refuse_second_owner(home: Path) -> None:
    """Raises HomeInUse when a stack runs on `home` now."""
    try:
        lock = (home / "lock").open(encoding="utf-8")
    except OSError:
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeInUse(home, lock.read().strip()) from None


def read_ports(home: Path) -> dict[str, int]:
    """The ports of the last start, by server; empty before the first one or when the file is damaged."""
    try:
        found = json.loads((home / "ports.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): v for k, v in found.items() if isinstance(v, int)} if isinstance(found, dict) else {}


def remember_ports(home: Path, **ports: int) -> None:
    _write_private(home / "ports.json", read_ports(home) | ports)


def load_secrets(home: Path) -> dict[str, str]:
    """Every password and key of this home, generated at the first call and kept. The caller owns the home."""
    path = home / "secrets.json"
    try:
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = {}
    except ValueError as error:
        # Never replaced by new ones: what the lost keys encrypted could not be read again.
        raise EmbeddedError(f"{path} is damaged; restore it from a backup") from error
    missing = [name for name in (*PASSWORDS, *APPLICATION_SECRETS) if name not in known]
    if missing:
        known |= {name: generate_secret(name) for name in missing}
        _write_private(path, known)
    return known


def describe_running(home: Path) -> dict[str, str] | None:
    """The environment of the stack that another process runs on `home`; None when none does."""
    try:
        refuse_second_owner(home)
    except HomeInUse:
        return environment(home, read_ports(home), load_secrets(home))
    return None


def environment(home: Path, ports: dict[str, int], known: dict[str, str]) -> dict[str, str]:
    """The variables that lead to the servers listening on `ports`, to the storage and to the secrets: what the
    environment does not say itself.
    """
    env = {name: known[name] for name in APPLICATION_SECRETS}
    if "postgres" in ports:
        database = f"127.0.0.1:{ports['postgres']}/jivapay"
        env["DATABASE_OWNER_URL"] = f"postgresql://jivapay_owner:{known['jivapay_owner']}@{database}"
        env["DATABASE_URL"] = f"postgresql://jivapay_app:{known['jivapay_app']}@{database}"
    if "valkey" in ports:
        env["REDIS_URL"] = f"redis://:{known['valkey']}@127.0.0.1:{ports['valkey']}/0"
    env["STORAGE_DIR"] = str(home / "objects")
    return {name: value for name, value in env.items() if not is_given(name)}


def is_given(name: str) -> bool:
    """Whether the environment says it itself, as `NAME` or `NAME_FILE`; then nothing of ours replaces it."""
    return bool(os.environ.keys() & {name, f"{name}_FILE"})


def generate_secret(name: str) -> str:
    """A fresh value for the secret of this name, in the form it has."""
    if name in KEYRINGS:
        return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return secrets.token_urlsafe(32)


def _write_private(path: Path, content: object) -> None:
    """Replace `path` at once, readable by us alone; a crash leaves the old or the new one."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
