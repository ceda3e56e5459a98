"""The targets of the fifth document: what they run, and the one line when something is missing."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from architecture.house import ROOT

COMPOSE = "compose --env-file .env --file deploy/compose.yaml"
MAKE = shutil.which("make")

DOCKER = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/../told"
[ "$*" != "compose version" ] || [ -z "$BARE" ]
"""

pytestmark = pytest.mark.skipif(MAKE is None, reason="there is no make")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the Makefile, a copied .env, and a docker that writes down what it is told."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    tools = tmp_path / "tools"
    tools.mkdir()
    docker = tools / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    for name in ("sh", "sed", "dirname"):
        (tools / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def make(place: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    assert MAKE is not None
    return subprocess.run(
        [MAKE, *arguments],
        cwd=place,
        env={"PATH": str(place / "tools"), "LANG": "C"} | dict(env or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def told(place: Path) -> list[str]:
    path = place / "told"
    return [line for line in path.read_text().splitlines() if line != "compose version"] if path.exists() else []


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("up", "up --build --detach --wait"),
        ("down", "down"),
        ("build", "build --pull"),
        ("restart", "restart"),
        ("logs", "logs --follow --tail 200 web"),
        ("workerlogs", "logs --follow --tail 200 worker-orders worker-callbacks"),
        ("beatlogs", "logs --follow --tail 200 scheduler"),
    ],
)
def test_containers(place: Path, target: str, command: str) -> None:
    done = make(place, target)
    assert done.returncode == 0, done.stderr
    assert told(place) == [f"{COMPOSE} {command}"]


def test_the_logged_workers_are_those_of_compose() -> None:
    from deploy.test_compose import OURS

    workers = {name for name, one in OURS.items() if one["command"][0] == "worker"}
    (line,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("WORKERS := ")]
    assert set(line.removeprefix("WORKERS := ").split()) == workers


def test_the_image_of_a_release(place: Path) -> None:
    assert make(place, "build-prod", "TAG=0.1.8").returncode == 0
    assert make(place, "push-prod", "TAG=0.1.8", "IMAGE=registry.example/jivapay").returncode == 0
    with (place / ".env").open("a") as file:
        file.write("JIVAPAY_IMAGE=of.env/jivapay\n")
    (place / ".env").write_text((place / ".env").read_text().replace("JIVAPAY_IMAGE=jivapay\n", ""))
    assert make(place, "push-prod", "TAG=0.1.9").returncode == 0
    assert told(place) == [
        "build --pull --file deploy/Dockerfile --tag jivapay:0.1.8 .",
        "push registry.example/jivapay:0.1.8",
        "push of.env/jivapay:0.1.9",
    ]


@pytest.mark.parametrize(
    ("arguments", "spoil", "line"),
    [
        (["build-prod"], "", "say which release, TAG=0.1.8"),
        (["push-prod"], "", "say which release, TAG=0.1.8"),
        (["push-prod", "TAG=0.1.8"], "", "push-prod: say where to, IMAGE=registry/name (or JIVAPAY_IMAGE in .env)"),
        (["up"], "docker", "docker is not installed; `make local` runs the platform without it"),
        (["build-prod", "TAG=1"], "docker", "docker is not installed; `make local` runs the platform without it"),
        (["up"], "compose", "docker has no compose plugin; `make local` runs the platform without it"),
        (["logs"], ".env", "there is no .env: cp .env.example .env"),
    ],
)
def test_what_is_missing_takes_one_line(place: Path, arguments: list[str], spoil: str, line: str) -> None:
    if spoil == "docker":
        (place / "tools" / "docker").unlink()
    if spoil == ".env":
        (place / ".env").unlink()
    done = make(place, *arguments, env={"BARE": "1"} if spoil == "compose" else {})
    assert done.returncode == 2
    said = [one for one in done.stderr.splitlines() if not one.startswith("make: ***")]
    assert said == [line]
    assert told(place) == []


def test_every_target_of_the_document_is_explained() -> None:
    shown = subprocess.run([MAKE or "make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    explained = {line.split()[1] for line in shown.splitlines()}
    containers = {"up", "down", "build", "restart", "logs", "workerlogs", "beatlogs", "build-prod", "push-prod"}
    assert explained >= containers | {"test", "coverage", "test-coverage", "makemigrations", "migrate"}
