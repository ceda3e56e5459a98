"""The first start of an installation as Compose plays it, on a durable PostgreSQL and Valkey of this machine: secrets,
roles, migration, seed, then the processes in production, each with the environment it is given there.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cli.test_processes import running
from deploy.manifests import DEPLOY, SECRETS, unset
from deploy.test_compose import OURS
from jivapay.cli.liveness import EVERY_SECONDS
from jivapay.cli.secret_files import OWNER_ROLE, secrets
from jivapay.embedded import stack as embedded_stack
from jivapay.embedded.home import load_secrets
from jivapay.embedded.postgres import find_binaries

PSQL = find_binaries() / "psql"
DATABASE = "installed"
TURNING = ("worker-orders", "worker-callbacks", "relay", "scheduler")


class Installation:
    """The directory of secrets, and what a service of compose is given on this machine."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        self.folder = home / "installation"
        self.folder.mkdir()
        self.secrets = self.folder / "secrets"
        self.secrets.mkdir(mode=0o700)
        server, broker = urlsplit(env["DATABASE_URL"]), urlsplit(env["REDIS_URL"])
        (self.secrets / "valkey_password").write_text(broker.password or "", encoding="utf-8")
        (self.secrets / "database_owner_password").write_text(load_secrets(home)[OWNER_ROLE], encoding="utf-8")
        secrets(self.secrets, f"{server.hostname}:{server.port}", f"{broker.hostname}:{broker.port}")
        self.superuser = f"postgresql://postgres:{load_secrets(home)['postgres']}@{server.hostname}:{server.port}"
        for name in ("database_url", "database_owner_url"):
            path = self.secrets / name
            text = f"{path.read_text(encoding='utf-8').removesuffix('/jivapay')}/{DATABASE}"
            path.chmod(0o600)
            path.write_text(text, encoding="utf-8")
        for path in self.secrets.iterdir():
            path.chmod(0o400)

    def environment(self, service: str) -> dict[str, str]:
        given = {name: unset(str(value)) for name, value in OURS[service]["environment"].items()}
        here = {"/tmp/alive": str(self.alive(service)), "/var/lib/jivapay": str(self.folder / "files")}  # noqa: S108 - of the container
        return {name: here.get(value, value.replace(SECRETS, str(self.secrets))) for name, value in given.items()}

    def alive(self, service: str) -> Path:
        return self.folder / f"{service}.alive"

    def sql(self, url: str, *arguments: str) -> None:
        done = subprocess.run(
            [PSQL, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", url, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def run(self, service: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "jivapay", *OURS[service]["command"]],
            env=bare() | self.environment(service),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


def bare() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "TZ", "HOME") if name in os.environ}


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    place = Path(tempfile.mkdtemp(prefix="jivapay-install-"))
    place.chmod(0o711)
    try:
        with embedded_stack(place / "home") as env:
            made = Installation(place / "home", env)
            made.sql(f"{made.superuser}/postgres", f"--command=create database {DATABASE} owner {OWNER_ROLE}")
            # What POSTGRES_USER of the image is; here the owner is less.
            made.sql(f"{made.superuser}/postgres", f"--command=alter role {OWNER_ROLE} superuser")
            password = (made.secrets / "database_password").read_text(encoding="utf-8")
            url = (made.secrets / "database_owner_url").read_text(encoding="utf-8")
            roles = str(DEPLOY / "postgres" / "roles.sql")
            for _ in range(2):
                made.sql(url, f"--set=application_password={password}", f"--file={roles}")
            made.run("migrate")
            said = made.run("seed")
            assert "password" not in said
            yield made
    finally:
        shutil.rmtree(place, ignore_errors=True)


def test_the_check_is_silent(installation: Installation) -> None:
    """First: a minute later somebody should have chained what the seed has written."""
    done = subprocess.run(
        [sys.executable, "-m", "jivapay", "check"],
        env=bare() | installation.environment("web"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_of_it_turns_and_ends_when_asked(installation: Installation, tmp_path: Path) -> None:
    """At once, as Compose starts them. Whoever hangs is seen: his file is touched while he turns, and only then."""
    with ThreadPoolExecutor(len(TURNING) + 1) as together:
        ended = [together.submit(turn, installation, service, tmp_path / service) for service in TURNING]
        ended.append(together.submit(serve, installation, tmp_path / "web"))
        for one in ended:
            one.result()


def turn(installation: Installation, service: str, folder: Path) -> None:
    folder.mkdir()
    with running(OURS[service]["command"], installation.environment(service), folder) as process:
        file = installation.alive(service)
        assert is_touched(file, within=15), service
        process.send_signal(signal.SIGSTOP)
        assert not is_touched(file, within=EVERY_SECONDS + 2), service
        process.send_signal(signal.SIGCONT)
        assert is_touched(file, within=15), service
        process.send_signal(signal.SIGTERM)
        said, complained = process.communicate(timeout=60)
    assert process.returncode == 0, (service, complained[-2000:])
    assert (said, complained.count("Traceback")) == ("", 0), service


def is_touched(file: Path, *, within: float) -> bool:
    """Whether it becomes fresh, however fresh it is now."""
    deadline = time.monotonic() + within
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.utime(file, (0, 0))
    while file.stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    return file.stat().st_mtime > 0


def serve(installation: Installation, folder: Path) -> None:
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running(["serve", "all", "--port", str(port)], installation.environment("web"), folder) as process:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
            assert json.loads(answer.read())["status"] == "ok"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
